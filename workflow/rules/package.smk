"""What makes a trained net usable outside of the workflow."""


rule package:
    """Write what travels with a model's weights: how to feed it, its calibration, and its card."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        description="results/models/{dataset}/{model}/seed{seed}/config.json",
        heldout=lambda wildcards: paths(wildcards).predictions(
            wildcards.model, wildcards.seed, "heldout", experiment(wildcards).evaluation.heldout_views
        ),
        metrics=lambda wildcards: paths(wildcards).metrics(
            list(dict.fromkeys([wildcards.model, names.RGB_BASELINE])),
            CONFIG.seeds,
            experiment(wildcards).evaluation.views[:1],
        ),
        # ancient, so that a speed that is measured again does not rewrite the card
        cost=ancient("results/cost/{dataset}.json"),
    output:
        settings="results/models/{dataset}/{model}/seed{seed}/inference.json",
        card="results/models/{dataset}/{model}/seed{seed}/README.md",
    log:
        "results/logs/package/{dataset}/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/package/{dataset}/{model}/seed{seed}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "package"),
        runtime=need("runtime", "package"),
    params:
        code=code("package"),
        settings=lambda wildcards: slices.package_settings(experiment(wildcards), wildcards.model),
    message:
        "Packing {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.package --dataset {wildcards.dataset} --name {wildcards.model} --seed {wildcards.seed}"
        " --segments {input.segments} --description {input.description} --heldout {input.heldout}"
        " --metrics {input.metrics} --cost {input.cost} --settings {params.settings:q}"
        " --out {output.settings} --card {output.card} 2>&1 | tee {log}"
