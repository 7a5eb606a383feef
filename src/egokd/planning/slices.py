"""What the workflow's rules ask of the config: names of models, the slice each job uses, and who needs what.

Pure functions of the validated config, called while Snakemake builds the DAG. They open no data, so that planning stays
fast with hundreds of thousands of segments, and they return plain JSON text for a rule's `params`: a job is run again
exactly when its own slice has changed.
"""

import json
import shlex

from egokd.config.experiment import MODALITIES, Config, Experiment, ModelSettings, OmnivoreSettings, StudentSettings

BASELINE, STUDENT, ENSEMBLE, OMNIVORE = "baseline_", "student_", "ensemble_", "omnivore"
# the store that each modality is read from; flow is its own store, computed from the frames
STORE_SUFFIX = {"rgb": "arrow", "flow": "arrow", "audio": "arrow", "obj": "parquet"}


def as_json(value: object) -> str:
    """JSON text with sorted keys: the same settings always give the same params."""
    return json.dumps(value, sort_keys=True)


def modalities(experiment: Experiment) -> list[str]:
    """Modalities with a teacher, in the fixed order rgb, flow, audio, obj."""
    return [modality for modality in MODALITIES if modality in experiment.teachers]


def all_modalities(config: Config) -> list[str]:
    """Modalities that any experiment of the config uses."""
    used = {modality for experiment in config.datasets.values() for modality in experiment.teachers}
    return [modality for modality in MODALITIES if modality in used]


def nets(experiment: Experiment) -> list[str]:
    """Models that are trained, by their names in tables and paths."""
    names = [BASELINE + modality for modality in modalities(experiment)]
    names += [OMNIVORE] if experiment.omnivore else []
    return names + [STUDENT + name for name in experiment.students]


def ensembles(experiment: Experiment) -> list[str]:
    """Ensembles, by their names in tables and paths."""
    return [ENSEMBLE + name for name in experiment.ensembles]


def reported(experiment: Experiment) -> list[str]:
    """All rows of the result table, in its order."""
    trained = nets(experiment)
    students = [name for name in trained if name.startswith(STUDENT)]
    return [*(name for name in trained if name not in students), *ensembles(experiment), *students]


def inputs_of(experiment: Experiment, model: str) -> list[str]:
    """Modalities that must be read to train or run `model`."""
    if model == OMNIVORE:
        return list(experiment.omnivore.modalities)
    if model.startswith(BASELINE):
        return [model.removeprefix(BASELINE)]
    return ["rgb"]


def predict_inputs_of(model: str) -> str:
    """The single modality that `model` is evaluated on: its own, RGB for the omnivore and for students."""
    return model.removeprefix(BASELINE) if model.startswith(BASELINE) else "rgb"


def model_of(experiment: Experiment, model: str) -> ModelSettings | OmnivoreSettings | StudentSettings:
    """The config's section of `model`."""
    if model == OMNIVORE:
        return experiment.omnivore
    if model.startswith(BASELINE):
        return experiment.teachers[model.removeprefix(BASELINE)]
    return experiment.students[model.removeprefix(STUDENT)]


def net_of(experiment: Experiment, model: str) -> str:
    """Name of the architecture of `model`."""
    return model_of(experiment, model).net


def imported(experiment: Experiment) -> list[str]:
    """Models that are taken from a checkpoint in place of training."""
    return [model for model in nets(experiment) if getattr(model_of(experiment, model), "checkpoint", None)]


def trained(experiment: Experiment) -> list[str]:
    """Models that are trained here."""
    return [model for model in nets(experiment) if model not in imported(experiment)]


def import_arguments(experiment: Experiment, model: str, kind: str) -> str:
    """Arguments of `egokd.steps.import_weights` that describe net and file; kind: `checkpoint` or `init`."""
    chosen = model_of(experiment, model)
    source = getattr(chosen, kind)
    modality = OMNIVORE if model == OMNIVORE else predict_inputs_of(model)
    options = {name: value for name, value in chosen.options.items() if name != "pretrained"}
    words = ["--net", chosen.net, "--modality", modality, "--format", source.format]
    words += ["--num-frames", str(experiment.views.num_frames), "--size", str(experiment.inputs.size)]
    words += ["--options", as_json(options), *(["--sha256", source.sha256] if source.sha256 else [])]
    return shlex.join(words)


def teachers_of(experiment: Experiment, ensemble: str) -> list[str]:
    """Modalities of an ensemble (given by its config name), in the fixed order."""
    chosen = experiment.ensembles[ensemble].modalities
    return [modality for modality in MODALITIES if modality in chosen]


def _student_ensembles(experiment: Experiment, modality: str) -> list[str]:
    return [
        name for name, student in experiment.students.items() if modality in teachers_of(experiment, student.ensemble)
    ]


