"""Metrics of every model and ensemble, and what each costs to run."""


rule evaluate:
    """Compute accuracy, likelihood and calibration of one model or ensemble, on all and on each subset."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=entry_predictions,
    output:
        "results/metrics/{dataset}/{entry}/seed{seed}/{views}.json",
    log:
        "results/logs/evaluate/{dataset}/{entry}/seed{seed}/{views}.log",
    benchmark:
        "results/benchmarks/evaluate/{dataset}/{entry}/seed{seed}/{views}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "evaluate"),
        runtime=need("runtime", "evaluate"),
    params:
        code=code("evaluate"),
        bins=lambda wildcards: experiment(wildcards).evaluation.ece_bins,
    message:
        "Evaluating {wildcards.entry} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.evaluate --segments {input.segments} --predictions {input.predictions}"
        " --dataset {wildcards.dataset} --model {wildcards.entry} --seed {wildcards.seed}"
        " --views {wildcards.views} --bins {params.bins} --out {output} 2>&1 | tee {log}"


rule measure_cost:
    """Measure size and speed of the trained nets."""
    input:
        models=lambda wildcards: [
            paths(wildcards).model(model, CONFIG.seeds[0]) for model in models.nets(experiment(wildcards))
        ],
    output:
        "results/cost/{dataset}.json",
    log:
        "results/logs/measure_cost/{dataset}.log",
    benchmark:
        "results/benchmarks/measure_cost/{dataset}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        gpu=need("gpus", "measure_cost"),
        ranks=need("gpus", "measure_cost"),
        mem_mb=need("mem_mb", "measure_cost"),
        runtime=need("runtime", "measure_cost"),
    params:
        code=cost_code,
        settings=lambda wildcards: slices.cost_settings(experiment(wildcards)),
    message:
        "Measuring size and speed of the nets of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.measure_cost --models {input.models} --settings {params.settings:q} --gpus {resources.ranks} --threads {threads}"
        " --out {output} 2>&1 | tee {log}"
