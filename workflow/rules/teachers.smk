"""Training on labels: one named rule per teacher, and the omnivore baseline."""

TRAIN_SHELL = (
    "python -m egokd.steps.train --name {params.name} --segments {input.segments} --skipped {input.skipped}"
    " --input {params.input} --stores {params.stores} --init {input.init} {params.taught} --settings {params.settings:q} --seed {params.seed}"
    " --code {params.code} --state {params.state} --gpus {resources.ranks} --threads {threads}"
    " --compile {resources.compile} --cache results/cache/compile --out {output.model} --history {output.history}"
    " 2>&1 | tee {log}"
)


for teacher in models.all_teachers(CONFIG):

    rule:
        """Train one teacher on the labels; the teacher `rgb` is the RGB baseline as well."""
        name:
            f"train_teacher_{teacher}"
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            stores=stores_read_by(f"baseline_{teacher}"),
            init=from_paths("init", f"baseline_{teacher}"),
        output:
            model=f"results/models/{{dataset}}/baseline_{teacher}/seed{{seed}}/model.safetensors",
            description=f"results/models/{{dataset}}/baseline_{teacher}/seed{{seed}}/config.json",
            history=f"results/models/{{dataset}}/baseline_{teacher}/seed{{seed}}/history.csv",
        log:
            f"results/logs/train_teacher_{teacher}/{{dataset}}/seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/train_teacher_{teacher}/{{dataset}}/seed{{seed}}.tsv"
        wildcard_constraints:
            dataset=datasets_where(lambda e, t=teacher: f"baseline_{t}" in models.trained(e)),
        priority: TEACHER
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "train", f"baseline_{teacher}")
        resources:
            gpu=need("gpus", "train", f"baseline_{teacher}"),
            ranks=need("gpus", "train", f"baseline_{teacher}"),
            compile=need("compile", "train", f"baseline_{teacher}"),
            mem_mb=need("mem_mb", "train", f"baseline_{teacher}"),
            runtime=need("runtime", "train", f"baseline_{teacher}"),
        params:
            code=net_code("train", f"baseline_{teacher}"),
            settings=lambda wildcards, t=teacher: slices.train_settings(experiment(wildcards), f"baseline_{t}"),
            stores=store_arguments(f"baseline_{teacher}"),
            input=lambda wildcards, t=teacher: experiment(wildcards).modality_of(t),
            name=f"baseline_{teacher}",
            taught="",
            seed=lambda wildcards, t=teacher: int(wildcards.seed) + experiment(wildcards).teachers[t].seed_offset,
            state=f"results/state/{{dataset}}/baseline_{teacher}/seed{{seed}}",
        message:
            f"Training the teacher {teacher} of {{wildcards.dataset}}, seed {{wildcards.seed}}"
        shell:
            TRAIN_SHELL


rule train_omnivore:
    """Train the omnivore baseline: one net on all modalities, one drawn for each segment and epoch."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        skipped="results/data/{dataset}/skipped.csv",
        stores=stores_read_by("omnivore"),
        init=from_paths("init", "omnivore"),
    output:
        model="results/models/{dataset}/omnivore/seed{seed}/model.safetensors",
        description="results/models/{dataset}/omnivore/seed{seed}/config.json",
        history="results/models/{dataset}/omnivore/seed{seed}/history.csv",
    log:
        "results/logs/train_omnivore/{dataset}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_omnivore/{dataset}/seed{seed}.tsv"
    wildcard_constraints:
        dataset=datasets_where(lambda e: e.omnivore),
    priority: LONGEST
    conda:
        "../../envs/egokd.yaml"
    threads: need("threads", "train", "omnivore")
    resources:
        gpu=need("gpus", "train", "omnivore"),
        ranks=need("gpus", "train", "omnivore"),
        compile=need("compile", "train", "omnivore"),
        mem_mb=need("mem_mb", "train", "omnivore"),
        runtime=need("runtime", "train", "omnivore"),
    params:
        code=net_code("train", "omnivore"),
        settings=lambda wildcards: slices.train_settings(experiment(wildcards), "omnivore"),
        stores=store_arguments("omnivore"),
        input="omnivore",
        name="omnivore",
        taught="",
        seed=lambda wildcards: int(wildcards.seed),
        state="results/state/{dataset}/omnivore/seed{seed}",
    message:
        "Training the omnivore of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        TRAIN_SHELL
