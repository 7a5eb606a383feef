"""From teachers to the student: logit banks, held-out weights, and training on banked logits."""

for modality in slices.all_modalities(CONFIG):

    rule:
        name:
            f"bank_teacher_{modality}"
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            model=f"results/models/{{dataset}}/baseline_{modality}/seed{{seed}}/model.safetensors",
            stores=lambda wildcards, m=modality: store_index(wildcards.dataset, m),
            code=net_code("bank", f"baseline_{modality}"),
        output:
            f"results/bank/{{dataset}}/{modality}/seed{{seed}}/{{part}}.safetensors",
        log:
            f"results/logs/bank_teacher_{modality}/{{dataset}}/seed{{seed}}/{{part}}.log",
        benchmark:
            f"results/benchmarks/bank_teacher_{modality}/{{dataset}}/seed{{seed}}/{{part}}.tsv"
        priority: BANK
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "bank", f"baseline_{modality}")
        resources:
            gpu=need("gpus", "bank", f"baseline_{modality}"),
            ranks=need("gpus", "bank", f"baseline_{modality}"),
            mem_mb=need("mem_mb", "bank", f"baseline_{modality}"),
            runtime=need("runtime", "bank", f"baseline_{modality}"),
        params:
            settings=lambda wildcards, m=modality: slices.view_settings(experiment(wildcards), f"baseline_{m}"),
            views=lambda wildcards, m=modality: slices.bank_views(experiment(wildcards), m),
            parts=lambda wildcards: experiment(wildcards).bank.parts,
            input=modality,
        message:
            f"Banking logits of the {modality} teacher of {{wildcards.dataset}}, seed {{wildcards.seed}}"
        shell:
            "python -m egokd.steps.bank --segments {input.segments} --skipped {input.skipped} --model {input.model}"
            " --input {params.input} --stores {input.stores} --views {params.views}"
            " --part {wildcards.part} --parts {params.parts} --seed {wildcards.seed}"
            " --settings {params.settings:q} --gpus {resources.ranks} --threads {threads} --out {output}"
            " 2>&1 | tee {log}"


# two rules for the sake of their priorities: students wait for the weights, and these for the held-out fold
for rule_name, splits, urgency in ("predict_heldout", "heldout", WEIGHTS), ("predict", "val|test", 0):

    rule:
        name:
            rule_name
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            model="results/models/{dataset}/{model}/seed{seed}/model.safetensors",
            stores=lambda wildcards: store_index(wildcards.dataset, slices.predict_inputs_of(wildcards.model)),
            code=net_code("predict", None),
        output:
            f"results/predictions/{{dataset}}/{{model}}/seed{{seed}}/{{split,{splits}}}{{piece}}.safetensors",
        log:
            f"results/logs/{rule_name}/{{dataset}}/{{model}}/seed{{seed}}/{{split}}{{piece}}.log",
        benchmark:
            f"results/benchmarks/{rule_name}/{{dataset}}/{{model}}/seed{{seed}}/{{split}}{{piece}}.tsv"
        priority: urgency
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "predict")
        resources:
            gpu=need("gpus", "predict"),
            ranks=need("gpus", "predict"),
            mem_mb=need("mem_mb", "predict"),
            runtime=need("runtime", "predict"),
        params:
            settings=lambda wildcards: slices.view_settings(experiment(wildcards), wildcards.model),
            input=lambda wildcards: slices.predict_inputs_of(wildcards.model),
            clips=lambda wildcards: experiment(wildcards).evaluation.clips,
            crops=lambda wildcards: experiment(wildcards).evaluation.crops,
            part=lambda wildcards: wildcards.piece.lstrip(".") or 0,
            parts=lambda wildcards: experiment(wildcards).evaluation.parts if wildcards.piece else 1,
        message:
            "Running {wildcards.model} on {wildcards.split} of {wildcards.dataset}, seed {wildcards.seed}"
        shell:
            "python -m egokd.steps.predict --segments {input.segments} --skipped {input.skipped} --model {input.model}"
            " --input {params.input} --stores {input.stores} --split {wildcards.split} --part {params.part}"
            " --parts {params.parts} --seed {wildcards.seed} --clips {params.clips} --crops {params.crops}"
            " --settings {params.settings:q} --gpus {resources.ranks} --threads {threads} --out {output} 2>&1 | tee {log}"


