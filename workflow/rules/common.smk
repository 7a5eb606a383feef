"""Config validation, wildcards, resources and the few helpers that rules share."""

import os
import shlex
import sys
from functools import cache
from glob import glob
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, os.path.join(workflow.basedir, "src"))

from egokd.planning import slices
from egokd.planning.code import import_closure
from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.models.nets import find_net
from egokd.planning.recipes import resolve
from egokd.datasets.formats import ADAPTERS, ANNOTATIONS, BOX_FILES
from snakemake.exceptions import WorkflowError

try:
    CONFIG = validate(Config, resolve(config, Path(workflow.basedir) / "workflow" / "recipes"), "config")
except UserError as error:
    raise WorkflowError(str(error)) from None

DATASETS = list(CONFIG.datasets)
ENSEMBLES = sorted({name for e in CONFIG.datasets.values() for name in e.ensembles})
STUDENTS = sorted({name for e in CONFIG.datasets.values() for name in e.students})
FIGURES = ["reliability", "accuracy", "ensemble_weights", "training"]


wildcard_constraints:
    dataset="|".join(DATASETS),
    seed="|".join(str(seed) for seed in CONFIG.seeds),
    shard=r"\d+",
    modality="|".join(slices.STORE_SUFFIX),
    part=r"\d+",
    piece=r"(\.\d+)?",
    split="heldout|val|test",
    model="|".join(sorted({name for e in CONFIG.datasets.values() for name in slices.nets(e)})),
    ensemble="|".join(ENSEMBLES) or "none",
    row="|".join(sorted({name for e in CONFIG.datasets.values() for name in slices.reported(e)})),


# What much waits for goes first: data, the student as soon as it can start, teachers, then the omnivore, which takes longest
# and keeps a core busy while banks, held-out predictions and weights are made; the rest fills what is free beside the student.
FIRST, STUDENT, TEACHER, LONGEST, BANK, WEIGHTS = 60, 50, 40, 30, 20, 10


def wildcards_of(dataset):
    """For rules that are named after a dataset and have no wildcards of their own."""
    return SimpleNamespace(dataset=dataset)


def experiment(wildcards):
    return CONFIG.datasets[wildcards.dataset]


@cache
def code(step, *modules):
    """Source files of a step and of modules chosen by configuration, relative to the working directory."""
    return [os.path.relpath(path) for path in import_closure(f"egokd.steps.{step}", *modules)]


def net_code(step, model):
    """Source files of a step that builds or runs the net of `model`, with those of public weights where it asks for any."""

    def files(wildcards):
        chosen = slices.model_of(experiment(wildcards), model or wildcards.model)
        weights = ["egokd.models.public"] if step == "train" and "pretrained" in chosen.options else []
        return code(step, find_net(chosen.net).module, *weights)

    return files


def adapter_code(step):
    return lambda wildcards: code(step, ADAPTERS[experiment(wildcards).data.format])


def data_root(wildcards):
    return experiment(wildcards).data.root or f"results/demo/{wildcards.dataset}"


def annotation_files(wildcards):
    """What the segment table is made of: the demo's manifest, or the official annotation files."""
    if experiment(wildcards).data.generated:
        return f"results/demo/{wildcards.dataset}/manifest.json"
    root, patterns = data_root(wildcards), ANNOTATIONS[experiment(wildcards).data.format]
    found = sorted({path for pattern in patterns for path in glob(f"{root}/{pattern}")})
    if not found:
        raise WorkflowError(
            f"datasets.{wildcards.dataset}.data.root: no annotation files (like {patterns[0]}) in {root}. "
            "Point `root` to the folder with the official files (docs/datasets.md)."
        )
    return found


def box_files(wildcards):
    """The large files that index_boxes looks through: the demo's manifest stands for its own."""
    if experiment(wildcards).data.generated:
        return annotation_files(wildcards)
    root = data_root(wildcards)
    found = {path for pattern in BOX_FILES[experiment(wildcards).data.format] for path in glob(f"{root}/{pattern}")}
    if not found:
        raise WorkflowError(
            f"datasets.{wildcards.dataset}.data.root: no files with boxes (bounding_box*.json or annotations*.json) in "
            f"{root}. Put them there, or leave the teacher `obj` out (docs/datasets.md)."
        )
    return sorted(found)


def boxes_index(wildcards):
    """What extract_objects reads beside the segments, for formats whose boxes lie in few large files."""
    known = experiment(wildcards).data.format in BOX_FILES
    return f"results/data/{wildcards.dataset}/boxes_index.parquet" if known else []


def flow_code(wildcards):
    """Published flow is found by the adapter; computed flow does not depend on it."""
    official = experiment(wildcards).media.flow.source == "official"
    return adapter_code("extract_flow")(wildcards) if official else code("extract_flow")


def published_flow(wildcards):
    """Arguments of extract_flow where it takes the published flow."""
    entry = experiment(wildcards)
    official = entry.media.flow.source == "official"
    return f"--root {shlex.quote(data_root(wildcards))} --format {entry.data.format}" if official else ""


