"""egokd: multimodal distillation for egocentric action recognition.

    snakemake --cores all results/tables/epic.csv

Target rules only; the jobs are in workflow/rules, one file per stage.
"""

from snakemake.utils import min_version

min_version("9.14.8")

# A recipe given with --configfile stands alone; without one, config.yaml runs the demo.
if "datasets" not in config:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/compute.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/distill.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/check.smk"


rule all:
    default_target: True
    input:
        expand("results/tables/{dataset}.{kind}", dataset=DATASETS, kind=["csv", "md"]),
        expand("results/figures/{dataset}/{name}.{kind}", dataset=DATASETS, name=FIGURES, kind=["png", "svg"]),


rule data:
    input:
        [path for dataset in DATASETS for path in every_store(dataset)],


rule teachers:
    input:
        [
            f"results/models/{dataset}/baseline_{modality}/seed{seed}/model.safetensors"
            for dataset in DATASETS
            for modality in slices.modalities(CONFIG.datasets[dataset])
            for seed in CONFIG.seeds
        ],
