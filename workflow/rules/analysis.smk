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


rule calibrate:
    """Measure the calibration of a model, as it is and with a temperature fitted on the held-out fold."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=entry_predictions,
        heldout=entry_heldout,
    output:
        "results/calibration/{dataset}/{entry}/seed{seed}/{views}.json",
    log:
        "results/logs/calibrate/{dataset}/{entry}/seed{seed}/{views}.log",
    benchmark:
        "results/benchmarks/calibrate/{dataset}/{entry}/seed{seed}/{views}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "evaluate"),
        runtime=need("runtime", "evaluate"),
    params:
        code=code("calibrate"),
        bins=lambda wildcards: experiment(wildcards).evaluation.ece_bins,
    message:
        "Measuring the calibration of {wildcards.entry} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.calibrate --segments {input.segments} --predictions {input.predictions}"
        " --heldout {input.heldout} --dataset {wildcards.dataset} --model {wildcards.entry} --seed {wildcards.seed}"
        " --views {wildcards.views} --bins {params.bins} --out {output} 2>&1 | tee {log}"


rule tabulate_calibration:
    """Write and draw the calibration of every model, beside the same model with a fitted temperature."""
    input:
        measured=lambda wildcards: paths(wildcards).metrics(
            models.reported(experiment(wildcards)),
            CONFIG.seeds,
            experiment(wildcards).evaluation.views[:1],
            "calibration",
        ),
    output:
        csv=report(
            "results/tables/{dataset}_calibration.csv",
            caption="../report/calibration.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "calibration"},
        ),
        md="results/tables/{dataset}_calibration.md",
        svg=report(
            "results/figures/{dataset}/calibration.svg",
            caption="../report/calibration.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "calibration"},
        ),
        png="results/figures/{dataset}/calibration.png",
    log:
        "results/logs/tabulate_calibration/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_calibration/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=figure_code("tabulate_calibration"),
        models=lambda wildcards: models.reported(experiment(wildcards)),
        drawn=lambda wildcards: models.reliability_models(experiment(wildcards)),
    message:
        "Writing the table of calibration of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate_calibration --measured {input.measured} --models {params.models}"
        " --drawn {params.drawn} --csv {output.csv} --md {output.md} --svg {output.svg} --png {output.png}"
        " 2>&1 | tee {log}"
