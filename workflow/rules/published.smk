"""Published weights in place of training, or to start it from. The files are declared inputs: nothing is downloaded."""

IMPORTED = sorted({model for e in CONFIG.datasets.values() for model in models.imported(e)})
STARTED = sorted({model for e in CONFIG.datasets.values() for model in models.started(e)})


for model in IMPORTED:

    rule:
        """Take a model from a published checkpoint in place of training it."""
        name:
            f"import_{model}"
        input:
            checkpoint=lambda wildcards, m=model: models.settings_of(experiment(wildcards), m).checkpoint.path,
            classes=lambda wildcards, m=model: models.settings_of(experiment(wildcards), m).checkpoint.classes or [],
            segments="results/data/{dataset}/segments.parquet",
        output:
            model=f"results/models/{{dataset}}/{model}/seed{{seed}}/model.safetensors",
            description=f"results/models/{{dataset}}/{model}/seed{{seed}}/config.json",
        log:
            f"results/logs/import_{model}/{{dataset}}/seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/import_{model}/{{dataset}}/seed{{seed}}.tsv"
        wildcard_constraints:
            dataset=datasets_where(lambda e, m=model: m in models.imported(e)),
        conda:
            "../../envs/egokd.yaml"
        threads: 1
        resources:
            mem_mb=need("mem_mb", "import_weights"),
            runtime=need("runtime", "import_weights"),
        params:
            code=net_code("import_weights", model),
            net=lambda wildcards, m=model: slices.import_arguments(experiment(wildcards), m, "checkpoint"),
        message:
            f"Taking {model} of {{wildcards.dataset}} from its checkpoint"
        shell:
            "python -m egokd.steps.import_weights --checkpoint {input.checkpoint:q} --segments {input.segments}"
            " --dataset {wildcards.dataset} {params.net} --out {output.model} 2>&1 | tee {log}"


for model in STARTED:

    rule:
        """Convert published weights that a training starts from."""
        name:
            f"import_init_{model}"
        input:
            checkpoint=lambda wildcards, m=model: models.settings_of(experiment(wildcards), m).init.path,
        output:
            model=f"results/init/{{dataset}}/{model}/model.safetensors",
            description=f"results/init/{{dataset}}/{model}/config.json",
        log:
            f"results/logs/import_init_{model}/{{dataset}}.log",
        benchmark:
            f"results/benchmarks/import_init_{model}/{{dataset}}.tsv"
        conda:
            "../../envs/egokd.yaml"
        threads: 1
        resources:
            mem_mb=need("mem_mb", "import_weights"),
            runtime=need("runtime", "import_weights"),
        params:
            code=net_code("import_weights", model),
            net=lambda wildcards, m=model: slices.import_arguments(experiment(wildcards), m, "init"),
        message:
            f"Converting the weights that {model} of {{wildcards.dataset}} starts from"
        shell:
            "python -m egokd.steps.import_weights --checkpoint {input.checkpoint:q} --init-only {params.net}"
            " --out {output.model} 2>&1 | tee {log}"