rule fit_ensemble:
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=lambda wildcards: teacher_predictions(wildcards, "heldout"),
        code=code("fit_ensemble"),
    output:
        "results/ensembles/{dataset}/{ensemble}/seed{seed}.json",
    log:
        "results/logs/fit_ensemble/{dataset}/{ensemble}/seed{seed}.log",
    benchmark:
        "results/benchmarks/fit_ensemble/{dataset}/{ensemble}/seed{seed}.tsv"
    priority: WEIGHTS
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "fit_ensemble"),
        runtime=need("runtime", "fit_ensemble"),
    params:
        settings=lambda wildcards: slices.as_json(experiment(wildcards).ensembles[wildcards.ensemble].model_dump()),
        predictions=lambda wildcards: labelled(wildcards, "heldout"),
    message:
        "Weighing the teachers of ensemble {wildcards.ensemble} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.fit_ensemble --segments {input.segments} --predictions {params.predictions}"
        " --settings {params.settings:q} --out {output} 2>&1 | tee {log}"


rule combine_ensemble:
    input:
        weights="results/ensembles/{dataset}/{ensemble}/seed{seed}.json",
        predictions=lambda wildcards: teacher_predictions(wildcards, "val"),
        code=code("combine_ensemble"),
    output:
        "results/predictions/{dataset}/ensemble_{ensemble}/seed{seed}/val.safetensors",
    log:
        "results/logs/combine_ensemble/{dataset}/{ensemble}/seed{seed}.log",
    benchmark:
        "results/benchmarks/combine_ensemble/{dataset}/{ensemble}/seed{seed}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "combine_ensemble"),
        runtime=need("runtime", "combine_ensemble"),
    params:
        predictions=lambda wildcards: labelled(wildcards, "val"),
    message:
        "Combining the teachers of ensemble {wildcards.ensemble} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.combine_ensemble --weights {input.weights} --predictions {params.predictions}"
        " --out {output} 2>&1 | tee {log}"


for student in STUDENTS:

    rule:
        name:
            f"train_student_{student}"
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            rgb=store_inputs(f"student_{student}", "rgb"),
            flow=[],
            audio=[],
            obj=[],
            init=init_input(f"student_{student}"),
            banks=lambda wildcards, s=student: student_banks(wildcards, s),
            ensemble=lambda wildcards, s=student: student_weights(wildcards, s),
            code=net_code("train", f"student_{student}"),
        output:
            model=f"results/models/{{dataset}}/student_{student}/seed{{seed}}/model.safetensors",
            description=f"results/models/{{dataset}}/student_{student}/seed{{seed}}/config.json",
            history=f"results/models/{{dataset}}/student_{student}/seed{{seed}}/history.csv",
        log:
            f"results/logs/train_student_{student}/{{dataset}}/seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/train_student_{student}/{{dataset}}/seed{{seed}}.tsv"
        wildcard_constraints:
            dataset=datasets_where(lambda e, s=student: f"student_{s}" in slices.trained(e)),
        priority: STUDENT
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "train", f"student_{student}")
        resources:
            gpu=need("gpus", "train", f"student_{student}"),
            ranks=need("gpus", "train", f"student_{student}"),
            mem_mb=need("mem_mb", "train", f"student_{student}"),
            runtime=need("runtime", "train", f"student_{student}"),
        params:
            compile=compile_option,
            settings=lambda wildcards, s=student: slices.train_settings(experiment(wildcards), f"student_{s}"),
            input="rgb",
            banks=lambda wildcards, s=student: labelled_banks(wildcards, s),
            state=f"results/state/{{dataset}}/student_{student}/seed{{seed}}",
        message:
            f"Distilling the student {student} of {{wildcards.dataset}}, seed {{wildcards.seed}}"
        shell:
            TRAIN_SHELL.replace("--threads", "--bank {params.banks} --ensemble {input.ensemble} --threads")
