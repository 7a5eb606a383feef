"""The slice of the config that each job uses, as plain JSON text for a rule's `params`.

A job runs again exactly when its own slice has changed, so a slice holds what changes the outcome and nothing else.
Pure functions of the validated config, called while Snakemake builds the DAG.
"""

import json
import shlex

from egokd.config.experiment import Experiment
from egokd.config.inputs import sections
from egokd.datasets.licences import licence_of
from egokd.errors import UserError
from egokd.names import student_of
from egokd.planning.models import job_counts, members, nets, read_by, settings_of, tested_on, trained, trained_on


def as_json(value: object) -> str:
    """JSON text with sorted keys: the same settings always give the same params."""
    return json.dumps(value, sort_keys=True)


def import_arguments(experiment: Experiment, model: str, kind: str) -> str:
    """Arguments of `egokd.steps.import_weights` that describe net and file; kind: `checkpoint` or `init`."""
    chosen = settings_of(experiment, model)
    source = getattr(chosen, kind)
    options = {name: value for name, value in chosen.options.items() if name != "pretrained"}
    words = ["--net", chosen.net, "--modality", trained_on(experiment, model), "--format", source.format]
    words += ["--num-frames", str(experiment.views.num_frames), "--size", str(experiment.inputs.size)]
    words += ["--options", as_json(options), *(["--sha256", source.sha256] if source.sha256 else [])]
    for key in ("input_scale", "input_shift"):
        if values := getattr(source, key):
            words += [f"--{key.replace('_', '-')}", *map(str, values)]
    words += ["--classes", source.classes] if source.classes else []
    return shlex.join(words)


def view_slice(experiment: Experiment, read: list[str]) -> dict:
    """Views and inputs; only the modalities that are read have settings here, so that others re-run nothing."""
    return {
        "views": experiment.views.model_dump(),
        "size": experiment.inputs.size,
        "frame_rate": experiment.media.frame_rate,
        "inputs": sections(experiment.inputs, read),
    }


def train_settings(experiment: Experiment, model: str) -> str:
    """`--settings` of `egokd.steps.train` for one model."""
    chosen = settings_of(experiment, model)
    read = read_by(experiment, model)
    distill = None
    if student := student_of(model):
        taught = experiment.students[student]
        distill = {"tau": taught.tau, "kd_weight": taught.kd_weight, "ce_weight": taught.ce_weight}
    return as_json(
        {
            "net": chosen.net,
            "options": chosen.options,
            "train": chosen.train.model_dump(),
            "views_per_segment": experiment.bank.views_per_segment,
            "distill": distill,
            **view_slice(experiment, read),
        }
    )


def view_settings(experiment: Experiment, model: str) -> str:
    """`--settings` of the steps that run a trained model (bank, predict)."""
    return as_json(view_slice(experiment, [tested_on(experiment, model)]))


