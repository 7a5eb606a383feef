"""Which models an experiment has, what each reads, and who teaches whom. Pure functions of the validated config."""

from egokd.config.experiment import Config, Experiment
from egokd.config.models import OmnivoreSettings, StudentSettings, TeacherSettings
from egokd.evaluation.view_settings import source_of
from egokd.modalities import MODALITIES, PICTURES, module_of
from egokd.names import (
    ENSEMBLE_PREFIX,
    OMNIVORE,
    RGB_BASELINE,
    STUDENT_PREFIX,
    baseline_of,
    ensemble_of,
    student_of,
    teacher_of,
)


def teachers(experiment: Experiment) -> list[str]:
    """Names of the teachers: by modality in the order of the table of modalities, then as the config lists them."""
    return sorted(experiment.teachers, key=lambda name: list(MODALITIES).index(experiment.modality_of(name)))


def all_teachers(config: Config) -> dict[str, list[str]]:
    """Every teacher's name in any experiment, with the modalities it sees there."""
    found: dict[str, list[str]] = {}
    for experiment in config.datasets.values():
        for name in teachers(experiment):
            modality = experiment.modality_of(name)
            found.setdefault(name, [])
            if modality not in found[name]:
                found[name].append(modality)
    return found


def nets(experiment: Experiment) -> list[str]:
    """Models that are trained, by their names in tables and paths."""
    names = [baseline_of(teacher) for teacher in teachers(experiment)]
    names += [OMNIVORE] if experiment.omnivore else []
    return names + [STUDENT_PREFIX + name for name in experiment.students]


def ensembles(experiment: Experiment) -> list[str]:
    """Ensembles, by their names in tables and paths."""
    return [ENSEMBLE_PREFIX + name for name in experiment.ensembles]


def reported(experiment: Experiment) -> list[str]:
    """All models of the result table, in its order."""
    trained_here = nets(experiment)
    students = [name for name in trained_here if student_of(name)]
    return [*(name for name in trained_here if name not in students), *ensembles(experiment), *students]


def settings_of(experiment: Experiment, model: str) -> TeacherSettings | OmnivoreSettings | StudentSettings:
    """The config's section of `model`; KeyError for a model that the experiment does not have."""
    if model == OMNIVORE and experiment.omnivore:
        return experiment.omnivore
    if teacher := teacher_of(model):
        return experiment.teachers[teacher]
    return experiment.students[student_of(model) or model]


def trained_on(experiment: Experiment, model: str) -> str:
    """What the net of `model` is built for: a modality, or `omnivore`."""
    return OMNIVORE if model == OMNIVORE else tested_on(experiment, model)


def tested_on(experiment: Experiment, model: str) -> str:
    """The single modality that `model` is evaluated on; pictures for the omnivore."""
    if teacher := teacher_of(model):
        return experiment.modality_of(teacher)
    student = student_of(model)
    return experiment.students[student].input if student else PICTURES


def read_by(experiment: Experiment, model: str) -> list[str]:
    """Modalities that are read to train `model`."""
    if model == OMNIVORE and experiment.omnivore:
        return [name for name in MODALITIES if name in experiment.omnivore.modalities]
    return [tested_on(experiment, model)]


def modality_modules(experiment: Experiment, model: str, trains: bool) -> list[str]:
    """Modules of the modalities that a job of `model` runs: those it reads, and for the training of the omnivore those
    that finish its pictures."""
    read = read_by(experiment, model) if trains else [tested_on(experiment, model)]
    return [module_of(name) for name in MODALITIES if name in read or (model == OMNIVORE and name == PICTURES)]


def modality_rows(experiment: Experiment, model: str) -> list[str]:
    """Rows of the table of modalities that a job of `model` depends on, as texts."""
    names = {*read_by(experiment, model), tested_on(experiment, model)}
    return [f"{name} {row!r}" for name, row in MODALITIES.items() if name in names]


def imported(experiment: Experiment) -> list[str]:
    """Models that are taken from a checkpoint in place of training."""
    return [model for model in nets(experiment) if getattr(settings_of(experiment, model), "checkpoint", None)]


def trained(experiment: Experiment) -> list[str]:
    """Models that are trained here."""
    return [model for model in nets(experiment) if model not in imported(experiment)]


