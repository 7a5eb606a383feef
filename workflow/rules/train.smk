"""Training on labels: one named rule per modality's teacher, and the omnivore baseline."""

TRAIN_SHELL = (
    "python -m egokd.steps.train --segments {input.segments} --skipped {input.skipped} --input {params.input}"
    " --rgb {input.rgb} --flow {input.flow} --audio {input.audio} --obj {input.obj} --init {input.init}"
    " --settings {params.settings:q} --seed {wildcards.seed} --state {params.state} --gpus {resources.ranks} --threads {threads}"
    " {params.compile} --out {output.model} --history {output.history} 2>&1 | tee {log}"
)


for modality in slices.all_modalities(CONFIG):

    rule:
        name:
            f"train_teacher_{modality}"
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            rgb=store_inputs(f"baseline_{modality}", "rgb"),
            flow=store_inputs(f"baseline_{modality}", "flow"),
            audio=store_inputs(f"baseline_{modality}", "audio"),
            obj=store_inputs(f"baseline_{modality}", "obj"),
            init=init_input(f"baseline_{modality}"),
            code=net_code("train", f"baseline_{modality}"),
        output:
            model=f"results/models/{{dataset}}/baseline_{modality}/seed{{seed}}/model.safetensors",
            description=f"results/models/{{dataset}}/baseline_{modality}/seed{{seed}}/config.json",
            history=f"results/models/{{dataset}}/baseline_{modality}/seed{{seed}}/history.csv",
        log:
            f"results/logs/train_teacher_{modality}/{{dataset}}/seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/train_teacher_{modality}/{{dataset}}/seed{{seed}}.tsv"
        wildcard_constraints:
            dataset=datasets_where(lambda e, m=modality: f"baseline_{m}" in slices.trained(e)),
        priority: TEACHER
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "train", f"baseline_{modality}")
        resources:
            gpu=need("gpus", "train", f"baseline_{modality}"),
            ranks=need("gpus", "train", f"baseline_{modality}"),
            mem_mb=need("mem_mb", "train", f"baseline_{modality}"),
            runtime=need("runtime", "train", f"baseline_{modality}"),
        params:
            compile=compile_option,
            settings=lambda wildcards, m=modality: slices.train_settings(experiment(wildcards), f"baseline_{m}"),
            input=modality,
            state=f"results/state/{{dataset}}/baseline_{modality}/seed{{seed}}",
        message:
            f"Training the {modality} teacher of {{wildcards.dataset}}, seed {{wildcards.seed}}"
        shell:
            TRAIN_SHELL


rule train_omnivore:
    input:
        segments="results/data/{dataset}/segments.parquet",
        skipped="results/data/{dataset}/skipped.csv",
        rgb=store_inputs("omnivore", "rgb"),
        flow=store_inputs("omnivore", "flow"),
        audio=store_inputs("omnivore", "audio"),
        obj=store_inputs("omnivore", "obj"),
        init=init_input("omnivore"),
        code=net_code("train", "omnivore"),
    output:
        model="results/models/{dataset}/omnivore/seed{seed}/model.safetensors",
        description="results/models/{dataset}/omnivore/seed{seed}/config.json",
        history="results/models/{dataset}/omnivore/seed{seed}/history.csv",
    log:
        "results/logs/train_omnivore/{dataset}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_omnivore/{dataset}/seed{seed}.tsv"
    priority: LONGEST
    conda:
        "../../envs/egokd.yaml"
    threads: need("threads", "train", "omnivore")
    resources:
        gpu=need("gpus", "train", "omnivore"),
        ranks=need("gpus", "train", "omnivore"),
        mem_mb=need("mem_mb", "train", "omnivore"),
        runtime=need("runtime", "train", "omnivore"),
    params:
        compile=compile_option,
        settings=lambda wildcards: slices.train_settings(experiment(wildcards), "omnivore"),
        input="omnivore",
        state="results/state/{dataset}/omnivore/seed{seed}",
    message:
        "Training the omnivore of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        TRAIN_SHELL
