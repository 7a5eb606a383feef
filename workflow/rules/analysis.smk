"""Further tables, each with its figure: test views, calibration, where the gain comes from, cost of the whole chain."""


rule tabulate_views:
    """Write and draw accuracy and calibration error against the number of test views, with slopes."""
    input:
        metrics=lambda wildcards: paths(wildcards).metrics(
            models.reported(experiment(wildcards)), CONFIG.seeds, experiment(wildcards).evaluation.views
        ),
        cost="results/cost/{dataset}.json",
    output:
        csv=report(
            "results/tables/{dataset}_views.csv",
            caption="../report/views.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "test views"},
        ),
        md="results/tables/{dataset}_views.md",
        svg=report(
            "results/figures/{dataset}/views.svg",
            caption="../report/views.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "test views"},
        ),
        png="results/figures/{dataset}/views.png",
    log:
        "results/logs/tabulate_views/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_views/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=figure_code("tabulate_views"),
        rows=lambda wildcards: slices.as_json(models.table_rows(experiment(wildcards))),
        models=lambda wildcards: models.compared_models(experiment(wildcards)),
    message:
        "Writing the table of test views of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate_views --metrics {input.metrics} --cost {input.cost} --rows {params.rows:q}"
        " --models {params.models} --csv {output.csv} --md {output.md} --svg {output.svg} --png {output.png}"
        " 2>&1 | tee {log}"


rule calibrate:
    """Measure the calibration of a model, as it is and with a temperature fitted on the held-out fold."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=entry_predictions,
        heldout=entry_heldout,
    output:
        "results/calibration/{dataset}/{entry}/seed{seed}/{views}.json",
    log:
        "results/logs/calibrate/{dataset}/{entry}/seed{seed}/{views}.log",
    benchmark:
        "results/benchmarks/calibrate/{dataset}/{entry}/seed{seed}/{views}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "evaluate"),
        runtime=need("runtime", "evaluate"),
    params:
        code=code("calibrate"),
        bins=lambda wildcards: experiment(wildcards).evaluation.ece_bins,
    message:
        "Measuring the calibration of {wildcards.entry} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m egokd.steps.calibrate --segments {input.segments} --predictions {input.predictions}"
        " --heldout {input.heldout} --dataset {wildcards.dataset} --model {wildcards.entry} --seed {wildcards.seed}"
        " --views {wildcards.views} --bins {params.bins} --out {output} 2>&1 | tee {log}"


rule tabulate_calibration:
    """Write and draw the calibration of every model, beside the same model with a fitted temperature."""
    input:
        measured=lambda wildcards: paths(wildcards).metrics(
            models.reported(experiment(wildcards)),
            CONFIG.seeds,
            experiment(wildcards).evaluation.views[:1],
            "calibration",
        ),
    output:
        csv=report(
            "results/tables/{dataset}_calibration.csv",
            caption="../report/calibration.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "calibration"},
        ),
        md="results/tables/{dataset}_calibration.md",
        svg=report(
            "results/figures/{dataset}/calibration.svg",
            caption="../report/calibration.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "calibration"},
        ),
        png="results/figures/{dataset}/calibration.png",
    log:
        "results/logs/tabulate_calibration/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_calibration/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=figure_code("tabulate_calibration"),
        models=lambda wildcards: models.reported(experiment(wildcards)),
        drawn=lambda wildcards: models.reliability_models(experiment(wildcards)),
    message:
        "Writing the table of calibration of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate_calibration --measured {input.measured} --models {params.models}"
        " --drawn {params.drawn} --csv {output.csv} --md {output.md} --svg {output.svg} --png {output.png}"
        " 2>&1 | tee {log}"


rule measure_pipeline:
    """Measure what each model takes from the raw video to the logits of a segment."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        index=from_paths("boxes_index"),
        models=lambda wildcards: [
            paths(wildcards).model(model, CONFIG.seeds[0]) for model in models.nets(experiment(wildcards))
        ],
    output:
        "results/cost/{dataset}_pipeline.json",
    log:
        "results/logs/measure_pipeline/{dataset}.log",
    benchmark:
        "results/benchmarks/measure_pipeline/{dataset}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        gpu=need("gpus", "measure_pipeline"),
        ranks=need("gpus", "measure_pipeline"),
        mem_mb=need("mem_mb", "measure_pipeline"),
        runtime=need("runtime", "measure_pipeline"),
    params:
        code=pipeline_code,
        settings=lambda wildcards: slices.pipeline_settings(experiment(wildcards)),
        root=lambda wildcards: paths(wildcards).root,
        format=lambda wildcards: experiment(wildcards).data.format,
        frames_rate=lambda wildcards: slices.frames_rate(experiment(wildcards)),
        index=lambda wildcards, input: f"--index {input.index}" if input.index else "",
    message:
        "Measuring the nets of {wildcards.dataset} from the raw video on"
    shell:
        "python -m egokd.steps.measure_pipeline --segments {input.segments} --models {input.models}"
        " --root {params.root:q} --format {params.format:q} {params.frames_rate} {params.index}"
        " --settings {params.settings:q} --gpus {resources.ranks} --threads {threads} --out {output} 2>&1 | tee {log}"


