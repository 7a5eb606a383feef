"""Config validation, wildcards, and the few functions of wildcards that rules share. Their logic is in egokd.planning."""

import os
import shlex
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, os.path.join(workflow.basedir, "src"))

from egokd import names
from egokd.datasets.formats import FORMATS
from egokd.errors import UserError
from egokd.models.nets import find_net
from egokd.planning import comparisons, models, provenance, slices
from egokd.planning.bytecode import remove_cut_off
from egokd.planning.code import code_digest
from egokd.planning.origin import check_origins
from egokd.planning.paths import TEST, Paths, flat, labelled, seed_files, view_name
from egokd.planning.reading import read_config
from egokd.planning.repeats import repeated_trainings
from egokd.modalities import looks
from snakemake import __version__ as SNAKEMAKE_VERSION
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

try:
    CONFIG, RENAMED = read_config(config, Path(workflow.basedir))
    PATHS = {name: Paths(name, experiment) for name, experiment in CONFIG.datasets.items()}
    check_origins(PATHS.values())
except UserError as error:
    raise WorkflowError(str(error)) from None

for sentence in RENAMED:
    logger.warning(sentence)

DATASETS = list(CONFIG.datasets)
ENSEMBLES = sorted({name for e in CONFIG.datasets.values() for name in e.ensembles})
STUDENTS = sorted({name for e in CONFIG.datasets.values() for name in e.students})
FIGURES = ["reliability", "accuracy", "ensemble_weights", "training"]


def one_of(values):
    """A wildcard constraint; `none` where there is nothing to choose from."""
    return "|".join(sorted(set(values))) or "none"


wildcard_constraints:
    dataset="|".join(DATASETS),
    seed="|".join(str(seed) for seed in CONFIG.seeds),
    shard=r"\d+",
    # the test split has its own tables and stores: it is needed for a submission alone, and may arrive later
    subset=f"({TEST})?",
    modality=one_of(m for e in CONFIG.datasets.values() for m in e.modalities),
    part=r"\d+-of-\d+",
    piece=r"(\.\d+-of-\d+)?",
    block=r"\d+-\d+",
    split="heldout|val|test",
    views=r"\d+x[13]",
    model=one_of(name for e in CONFIG.datasets.values() for name in models.nets(e)),
    ensemble=one_of(ENSEMBLES),
    entry=one_of(name for e in CONFIG.datasets.values() for name in models.reported(e)),


# Jobs that unblock the most work run first: data, the student as soon as it can start, teachers, then the omnivore, which
# takes longest and keeps a core busy while banks, held-out predictions and ensemble weights are made. The rest fills what is
# free beside the student.
FIRST, STUDENT, TEACHER, LONGEST, BANK, FITTING = 60, 50, 40, 30, 20, 10


def experiment(wildcards):
    return CONFIG.datasets[wildcards.dataset]


def paths(wildcards):
    return PATHS[wildcards.dataset]


def from_paths(method, *arguments):
    """Input function: what a method of `Paths` gives for wildcards or fixed values; its UserError becomes the workflow's."""

    def files(wildcards):
        try:
            return getattr(paths(wildcards), method)(*(getattr(wildcards, name, name) for name in arguments))
        except UserError as error:
            raise WorkflowError(str(error)) from None

    return files


def code(step, *modules):
    """Params function: a digest of what the code of a step means, with modules that it loads by name."""
    return lambda wildcards: code_digest((f"egokd.steps.{step}", *modules))


def net_code(step, model=None):
    """The same for a step that builds the net of `model`, with the modalities that it reads, and with the code of public
    weights where it asks for any."""

    def digest(wildcards):
        entry, name = experiment(wildcards), model or wildcards.model
        chosen = models.settings_of(entry, name)
        net = find_net(chosen.net)
        public = ["egokd.models.public"] if step == "train" and "pretrained" in chosen.options else []
        read = [] if step == "import_weights" else models.modality_modules(entry, name, step == "train")
        return code_digest(
            (f"egokd.steps.{step}", net.module, *public, *read), (repr(net), *models.modality_rows(entry, name))
        )

    return digest


def cost_code(wildcards, step="measure_cost", *modules):
    """The same for measure_cost: examples of all that the nets read."""
    entry = experiment(wildcards)
    nets = models.nets(entry)
    read = {module for model in nets for module in models.modality_modules(entry, model, False)}
    rows = {row for model in nets for row in models.modality_rows(entry, model)}
    return code_digest((f"egokd.steps.{step}", *sorted(read), *modules), tuple(sorted(rows)))


