"""Further tables, each with its figure: test views, calibration, where the gain comes from, cost of the whole chain."""


rule tabulate_views:
    """Write and draw accuracy and calibration error against the number of test views, with slopes."""
    input:
        metrics=lambda wildcards: paths(wildcards).metrics(
            models.reported(experiment(wildcards)), CONFIG.seeds, experiment(wildcards).evaluation.views
        ),
        cost="results/cost/{dataset}.json",
    output:
        csv=report(
            "results/tables/{dataset}_views.csv",
            caption="../report/views.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "test views"},
        ),
        md="results/tables/{dataset}_views.md",
        svg=report(
            "results/figures/{dataset}/views.svg",
            caption="../report/views.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "test views"},
        ),
        png="results/figures/{dataset}/views.png",
    log:
        "results/logs/tabulate_views/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_views/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=figure_code("tabulate_views"),
        rows=lambda wildcards: slices.as_json(models.table_rows(experiment(wildcards))),
        models=lambda wildcards: models.compared_models(experiment(wildcards)),
    message:
        "Writing the table of test views of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate_views --metrics {input.metrics} --cost {input.cost} --rows {params.rows:q}"
        " --models {params.models} --csv {output.csv} --md {output.md} --svg {output.svg} --png {output.png}"
        " 2>&1 | tee {log}"