def started(experiment: Experiment) -> list[str]:
    """Models whose training starts from a file of weights."""
    return [model for model in trained(experiment) if settings_of(experiment, model).init]


def members(experiment: Experiment, ensemble: str) -> list[str]:
    """Teachers of an ensemble (given by its config name), in the order of `teachers`."""
    chosen = experiment.ensembles[ensemble].teachers
    return [name for name in teachers(experiment) if name in chosen]


def students_of(experiment: Experiment, teacher: str) -> list[str]:
    """Students (by config name) that learn from `teacher`."""
    return [name for name, student in experiment.students.items() if teacher in members(experiment, student.ensemble)]


def bank_blocks(experiment: Experiment, student: str) -> list[tuple[int, int]]:
    """First and last view of each block of the banks that teach `student`: as many views as it has epochs, or the set
    number. The last block ends with the student, so that no view is made that nobody learns from."""
    epochs, bank = experiment.students[student].train.epochs, experiment.bank
    views = min(epochs, bank.views_per_segment or epochs)
    return [(first, min(first + bank.block, views) - 1) for first in range(0, views, bank.block)]


def taught_blocks(experiment: Experiment, teacher: str) -> set[tuple[int, int]]:
    """Blocks of views of a teacher's bank, for all students that learn from it."""
    return {block for student in students_of(experiment, teacher) for block in bank_blocks(experiment, student)}


def reliability_models(experiment: Experiment) -> list[str]:
    """The three side by side in the reliability diagram: RGB baseline, the first student's ensemble, that student."""
    first = list(experiment.students.items())[:1]
    shown = [[ENSEMBLE_PREFIX + student.ensemble, STUDENT_PREFIX + name] for name, student in first]
    return [RGB_BASELINE, *(shown[0] if shown else [])]


def compared(experiment: Experiment) -> dict:
    """Whose predictions show where the gain comes from: as `egokd.evaluation.gains.Compared` takes it, and empty for an
    experiment without a student."""
    if not experiment.students:
        return {}
    baseline, ensemble, student = reliability_models(experiment)
    teachers_of = [
        baseline_of(name) for name in members(experiment, experiment.students[student_of(student) or ""].ensemble)
    ]
    return {"baseline": baseline, "ensemble": ensemble, "student": student, "teachers": teachers_of}


def compared_models(experiment: Experiment) -> list[str]:
    """Those that figures of views and of cost show: the same three, and the omnivore where there is one."""
    baseline, *taught = reliability_models(experiment)
    return [baseline, *([OMNIVORE] if experiment.omnivore else []), *taught]


def table_rows(experiment: Experiment) -> list[dict]:
    """One entry per model of the table: its name, what it sees, who taught it (an ensemble), and who it is made of."""
    rows = []
    for model in reported(experiment):
        entry: dict = {"model": model, "input": "", "taught_by": "", "members": []}
        if ensemble := ensemble_of(model):
            names = members(experiment, ensemble)
            entry |= {"input": "+".join(names), "members": [baseline_of(name) for name in names]}
        else:
            entry["input"] = tested_on(experiment, model)
        if student := student_of(model):
            entry["taught_by"] = ENSEMBLE_PREFIX + experiment.students[student].ensemble
        rows.append(entry)
    return rows


def job_counts(experiment: Experiment, seeds: int) -> dict[str, int]:
    """How many jobs a complete run has, by what they do."""
    blocks = sum(len(taught_blocks(experiment, name)) for name in teachers(experiment))
    weighted = {name for ensemble in experiment.ensembles for name in members(experiment, ensemble)}
    settings, parts = experiment.evaluation.views, experiment.evaluation.parts
    views, predicted = len(settings), len({source_of(setting, settings) for setting in settings})
    models = len(nets(experiment))
    return {
        "extract": len(experiment.modalities) * experiment.data.shards,
        "train": seeds * models,
        "bank": seeds * blocks * experiment.bank.parts,
        "predict": seeds * (models * predicted + len(weighted)) * parts,
        "combine and evaluate": seeds
        * (len(experiment.ensembles) * (1 + predicted) + len(reported(experiment)) * views),
    }
