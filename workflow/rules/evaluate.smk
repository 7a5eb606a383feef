"""Metrics of every model and ensemble, and what each costs to run."""


rule evaluate:
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=row_predictions,
        code=code("evaluate"),
    output:
        "results/metrics/{dataset}/{row}/seed{seed}.json",
    log:
        "results/logs/evaluate/{dataset}/{row}/seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/{dataset}/{row}/seed{seed}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "evaluate"),
        runtime=need("runtime", "evaluate"),
    params:
        bins=lambda wildcards: experiment(wildcards).evaluation.ece_bins,
    message:
        "Evaluating {wildcards.row} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.evaluate --segments {input.segments} --predictions {input.predictions}"
        " --dataset {wildcards.dataset} --model {wildcards.row} --seed {wildcards.seed}"
        " --bins {params.bins} --out {output} 2>&1 | tee {log}"


rule measure_cost:
    input:
        models=lambda wildcards: [
            f"results/models/{wildcards.dataset}/{model}/seed{CONFIG.seeds[0]}/model.safetensors"
            for model in slices.nets(experiment(wildcards))
        ],
        code=code("measure_cost"),
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
    message:
        "Measuring size and speed of the nets of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.measure_cost --models {input.models} --gpus {resources.ranks} --threads {threads}"
        " --out {output} 2>&1 | tee {log}"
