"""Choose the weights of an ensemble's teachers on held-out training segments: predictions -> weights (JSON)."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egokd import runtime
from egokd.config.ensembles import EnsembleSettings
from egokd.config.validation import parse_settings
from egokd.datasets.joining import rows_of
from egokd.datasets.segments import Segments, read_segments
from egokd.distillation.ensemble_weights import LARGEST_NOISE, FittedHead, fit_weights
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.errors import UserError
from egokd.io import write_json
from egokd.steps._logit_arguments import labelled_paths, read_teachers


@dataclass(frozen=True)
class Heldout:
    """What the trained teachers of an ensemble predict on the held-out segments (M teachers, N segments)."""

    teachers: list[str]
    untrained: list[str]  # teachers of the ensemble without training segments; their weight is 0
    logits: dict[str, np.ndarray]  # {head: float64 [M,N,K]}, mean over views
    labels: dict[str, np.ndarray]  # {head: int64 [N]}
    available_MN: np.ndarray  # bool, whether the segment has the teacher's modality


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument(
        "--predictions", type=labelled_paths, nargs="+", required=True, help="TEACHER=FILE[,FILE...], on heldout"
    )
    parser.add_argument("--settings", required=True, help="JSON: one entry of `ensembles`")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("fit_ensemble", 1)

    settings = parse_settings(EnsembleSettings, args.settings)
    files = read_teachers(args.predictions)
    if set(files) != set(settings.teachers):
        raise UserError(f"--predictions are of {sorted(files)}, the ensemble is of {sorted(settings.teachers)}")
    heldout = read_heldout(read_segments(args.segments), files, str(args.segments))
    fitted = fit_weights(
        heldout.logits,
        heldout.labels,
        heldout.available_MN,
        heldout.teachers,
        settings.scheme,
        settings.weights_temperature,
        settings.combine,
        settings.calibrate,
        settings.noisy_labels,
    )
    report(fitted, heldout.teachers, settings.noisy_labels)
    write_json(args.out, description(fitted, heldout, settings), sealed=True)


def read_heldout(segments: Segments, files: dict[str, LogitFile], where: str = "the segment table") -> Heldout:
    """The predictions of all teachers that were trained, with the labels from the table, whose file is `where`.

    Raises UserError if a prediction is not of a held-out segment: weights must not be chosen on anything else.
    """
    untrained = [name for name, file in files.items() if file.metadata.get("trained") == "0"]
    for name in untrained:
        runtime.log.warning("%s is left out: no training segment has its modality", name)
    trained = {name: file for name, file in files.items() if name not in untrained}
    first = next(iter(files.values()))
    ids = first.segment_ids
    rows = rows_of(segments.table, ids, first.paths[0], where)
    if (rows["fold"] != "heldout").any():
        first = rows.index[rows["fold"] != "heldout"][0]
        raise UserError(
            f"segment {first!r} is not held out; weights are chosen on predictions of the fold heldout only: predict "
            "that fold again"
        )
    each = [file.all_logits(ids) for file in trained.values()]
    return Heldout(
        teachers=list(trained),
        untrained=untrained,
        logits={head: np.stack([average_views(logits[head]) for logits in each]) for head in each[0]},
        labels={head: rows[head].to_numpy(np.int64) for head in segments.heads},
        available_MN=np.stack([file.availability(ids) for file in trained.values()]),
    )


def report(fitted: dict[str, FittedHead], teachers: list[str], noisy_labels: bool) -> None:
    """Log the weights of every head, and warn if the share of random labels is at its bound."""
    for head, result in fitted.items():
        shares = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(teachers, result.weights, strict=True))
        nll, random = result.ensemble_nll, result.random_labels
        runtime.log.info("%s: %s; scale %.2f, held-out NLL %.3f", head, shares, result.scale, nll)
        if noisy_labels:
            runtime.log.info("%s: %.1f %% of the held-out labels look random", head, 100 * random)
        if random > 0.99 * LARGEST_NOISE:
            runtime.log.warning(
                "%s: the share of random labels is at its bound. Either many labels are wrong, or the teachers are "
                "confident and wrong and the ensemble becomes over-confident; in that case remove noisy_labels from "
                "the config",
                head,
            )


def description(fitted: dict[str, FittedHead], heldout: Heldout, settings: EnsembleSettings) -> dict[str, object]:
    """The content of the output file: scheme, weights per head and teacher, and the losses they come from."""
    teachers = heldout.teachers
    return {
        "scheme": settings.scheme,
        "weights_temperature": settings.weights_temperature,
        "combine": settings.combine,
        "weights": {
            head: dict(zip(teachers, result.weights.tolist(), strict=True)) | dict.fromkeys(heldout.untrained, 0.0)
            for head, result in fitted.items()
        },
        "scale": {head: result.scale for head, result in fitted.items()},
        "random_labels": {head: result.random_labels for head, result in fitted.items()},
        "heldout_nll": {
            head: dict(zip(teachers, result.teacher_nll.tolist(), strict=True)) | {"ensemble": result.ensemble_nll}
            for head, result in fitted.items()
        },
        "heldout_segments": dict(zip(teachers, heldout.available_MN.sum(axis=1).tolist(), strict=True)),
    }


if __name__ == "__main__":
    runtime.run(main)
