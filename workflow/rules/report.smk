"""Tables, figures and the page: what a person looks at."""

PAGE_TEMPLATE = os.path.join(workflow.basedir, "workflow", "report", "page.html")


rule tabulate:
    """Write the result table: one row per model and view setting, with mean and spread over seeds."""
    input:
        metrics=lambda wildcards: paths(wildcards).metrics(
            models.reported(experiment(wildcards)), CONFIG.seeds, experiment(wildcards).evaluation.views
        ),
        cost="results/cost/{dataset}.json",
        ensembles=per_seed("results/ensembles/{dataset}/{name}/seed{seed}.json", lambda e: list(e.ensembles)),
        followed=lambda wildcards: comparisons.followed_files(paths(wildcards), CONFIG.seeds),
        # a table comes with its figures; ancient, so that a redrawn figure does not rewrite the table
        figures=[ancient(f"results/figures/{{dataset}}/{name}.{kind}") for name in FIGURES for kind in ("svg", "png")],
    output:
        csv=report(
            "results/tables/{dataset}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"dataset": "{dataset}"},
        ),
        md="results/tables/{dataset}.md",
        provenance="results/tables/{dataset}.provenance.json",
    log:
        "results/logs/tabulate/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=code("tabulate"),
        rows=lambda wildcards: slices.as_json(models.table_rows(experiment(wildcards))),
        ensembles=lambda wildcards: labelled(comparisons.ensemble_files(paths(wildcards), CONFIG.seeds)),
        followed=lambda wildcards: slices.as_json(comparisons.followed(paths(wildcards), CONFIG.seeds)),
    message:
        "Writing the result table of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate --metrics {input.metrics} --cost {input.cost} --rows {params.rows:q}"
        " --ensembles {params.ensembles} --followed {params.followed:q}"
        " --csv {output.csv} --md {output.md} --provenance {output.provenance}"
        # neither input nor parameter: a commit, or a new day, makes no new table
        " --call results/calls/{wildcards.dataset}.json --models results/models/{wildcards.dataset} 2>&1 | tee {log}"


rule plot_reliability:
    """Draw reliability diagrams of baseline, ensemble and student."""
    input:
        metrics=metrics_of(models.reliability_models),
    output:
        svg=report(
            "results/figures/{dataset}/reliability.svg",
            caption="../report/reliability.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "reliability"},
        ),
        png="results/figures/{dataset}/reliability.png",
    log:
        "results/logs/plot_reliability/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_reliability/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "plot"),
        runtime=need("runtime", "plot"),
    params:
        code=figure_code("plot_reliability"),
        models=lambda wildcards: models.reliability_models(experiment(wildcards)),
    message:
        "Drawing reliability diagrams of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_reliability --metrics {input.metrics} --models {params.models}"
        " --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule plot_accuracy:
    """Draw the accuracy of all models, with the spread over seeds."""
    input:
        metrics=metrics_of(models.reported),
    output:
        svg=report(
            "results/figures/{dataset}/accuracy.svg",
            caption="../report/accuracy.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "accuracy"},
        ),
        png="results/figures/{dataset}/accuracy.png",
    log:
        "results/logs/plot_accuracy/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_accuracy/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "plot"),
        runtime=need("runtime", "plot"),
    params:
        code=figure_code("plot_accuracy"),
        rows=lambda wildcards: slices.as_json(models.table_rows(experiment(wildcards))),
    message:
        "Drawing accuracies of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_accuracy --metrics {input.metrics} --rows {params.rows:q}"
        " --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule plot_ensemble_weights:
    """Draw the weights of the teachers in every ensemble."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        weights=per_seed("results/ensembles/{dataset}/{name}/seed{seed}.json", lambda e: list(e.ensembles)),
    output:
        svg=report(
            "results/figures/{dataset}/ensemble_weights.svg",
            caption="../report/ensemble_weights.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "ensemble weights"},
        ),
        png="results/figures/{dataset}/ensemble_weights.png",
    log:
        "results/logs/plot_ensemble_weights/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_ensemble_weights/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "plot"),
        runtime=need("runtime", "plot"),
    params:
        code=figure_code("plot_ensemble_weights"),
    message:
        "Drawing ensemble weights of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_ensemble_weights --weights {input.weights}"
        " --dataset {wildcards.dataset} --segments {input.segments} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule plot_training:
    """Draw the training curves of all nets."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        histories=per_seed("results/models/{dataset}/{name}/seed{seed}/history.csv", models.trained),
    output:
        svg=report(
            "results/figures/{dataset}/training.svg",
            caption="../report/training.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "training curves"},
        ),
        png="results/figures/{dataset}/training.png",
    log:
        "results/logs/plot_training/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_training/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "plot"),
        runtime=need("runtime", "plot"),
    params:
        code=figure_code("plot_training"),
    message:
        "Drawing training curves of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_training --histories {input.histories}"
        " --dataset {wildcards.dataset} --segments {input.segments} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule write_page:
    """Write one page with all results of a dataset, which opens without a network."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        skipped="results/data/{dataset}/skipped.csv",
        table="results/tables/{dataset}.md",
        figures=expand(
            "results/figures/{{dataset}}/{name}.svg", name=sorted(FIGURES, key=lambda name: name != "accuracy")
        ),
        analyses=lambda wildcards: paths(wildcards).analyses(),
        template=PAGE_TEMPLATE,
    output:
        "results/report/{dataset}.html",
    log:
        "results/logs/write_page/{dataset}.log",
    benchmark:
        "results/benchmarks/write_page/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=code("write_page"),
        analyses=lambda wildcards: experiment(wildcards).evaluation.shown_analyses,
        facts=lambda wildcards: slices.page_facts(
            wildcards.dataset, experiment(wildcards), CONFIG.seeds, paths(wildcards).root
        ),
    message:
        "Writing the page of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.write_page --segments {input.segments} --skipped {input.skipped} --table {input.table}"
        " --analyses {params.analyses} --figures {input.figures}"
        " --template {input.template:q} --facts {params.facts:q} --out {output} 2>&1 | tee {log}"