def stores(dataset, modality):
    """The shards of one modality."""
    shards = range(CONFIG.datasets[dataset].data.shards)
    return [f"results/data/{dataset}/{modality}/{shard}.{slices.STORE_SUFFIX[modality]}" for shard in shards]


def every_store(dataset):
    return [path for m in slices.modalities(CONFIG.datasets[dataset]) for path in stores(dataset, m)]


def store_index(dataset, modality):
    """The list of a modality's shards. Jobs name it instead of the shards: plans stay small."""
    return f"results/data/{dataset}/{modality}/shards.json"


def store_inputs(model, modality):
    """Input function: the list of shards of `modality` if `model` reads it, else nothing."""

    def files(wildcards):
        read = slices.inputs_of(experiment(wildcards), model or wildcards.model)
        return store_index(wildcards.dataset, modality) if modality in read else []

    return files


def skipped_tables(wildcards):
    """Tables of unreadable segments of every extraction step (flow made from our own frames has none to tell of)."""
    return [
        f"results/data/{wildcards.dataset}/{modality}/{shard}.skipped.csv"
        for modality in slices.modalities(experiment(wildcards))
        if modality != "flow" or experiment(wildcards).media.flow.source == "official"
        for shard in range(experiment(wildcards).data.shards)
    ]


def predictions(wildcards, model, split):
    """Prediction files of a net on one split: one, or `split.0`, `split.1`, ... for several parts."""
    stem = f"results/predictions/{wildcards.dataset}/{model}/seed{wildcards.seed}/{split}"
    parts = experiment(wildcards).evaluation.parts
    return [f"{stem}.{part}.safetensors" for part in range(parts)] if parts > 1 else [f"{stem}.safetensors"]


def row_predictions(wildcards):
    """Prediction files of a row of the table; an ensemble's are in one file."""
    if wildcards.row.startswith(slices.ENSEMBLE):
        return f"results/predictions/{wildcards.dataset}/{wildcards.row}/seed{wildcards.seed}/val.safetensors"
    return predictions(wildcards, wildcards.row, "val")


def by_teacher(wildcards, split):
    teachers = slices.teachers_of(experiment(wildcards), wildcards.ensemble)
    return {modality: predictions(wildcards, slices.BASELINE + modality, split) for modality in teachers}


def teacher_predictions(wildcards, split):
    """Predictions of an ensemble's teachers on one split."""
    return [path for paths in by_teacher(wildcards, split).values() for path in paths]


def labelled(wildcards, split):
    """`modality=path,path` arguments for the teachers of an ensemble."""
    return [f"{modality}={','.join(paths)}" for modality, paths in by_teacher(wildcards, split).items()]


def bank_parts(wildcards, modality):
    parts = range(experiment(wildcards).bank.parts)
    return [f"results/bank/{wildcards.dataset}/{modality}/seed{wildcards.seed}/{p}.safetensors" for p in parts]


def student_teachers(wildcards, student):
    return slices.teachers_of(experiment(wildcards), experiment(wildcards).students[student].ensemble)


def student_banks(wildcards, student):
    return [path for m in student_teachers(wildcards, student) for path in bank_parts(wildcards, m)]


def labelled_banks(wildcards, student):
    """`modality=path,path` arguments for the banks that teach a student."""
    return [f"{m}={','.join(bank_parts(wildcards, m))}" for m in student_teachers(wildcards, student)]


def student_weights(wildcards, student):
    ensemble = experiment(wildcards).students[student].ensemble
    return f"results/ensembles/{wildcards.dataset}/{ensemble}/seed{wildcards.seed}.json"


def per_seed(pattern, names):
    """Input function: `pattern` for every name that `names` gives for the experiment, and every seed."""
    return lambda wildcards: expand(
        pattern, dataset=wildcards.dataset, name=names(experiment(wildcards)), seed=CONFIG.seeds
    )


def submission_levels(wildcards):
    """What the challenge asks about the supervision, as JSON."""
    levels = experiment(wildcards).evaluation.submission
    if levels is None:
        raise WorkflowError(
            f"datasets.{wildcards.dataset}.evaluation.submission: this key is missing; the challenge asks for the levels "
            "of supervision sls_pt, sls_tl and sls_td (docs/datasets.md)."
        )
    return slices.as_json(levels.model_dump())


def data_name(wildcards):
    """Dataset and source, as figures and tables name them."""
    return f"{wildcards.dataset} (source: {experiment(wildcards).source})"


def datasets_where(holds):
    """Wildcard constraint: the datasets whose experiment satisfies `holds`."""
    return "|".join(name for name, e in CONFIG.datasets.items() if holds(e)) or "none"


def init_input(model):
    """Input function: the converted weights that the training of `model` starts from, if the config names any."""

    def files(wildcards):
        if slices.model_of(experiment(wildcards), model).init is None:
            return []
        return [f"results/init/{wildcards.dataset}/{model}/model.safetensors"]

    return files