def bank_views(experiment: Experiment, modality: str) -> int:
    """Views per segment in a teacher's bank: as many as its longest-trained student has epochs, or the set number."""
    longest = max(experiment.students[name].train.epochs for name in _student_ensembles(experiment, modality))
    return min(longest, experiment.bank.views_per_segment or longest)


def _view_slice(experiment: Experiment, read: list[str]) -> dict:
    """Views and inputs; settings of a modality that is not read are left out, so that they re-run nothing."""
    inputs = experiment.inputs.model_dump()
    if "audio" not in read:
        inputs["audio"] = None
    # boxes are stored at the rate of the frames, so those of a shown frame are at most one frame away
    inputs["box_tolerance_s"] = 1 / experiment.media.frame_rate
    if "obj" not in read:
        inputs["max_boxes"] = inputs["box_tolerance_s"] = None
    if "flow" not in read:
        inputs["flow_scale"] = None
    return {"views": experiment.views.model_dump(), "inputs": inputs}


def train_settings(experiment: Experiment, model: str) -> str:
    """`--settings` of `egokd.steps.train` for one model."""
    chosen = model_of(experiment, model)
    read = inputs_of(experiment, model)
    distill = None
    if model.startswith(STUDENT):
        distill = {"tau": chosen.tau, "kd_weight": chosen.kd_weight, "ce_weight": chosen.ce_weight}
    return as_json(
        {
            "net": chosen.net,
            "options": chosen.options,
            "train": chosen.train.model_dump(),
            "views_per_segment": experiment.bank.views_per_segment,
            "modalities": read,
            "distill": distill,
            **_view_slice(experiment, read),
        }
    )


def view_settings(experiment: Experiment, model: str) -> str:
    """`--settings` of the steps that run a trained model (bank, predict)."""
    return as_json(_view_slice(experiment, [predict_inputs_of(model)]))


def frame_settings(experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.extract_frames`."""
    media = experiment.media
    return as_json(media.model_dump(include={"reader", "frame_rate", "short_side", "jpeg_quality"}))


def object_settings(experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.extract_objects`: boxes are kept at the rate of the stored frames."""
    return as_json({"frame_rate": experiment.media.frame_rate})


def adapter_options(experiment: Experiment) -> str:
    """`--options` of `egokd.steps.index_segments`: what the adapter needs beside the root."""
    folder = experiment.data.folder
    return as_json(folder.model_dump() if folder else {})


def check_settings(experiment: Experiment, seeds: int) -> str:
    """`--settings` of `egokd.steps.check`."""
    media = experiment.media
    return as_json(
        {
            "modalities": modalities(experiment),
            "flow": media.flow.source,
            "frame_rate": media.frame_rate,
            "short_side": media.short_side,
            "sample_rate": media.audio.sample_rate,
            "max_share": experiment.data.max_skipped_share,
            "jobs": job_counts(experiment, seeds),
        }
    )


def job_counts(experiment: Experiment, seeds: int) -> dict[str, int]:
    """How many jobs a complete run has, by what they do."""
    taught = {m for student in experiment.students.values() for m in teachers_of(experiment, student.ensemble)}
    parts = len(taught) * experiment.bank.parts
    heldout = {m for name in experiment.ensembles for m in teachers_of(experiment, name)}
    return {
        "extract": len(modalities(experiment)) * experiment.data.shards,
        "train": seeds * len(nets(experiment)),
        "bank": seeds * parts,
        "predict": seeds * (len(nets(experiment)) + len(heldout)) * experiment.evaluation.parts,
        "combine and evaluate": seeds * (2 * len(experiment.ensembles) + len(reported(experiment))),
    }


def calibration_rows(experiment: Experiment) -> list[str]:
    """The three side by side in the reliability diagram: RGB baseline, the first student's ensemble, that student."""
    chosen = [BASELINE + "rgb"]
    for name, student in list(experiment.students.items())[:1]:
        chosen += [ENSEMBLE + student.ensemble, STUDENT + name]
    return chosen


def table_rows(experiment: Experiment) -> list[dict]:
    """One entry per row of the table: model, what it sees, who taught it (an ensemble), and who it is made of."""
    rows = []
    for model in reported(experiment):
        entry = {"model": model, "input": predict_inputs_of(model), "taught_by": "", "members": []}
        if model.startswith(ENSEMBLE):
            members = teachers_of(experiment, model.removeprefix(ENSEMBLE))
            entry |= {"input": "+".join(members), "members": [BASELINE + modality for modality in members]}
        elif model.startswith(STUDENT):
            entry["taught_by"] = ENSEMBLE + experiment.students[model.removeprefix(STUDENT)].ensemble
        rows.append(entry)
    return rows
