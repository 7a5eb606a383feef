"""From teachers to the student: logit banks, ensemble weights, and training on banked logits."""

for teacher in models.all_teachers(CONFIG):

    rule:
        """Write a teacher's logits on a block of training views, for students to learn from."""
        name:
            f"bank_teacher_{teacher}"
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            model=f"results/models/{{dataset}}/baseline_{teacher}/seed{{seed}}/model.safetensors",
            stores=stores_read_by(f"baseline_{teacher}"),
        output:
            f"results/bank/{{dataset}}/{teacher}/seed{{seed}}/{{block}}.{{part}}.safetensors",
        log:
            f"results/logs/bank_teacher_{teacher}/{{dataset}}/seed{{seed}}/{{block}}.{{part}}.log",
        benchmark:
            f"results/benchmarks/bank_teacher_{teacher}/{{dataset}}/seed{{seed}}/{{block}}.{{part}}.tsv"
        priority: BANK
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "bank", f"baseline_{teacher}")
        resources:
            gpu=need("gpus", "bank", f"baseline_{teacher}"),
            ranks=need("gpus", "bank", f"baseline_{teacher}"),
            mem_mb=need("mem_mb", "bank", f"baseline_{teacher}"),
            runtime=need("runtime", "bank", f"baseline_{teacher}"),
        params:
            code=net_code("bank", f"baseline_{teacher}"),
            settings=lambda wildcards, t=teacher: slices.view_settings(experiment(wildcards), f"baseline_{t}"),
            input=lambda wildcards, t=teacher: experiment(wildcards).modality_of(t),
            name=f"baseline_{teacher}",
        message:
            f"Banking logits of the teacher {teacher} of {{wildcards.dataset}}, seed {{wildcards.seed}}"
        shell:
            "python -m egokd.steps.bank --name {params.name} --segments {input.segments} --skipped {input.skipped}"
            " --model {input.model} --input {params.input} --stores {input.stores} --views {wildcards.block} --part {wildcards.part}"
            " --seed {wildcards.seed} --settings {params.settings:q} --gpus {resources.ranks} --threads {threads}"
            " --out {output} 2>&1 | tee {log}"


# two rules for the sake of their priorities: students wait for the ensemble weights, and these for the held-out fold
for rule_name, splits, urgency in ("predict_heldout", "heldout", FITTING), ("predict", "val|test", 0):

    rule:
        """Run a trained net on the test views of a split or of the held-out fold."""
        name:
            rule_name
        input:
            segments=from_paths("segments", "split"),
            skipped=from_paths("skipped", "split"),
            model="results/models/{dataset}/{model}/seed{seed}/model.safetensors",
            stores=lambda wildcards: paths(wildcards).store_index(
                models.tested_on(experiment(wildcards), wildcards.model), wildcards.split
            ),
        output:
            f"results/predictions/{{dataset}}/{{model}}/seed{{seed}}/{{split,{splits}}}-{{views}}{{piece}}.safetensors",
        log:
            f"results/logs/{rule_name}/{{dataset}}/{{model}}/seed{{seed}}/{{split}}-{{views}}{{piece}}.log",
        benchmark:
            f"results/benchmarks/{rule_name}/{{dataset}}/{{model}}/seed{{seed}}/{{split}}-{{views}}{{piece}}.tsv"
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
            code=net_code("predict"),
            settings=lambda wildcards: slices.view_settings(experiment(wildcards), wildcards.model),
            input=lambda wildcards: models.tested_on(experiment(wildcards), wildcards.model),
            part=lambda wildcards: wildcards.piece.lstrip(".") or "0-of-1",
        message:
            "Running {wildcards.model} on {wildcards.split} of {wildcards.dataset}, seed {wildcards.seed}"
        shell:
            "python -m egokd.steps.predict --name {wildcards.model} --segments {input.segments} --skipped {input.skipped}"
            " --model {input.model} --input {params.input} --stores {input.stores} --split {wildcards.split} --part {params.part}"
            " --seed {wildcards.seed} --views {wildcards.views} --settings {params.settings:q}"
            " --gpus {resources.ranks} --threads {threads} --out {output} 2>&1 | tee {log}"


