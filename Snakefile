"""egokd: multimodal distillation for egocentric action recognition.

    snakemake --cores all results/tables/epic.csv

Target rules only; the jobs are in workflow/rules, one file per stage: `snakemake --list` tells what each does.
"""

from snakemake.utils import min_version

min_version("9.14.8")

# A config given with --configfile stands alone; without one, config.yaml runs the demo.
if "datasets" not in config:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/compute.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/published.smk"
include: "workflow/rules/teachers.smk"
include: "workflow/rules/distill.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/package.smk"
include: "workflow/rules/tools.smk"


rule all:
    """Make every table, figure and page of every dataset in the config, and its models ready for use."""
    default_target: True
    input:
        expand("results/tables/{dataset}.{kind}", dataset=DATASETS, kind=["csv", "md"]),
        expand("results/figures/{dataset}/{name}.{kind}", dataset=DATASETS, name=FIGURES, kind=["png", "svg"]),
        [path for paths in PATHS.values() for path in paths.packages(CONFIG.seeds)],
        expand("results/report/{dataset}.html", dataset=DATASETS),


rule data:
    """Extract frames, flow, sound and boxes, and train nothing."""
    input:
        [path for paths in PATHS.values() for path in paths.every_store()],


rule teachers:
    """Train the teachers, one per entry of `teachers` and seed."""
    input:
        [
            PATHS[dataset].model(names.baseline_of(teacher), seed)
            for dataset in DATASETS
            for teacher in models.teachers(CONFIG.datasets[dataset])
            for seed in CONFIG.seeds
        ],


rule students:
    """Train the students, with all that teaches them."""
    input:
        [
            PATHS[dataset].model(names.STUDENT_PREFIX + student, seed)
            for dataset in DATASETS
            for student in CONFIG.datasets[dataset].students
            for seed in CONFIG.seeds
        ],


rule packages:
    """Make the students and the RGB baselines ready for `egokd predict`, each with its card."""
    input:
        [path for paths in PATHS.values() for path in paths.packages(CONFIG.seeds)],


rule tables:
    """Write the result table of every dataset."""
    input:
        expand("results/tables/{dataset}.{kind}", dataset=DATASETS, kind=["csv", "md"]),


rule figures:
    """Draw every figure of every dataset."""
    input:
        expand("results/figures/{dataset}/{name}.{kind}", dataset=DATASETS, name=FIGURES, kind=["png", "svg"]),


onstart:
    remove_cut_off(Path(workflow.basedir) / "src")
    provenance.write_calls(CONFIG, PATHS, Path(workflow.basedir), SNAKEMAKE_VERSION)
    if sentence := repeated_trainings(workflow.dag.needrun_jobs()):
        logger.warning(sentence)
