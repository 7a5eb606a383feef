"""From what Snakemake read of a config file to a checked config, or one sentence about what is wrong in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from egokd.config.experiment import Config, Experiment
from egokd.config.models import NetSettings
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.models.options import check_net
from egokd.names import OMNIVORE
from egokd.planning import models
from egokd.planning.old_keys import translate
from egokd.planning.recipes import resolve

MOST_VALUES = 100_000  # in a config with every alias written out; the largest recipe has 300
DEEPEST = 50  # sections inside each other
SMALLEST_BATCH = 2  # segments, of which batch normalisation can learn


def read_config(config: dict, base: Path) -> tuple[Config, list[str]]:
    """The checked config, and a sentence for each old key that was translated.

    base  folder of the Snakefile, where the recipes lie below

    Nothing of the data is looked at. Raises UserError that names each bad key and what was expected.
    """
    if {"{", "}"} & set(str(base)):
        raise UserError(
            f"{base}: Snakemake takes the braces in the name of this folder for wildcards; rename it, or move the "
            "workflow to another one"
        )
    count_values(config)
    today, renamed = translate(resolve(config, base / "workflow" / "recipes"))
    whole = validate(Config, today, "config")
    for name, experiment in whole.datasets.items():
        for place, modality, net in nets_of(experiment):
            check_trained(f"config: datasets.{name}.{place}", experiment, modality, net)
        for student in experiment.students:
            check_start(f"config: datasets.{name}.students.{student}.start", experiment, student)
    return whole, renamed


def count_values(config: Any) -> None:
    """UserError for a config whose aliases stand for more values than anybody writes, or for themselves."""
    known: dict[int, int] = {}  # values below each list and mapping, which aliases share
    above: set[int] = set()

    def count(node: Any) -> int:
        if not isinstance(node, dict | list):
            return 1
        if id(node) in above or len(above) > DEEPEST:
            raise UserError(f"config: an alias (*) stands for itself, or sections are nested more than {DEEPEST} deep")
        if id(node) not in known:
            above.add(id(node))
            known[id(node)] = 1 + sum(map(count, node.values() if isinstance(node, dict) else node))
            above.discard(id(node))
        return known[id(node)]

    if (found := count(config)) > MOST_VALUES:
        raise UserError(f"config: its aliases (*) stand for {found:.3g} values, the most is {MOST_VALUES}")


def nets_of(experiment: Experiment) -> Iterator[tuple[str, str, NetSettings]]:
    """(place in the config, what the net sees, its settings) of everything that is trained."""
    for model in models.nets(experiment):
        kind, _, name = model.partition("_")
        place = {"baseline": f"teachers.{name}", "student": f"students.{name}"}.get(kind, OMNIVORE)
        yield place, models.trained_on(experiment, model), models.settings_of(experiment, model)


def check_start(place: str, experiment: Experiment, name: str) -> None:
    """UserError unless the weights of the teacher that a student starts from fit it."""
    student = experiment.students[name]
    if student.start is None:
        return
    teacher = experiment.teachers[student.start]
    options = {key: value for key, value in teacher.options.items() if key != "pretrained"}
    theirs = {"net": teacher.net, "options": options, "input": experiment.modality_of(student.start)}
    for key, value in theirs.items():
        if getattr(student, key) != value:
            raise UserError(
                f"{place}: the weights of teacher {student.start!r} do not fit, since its {key} is {value!r} and the "
                f"student's {getattr(student, key)!r}"
            )


def check_trained(place: str, experiment: Experiment, modality: str, net: NetSettings) -> None:
    """UserError unless the net can be built, reads the modality, and learns from batches of this size."""
    row = check_net(place, net.net, modality, net.options, experiment.views.num_frames, experiment.inputs.size)
    if row.batch_norm and net.train.batch_size < SMALLEST_BATCH:
        raise UserError(
            f"{place}.train.batch_size: {net.train.batch_size} is too small: the net {net.net!r} has batch "
            f"normalisation, which cannot learn from fewer than {SMALLEST_BATCH} segments"
        )