def pipeline_code(wildcards):
    """The same for measure_pipeline, which reads official files too."""
    return cost_code(wildcards, "measure_pipeline", FORMATS[experiment(wildcards).data.format].module)


def figure_code(step):
    """The same for a step that draws: title and colour of every modality are part of it."""
    return lambda wildcards: code_digest((f"egokd.steps.{step}",), looks(experiment(wildcards).modalities))


def adapter_code(step):
    """The same for a step that reads official files; which files these are is seen in its inputs."""
    return lambda wildcards: code_digest((f"egokd.steps.{step}", FORMATS[experiment(wildcards).data.format].module))


def flow_code(wildcards):
    """Published flow is found by the adapter; computed flow does not depend on it."""
    official = experiment(wildcards).media.flow.source == "official"
    return (adapter_code if official else code)("extract_flow")(wildcards)


def published_flow(wildcards):
    """Arguments of extract_flow where it takes the published flow."""
    entry = experiment(wildcards)
    official = entry.media.flow.source == "official"
    return f"--root {shlex.quote(paths(wildcards).root)} --format {entry.data.format}" if official else ""


def asked_again(modality):
    """Params function: how often the shard was asked to be read again."""
    return lambda wildcards: paths(wildcards).asked_again(modality, wildcards.shard, wildcards.subset)


def stores_read_by(model):
    """Input function: the lists of shards that the training of `model` reads."""
    return lambda wildcards: [
        paths(wildcards).store_index(modality) for modality in models.read_by(experiment(wildcards), model)
    ]


def store_arguments(model):
    """Params function: the same as `modality=file` arguments."""
    return lambda wildcards: paths(wildcards).store_arguments(models.read_by(experiment(wildcards), model))


def entry_predictions(wildcards):
    """Files that hold the predictions of a row of the table."""
    clips, crops = map(int, wildcards.views.split("x"))
    return paths(wildcards).evaluated(wildcards.entry, wildcards.seed, (clips, crops))


def entry_heldout(wildcards):
    """Prediction files of a row of the table on the held-out fold."""
    views = experiment(wildcards).evaluation.heldout_views
    return paths(wildcards).predictions(wildcards.entry, wildcards.seed, "heldout", views)


def compared_predictions(wildcards):
    """Predictions of those who show where the gain comes from, by model and seed."""
    try:
        return paths(wildcards).compared(CONFIG.seeds)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def member_predictions(wildcards):
    """Predictions of an ensemble's teachers on a split or fold, by teacher."""
    clips, crops = map(int, wildcards.views.split("x"))
    return paths(wildcards).member_predictions(wildcards.ensemble, wildcards.seed, wildcards.split, (clips, crops))


def heldout_predictions(wildcards):
    """Predictions of an ensemble's teachers on the held-out fold, by teacher."""
    views = experiment(wildcards).evaluation.heldout_views
    return paths(wildcards).member_predictions(wildcards.ensemble, wildcards.seed, "heldout", views)


def metrics_of(members):
    """Input function: metrics at the first view setting of the models that `members` gives for the experiment."""

    def files(wildcards):
        entry = experiment(wildcards)
        return paths(wildcards).metrics(members(entry), CONFIG.seeds, entry.evaluation.views[:1])

    return files


def per_seed(pattern, members):
    """Input function: `pattern` for every name that `members` gives for the experiment, and every seed."""
    return lambda wildcards: seed_files(
        pattern.replace("{dataset}", wildcards.dataset), members(experiment(wildcards)), CONFIG.seeds
    )


def datasets_where(holds):
    """Wildcard constraint: the datasets whose experiment satisfies `holds`."""
    return one_of(name for name, e in CONFIG.datasets.items() if holds(e))


def annotations_of(dataset):
    """Input function of a rule that is named after its dataset."""

    def files(wildcards):
        try:
            return PATHS[dataset].annotations(TEST)
        except UserError as error:
            raise WorkflowError(str(error)) from None

    return files


def submission_levels(wildcards):
    """What the challenge asks about the supervision, as JSON."""
    try:
        return slices.submission_levels(wildcards.dataset, experiment(wildcards))
    except UserError as error:
        raise WorkflowError(str(error)) from None