rule tabulate_cost:
    """Write and draw what each model costs to train and to run, from the raw video on."""
    input:
        metrics=metrics_of(models.reported),
        cost="results/cost/{dataset}.json",
        pipeline="results/cost/{dataset}_pipeline.json",
    output:
        csv=report(
            "results/tables/{dataset}_cost.csv",
            caption="../report/cost.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "cost"},
        ),
        stages="results/tables/{dataset}_stages.csv",
        md="results/tables/{dataset}_cost.md",
        svg=report(
            "results/figures/{dataset}/cost.svg",
            caption="../report/cost.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "cost"},
        ),
        png="results/figures/{dataset}/cost.png",
    log:
        "results/logs/tabulate_cost/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_cost/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "tabulate"),
        runtime=need("runtime", "tabulate"),
    params:
        code=figure_code("tabulate_cost"),
        rows=lambda wildcards: slices.as_json(models.table_rows(experiment(wildcards))),
        models=lambda wildcards: models.compared_models(experiment(wildcards)),
    message:
        "Writing the table of cost of {wildcards.dataset}"
    shell:
        "python -m egokd.steps.tabulate_cost --metrics {input.metrics} --cost {input.cost} --pipeline {input.pipeline}"
        " --benchmarks results/benchmarks --rows {params.rows:q} --models {params.models} --stages {output.stages}"
        " --csv {output.csv} --md {output.md} --svg {output.svg} --png {output.png} 2>&1 | tee {log}"


rule compare_models:
    """Show where the student's gain comes from: by class, by confused pair, by length of the segment."""
    input:
        segments="results/data/{dataset}/segments.parquet",
        predictions=lambda wildcards: flat(compared_predictions(wildcards)),
    output:
        csv=report(
            "results/tables/{dataset}_gains.csv",
            caption="../report/gains.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "gains"},
        ),
        confusions="results/tables/{dataset}_confusions.csv",
        lengths="results/tables/{dataset}_lengths.csv",
        md="results/tables/{dataset}_gains.md",
        svg=report(
            "results/figures/{dataset}/gains.svg",
            caption="../report/gains.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "gains"},
        ),
        png="results/figures/{dataset}/gains.png",
    log:
        "results/logs/compare_models/{dataset}.log",
    benchmark:
        "results/benchmarks/compare_models/{dataset}.tsv"
    conda:
        "../../envs/egokd.yaml"
    threads: 1
    resources:
        mem_mb=need("mem_mb", "evaluate"),
        runtime=need("runtime", "evaluate"),
    params:
        code=figure_code("compare_models"),
        predictions=lambda wildcards: labelled(compared_predictions(wildcards)),
        compared=lambda wildcards: slices.as_json(models.compared(experiment(wildcards))),
        views=lambda wildcards: view_name(experiment(wildcards).evaluation.views[0]),
        sampling=lambda wildcards: slices.as_json(experiment(wildcards).views.model_dump()),
    message:
        "Looking into the gains on {wildcards.dataset}"
    shell:
        "python -m egokd.steps.compare_models --segments {input.segments} --predictions {params.predictions}"
        " --compared {params.compared:q} --views {params.views} --sampling {params.sampling:q}"
        " --dataset {wildcards.dataset}"
        " --csv {output.csv} --confusions {output.confusions} --lengths {output.lengths} --md {output.md}"
        " --svg {output.svg} --png {output.png} 2>&1 | tee {log}"
