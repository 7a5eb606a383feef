"""Before and after: a look at the files before hours of work, and a submission to the EPIC-KITCHENS challenge."""

# no outputs: it looks anew whenever it is asked, and its report outlives a finding
for dataset in DATASETS:

    rule:
        name:
            f"check_{dataset}"
        input:
            annotations=lambda wildcards, d=dataset: annotation_files(wildcards_of(d)),
        log:
            f"results/logs/check/{dataset}.log",
        conda:
            "../../envs/egokd.yaml"
        threads: 8
        resources:
            mem_mb=4000,
            runtime=120,
        params:
            root=lambda wildcards, d=dataset: data_root(wildcards_of(d)),
            format=CONFIG.datasets[dataset].data.format,
            options=slices.adapter_options(CONFIG.datasets[dataset]),
            settings=slices.check_settings(CONFIG.datasets[dataset], len(CONFIG.seeds)),
            dataset=dataset,
        message:
            f"Checking the files of {dataset}"
        shell:
            "python -m egokd.steps.check --root {params.root:q} --format {params.format} --dataset {params.dataset}"
            " --options {params.options:q} --settings {params.settings:q} --threads {threads}"
            " --out results/check/{params.dataset} 2>&1 | tee {log}"


rule submission:
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=lambda wildcards: predictions(wildcards, wildcards.model, "test"),
        code=code("write_submission"),
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
        mem_mb=4000,
        runtime=15,
    params:
        settings=submission_levels,
    message:
        "Writing the submission of {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.write_submission --segments {input.segments} --predictions {input.predictions}"
        " --settings {params.settings:q} --out {output} 2>&1 | tee {log}"
