"""Tables and figures: what a person looks at."""


rule tabulate:
    input:
        metrics=per_seed("results/metrics/{dataset}/{name}/seed{seed}.json", slices.reported),
        cost="results/cost/{dataset}.json",
        # whoever asks for a table gets its figures too; ancient, so that a redrawn figure does not rewrite the table
        figures=[ancient(f"results/figures/{{dataset}}/{name}.{kind}") for name in FIGURES for kind in ("svg", "png")],
        code=code("tabulate"),
    output:
        csv=report(
            "results/tables/{dataset}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"dataset": "{dataset}"},
        ),
        md="results/tables/{dataset}.md",
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
        rows=lambda wildcards: slices.as_json(slices.table_rows(experiment(wildcards))),
    message:
        "Writing the result table of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate --metrics {input.metrics} --cost {input.cost} --rows {params.rows:q}"
        " --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


rule plot_reliability:
    input:
        metrics=per_seed("results/metrics/{dataset}/{name}/seed{seed}.json", slices.calibration_rows),
        code=code("plot_reliability"),
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
        models=lambda wildcards: slices.calibration_rows(experiment(wildcards)),
    message:
        "Drawing reliability diagrams of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_reliability --metrics {input.metrics} --models {params.models}"
        " --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule plot_accuracy:
    input:
        metrics=per_seed("results/metrics/{dataset}/{name}/seed{seed}.json", slices.reported),
        code=code("plot_accuracy"),
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
        rows=lambda wildcards: slices.as_json(slices.table_rows(experiment(wildcards))),
    message:
        "Drawing accuracies of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_accuracy --metrics {input.metrics} --rows {params.rows:q}"
        " --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule plot_ensemble_weights:
    input:
        weights=per_seed("results/ensembles/{dataset}/{name}/seed{seed}.json", lambda e: list(e.ensembles)),
        code=code("plot_ensemble_weights"),
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
        data=data_name,
    message:
        "Drawing ensemble weights of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_ensemble_weights --weights {input.weights}"
        " --data {params.data:q} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule plot_training:
    input:
        histories=per_seed("results/models/{dataset}/{name}/seed{seed}/history.csv", slices.trained),
        code=code("plot_training"),
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
        data=data_name,
    message:
        "Drawing training curves of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.plot_training --histories {input.histories}"
        " --data {params.data:q} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"