rule fit_ensemble:
    """Choose the weights of an ensemble's teachers, and its calibration, on the held-out fold."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=lambda wildcards: flat(heldout_predictions(wildcards)),
    output:
        "results/ensembles/{dataset}/{ensemble}/seed{seed}.json",
    log:
        "results/logs/fit_ensemble/{dataset}/{ensemble}/seed{seed}.log",
    benchmark:
        "results/benchmarks/fit_ensemble/{dataset}/{ensemble}/seed{seed}.tsv"
    priority: FITTING
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "fit_ensemble"),
        runtime=need("runtime", "fit_ensemble"),
    params:
        code=code("fit_ensemble"),
        settings=lambda wildcards: slices.ensemble_settings(experiment(wildcards), wildcards.ensemble),
        predictions=lambda wildcards: labelled(heldout_predictions(wildcards)),
    message:
        "Weighting the teachers of ensemble {wildcards.ensemble} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.fit_ensemble --segments {input.segments} --predictions {params.predictions}"
        " --settings {params.settings:q} --out {output} 2>&1 | tee {log}"


rule combine_ensemble:
    """Predict validation or the held-out fold with an ensemble: its teachers' logits, weighted, combined view by view."""
    input:
        weights="results/ensembles/{dataset}/{ensemble}/seed{seed}.json",
        predictions=lambda wildcards: flat(member_predictions(wildcards)),
    output:
        "results/predictions/{dataset}/ensemble_{ensemble}/seed{seed}/{split,val|heldout}-{views}.safetensors",
    log:
        "results/logs/combine_ensemble/{dataset}/{ensemble}/seed{seed}/{split}-{views}.log",
    benchmark:
        "results/benchmarks/combine_ensemble/{dataset}/{ensemble}/seed{seed}/{split}-{views}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "combine_ensemble"),
        runtime=need("runtime", "combine_ensemble"),
    params:
        code=code("combine_ensemble"),
        predictions=lambda wildcards: labelled(member_predictions(wildcards)),
    message:
        "Combining the teachers of ensemble {wildcards.ensemble} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.combine_ensemble --weights {input.weights} --predictions {params.predictions}"
        " --out {output} 2>&1 | tee {log}"


for student in STUDENTS:

    rule:
        """Distil a student from the banked logits of an ensemble of teachers."""
        name:
            f"train_student_{student}"
        input:
            segments="results/data/{dataset}/segments.parquet",
            skipped="results/data/{dataset}/skipped.csv",
            stores=stores_read_by(f"student_{student}"),
            init=from_paths("init", f"student_{student}"),
            banks=lambda wildcards, s=student: flat(paths(wildcards).student_banks(s, wildcards.seed)),
            ensemble=lambda wildcards, s=student: paths(wildcards).student_ensemble(s, wildcards.seed),
            start=lambda wildcards, s=student: paths(wildcards).start(s, wildcards.seed),
        output:
            model=f"results/models/{{dataset}}/student_{student}/seed{{seed}}/model.safetensors",
            description=f"results/models/{{dataset}}/student_{student}/seed{{seed}}/config.json",
            history=f"results/models/{{dataset}}/student_{student}/seed{{seed}}/history.csv",
        log:
            f"results/logs/train_student_{student}/{{dataset}}/seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/train_student_{student}/{{dataset}}/seed{{seed}}.tsv"
        wildcard_constraints:
            dataset=datasets_where(lambda e, s=student: f"student_{s}" in models.trained(e)),
        priority: STUDENT
        conda:
            "../../envs/egokd.yaml"
        threads: need("threads", "train", f"student_{student}")
        resources:
            gpu=need("gpus", "train", f"student_{student}"),
            ranks=need("gpus", "train", f"student_{student}"),
            compile=need("compile", "train", f"student_{student}"),
            mem_mb=need("mem_mb", "train", f"student_{student}"),
            runtime=need("runtime", "train", f"student_{student}"),
        params:
            code=net_code("train", f"student_{student}"),
            settings=lambda wildcards, s=student: slices.train_settings(experiment(wildcards), f"student_{s}"),
            stores=store_arguments(f"student_{student}"),
            input=lambda wildcards, s=student: experiment(wildcards).students[s].input,
            name=f"student_{student}",
            taught=lambda wildcards, s=student: paths(wildcards).taught_arguments(s, wildcards.seed),
            seed=lambda wildcards: int(wildcards.seed),
            state=f"results/state/{{dataset}}/student_{student}/seed{{seed}}",
        message:
            f"Distilling the student {student} of {{wildcards.dataset}}, seed {{wildcards.seed}}"
        shell:
            TRAIN_SHELL