def cost_settings(experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.measure_cost`: by modality, what the true shape of a net's input follows from."""
    read = list(dict.fromkeys(trained_on(experiment, model) for model in nets(experiment)))
    media = experiment.media.model_dump()
    known = {name: {"inputs": values} for name, values in sections(experiment.inputs, read).items()}
    return as_json({name: {**entry, "stored": media.get(name, {})} for name, entry in known.items()})


def pipeline_settings(experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.measure_pipeline`: every modality, as it is cut out and as nets see it."""
    views = view_slice(experiment, experiment.modalities)
    return as_json({"views": views, "media": experiment.media.model_dump()})


def page_facts(dataset: str, experiment: Experiment, seeds: list[int], root: str) -> str:
    """`--facts` of `egokd.steps.write_page`: what was made of what, and the whole config of the dataset."""

    def line(model: str) -> str:
        chosen = settings_of(experiment, model)
        how = f"{chosen.train.epochs} epochs" if model in trained(experiment) else "imported"
        return f"{model}: {trained_on(experiment, model)}, {chosen.net}, {how}"

    taught = [name for name in nets(experiment) if student_of(name)]
    stages = [
        ("Data", [f"{experiment.data.format} from {experiment.source}", *experiment.modalities]),
        ("Teachers and baselines", [line(name) for name in nets(experiment) if name not in taught]),
        (
            "Ensembles",
            [f"{name}: {'+'.join(members(experiment, name))}, {e.scheme}" for name, e in experiment.ensembles.items()],
        ),
        (
            "Students",
            [
                f"{line(name)}, taught by ensemble_{experiment.students[student_of(name) or ''].ensemble}"
                for name in taught
            ],
        ),
    ]
    return as_json(
        {
            "dataset": dataset,
            "seeds": seeds,
            "root": root,
            "stages": [{"title": title, "lines": lines} for title, lines in stages if lines],
            "config": json.dumps(experiment.model_dump(mode="json"), indent=2, ensure_ascii=False),
        }
    )


def ensemble_settings(experiment: Experiment, ensemble: str) -> str:
    """`--settings` of `egokd.steps.fit_ensemble`."""
    return as_json(experiment.ensembles[ensemble].model_dump())


def frame_settings(experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.extract_frames`."""
    media = experiment.media
    return as_json(media.model_dump(include={"reader", "frame_rate", "short_side", "jpeg_quality"}))


def object_settings(experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.extract_objects`: boxes are kept at the rate of the stored frames."""
    return as_json({"frame_rate": experiment.media.frame_rate})


def frames_rate(experiment: Experiment) -> str:
    """Argument of the steps that look for frames: their rate, where the config gives one."""
    rate = experiment.data.frames_fps
    return f"--frames-fps {rate:g}" if rate else ""


def adapter_options(experiment: Experiment) -> str:
    """`--options` of `egokd.steps.index_segments`: what the adapter needs beside the root."""
    options = experiment.data.folder or experiment.data.epic
    return as_json(options.model_dump() if options else {})


def submission_levels(dataset: str, experiment: Experiment) -> str:
    """`--settings` of `egokd.steps.write_submission`; UserError where the config does not give them."""
    levels = experiment.evaluation.submission
    if levels is None:
        raise UserError(
            f"datasets.{dataset}.evaluation.submission: this key is missing; the challenge asks for the levels of "
            "supervision sls_pt, sls_tl and sls_td (docs/datasets.md)."
        )
    return as_json(levels.model_dump())


def check_settings(experiment: Experiment, seeds: int) -> str:
    """`--settings` of `egokd.steps.check`."""
    media = experiment.media
    return as_json(
        {
            "modalities": experiment.modalities,
            "flow": media.flow.source,
            "frame_rate": media.frame_rate,
            "short_side": media.short_side,
            "sample_rate": media.audio.sample_rate,
            "max_share": experiment.data.max_skipped_share,
            "views": experiment.views.model_dump(),
            "clips": sorted({clips for clips, _ in experiment.evaluation.views}),
            "jobs": job_counts(experiment, seeds),
        }
    )


def package_settings(experiment: Experiment, model: str) -> str:
    """`--settings` of `egokd.steps.package`: how a model is fed, and what its card says about data and training."""
    modality, media, data = tested_on(experiment, model), experiment.media, experiment.data
    licence_id, licence = licence_of(data.format, data.generated)
    return as_json(
        {
            "inputs": {
                "modality": modality,
                "slice": view_slice(experiment, [modality]),
                "views": experiment.evaluation.views[0],
                "frames": media.model_dump(include={"reader", "frame_rate", "short_side", "jpeg_quality"}),
                "flow": media.flow.model_dump() if modality == "flow" else None,
                "audio": media.audio.model_dump() if modality == "audio" else None,
            },
            "source": experiment.source,
            "licence": licence,
            "licence_id": licence_id,
            # a fact about the labels, which an ensemble is told of
            "noisy_labels": any(ensemble.noisy_labels for ensemble in experiment.ensembles.values()),
            "training": _training_facts(experiment, model),
            "starts": _starts(experiment, model),
        }
    )


def _training_facts(experiment: Experiment, model: str) -> dict:
    """Net, schedule, and who taught it."""
    chosen = settings_of(experiment, model)
    facts: dict = {"net": chosen.net, "options": chosen.options, "train": chosen.train.model_dump()}
    if student := student_of(model):
        taught = experiment.students[student]
        ensemble = experiment.ensembles[taught.ensemble]
        facts["taught_by"] = {"ensemble": taught.ensemble, **ensemble.model_dump(include={"teachers", "scheme"})}
        facts["taught_by"] |= taught.model_dump(include={"tau", "kd_weight", "ce_weight"})
    return facts


def _starts(experiment: Experiment, model: str) -> str:
    """Where the weights of a model come from, in a sentence."""
    chosen = settings_of(experiment, model)
    if imported := getattr(chosen, "checkpoint", None):
        return f"weights imported from the file {imported.path.split('/')[-1]} (format {imported.format})"
    if chosen.init:
        return f"training started from the file {chosen.init.path.split('/')[-1]} (format {chosen.init.format})"
    if name := chosen.options.get("pretrained"):
        return f"training started from the public weights {name}, whose own licence applies too"
    return "trained from scratch"
