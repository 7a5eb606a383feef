"""Before and after: a look at the files before hours of work, and a submission to the EPIC-KITCHENS challenge."""

# no outputs: it always runs when asked for, and its report is kept even when problems are found
for dataset in DATASETS:

    rule:
        """Look at the files of a dataset before hours of work, and list what is wrong."""
        name:
            f"check_{dataset}"
        input:
            annotations=annotations_of(dataset),
        log:
            f"results/logs/check/{dataset}.log",
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "check")
        resources:
            mem_mb=need("mem_mb", "check"),
            runtime=need("runtime", "check"),
        params:
            root=PATHS[dataset].root,
            format=CONFIG.datasets[dataset].data.format,
            frames_rate=slices.frames_rate(CONFIG.datasets[dataset]),
            options=slices.adapter_options(CONFIG.datasets[dataset]),
            settings=slices.check_settings(CONFIG.datasets[dataset], len(CONFIG.seeds)),
            dataset=dataset,
        message:
            f"Checking the files of {dataset}"
        shell:
            "python -m egokd.steps.check --root {params.root:q} --format {params.format} --dataset {params.dataset}"
            " --options {params.options:q} --settings {params.settings:q} {params.frames_rate} --threads {threads}"
            " --out results/check/{params.dataset} 2>&1 | tee {log}"


for dataset in DATASETS:

    rule:
        """Ask for the shards in which segments were skipped to be read again by the next run, and for no other."""
        name:
            f"reread_{dataset}"
        log:
            f"results/logs/reread/{dataset}.log",
        localrule: True
        conda:
            "../../envs/egokd.yaml"
        threads: 1
        params:
            folders=[PATHS[dataset].data(split) for split in ("train", "test")],
        message:
            f"Asking for the shards of {dataset} in which segments were skipped"
        shell:
            "python -m egokd.steps.reread --folders {params.folders} 2>&1 | tee {log}"


rule submission:
    """Write a submission to the EPIC-KITCHENS-100 action recognition challenge."""
    input:
        segments="results/data/{dataset}/test/annotations.parquet",
        predictions=lambda wildcards: paths(wildcards).predictions(
            wildcards.model, wildcards.seed, "test", experiment(wildcards).evaluation.views[0]
        ),
    output:
        "results/submissions/{dataset}/{model}/seed{seed}.zip",
    log:
        "results/logs/submission/{dataset}/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/submission/{dataset}/{model}/seed{seed}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "submission"),
        runtime=need("runtime", "submission"),
    params:
        code=code("write_submission"),
        settings=submission_levels,
    message:
        "Writing the submission of {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.write_submission --segments {input.segments} --predictions {input.predictions}"
        " --settings {params.settings:q} --out {output} 2>&1 | tee {log}"
