"""Choose the weights of an ensemble's teachers on held-out training segments: predictions -> weights (JSON)."""

import argparse
from pathlib import Path

import numpy as np

from egokd import runtime
from egokd.config.ensembles import EnsembleSettings
from egokd.config.validation import parse_settings
from egokd.distillation.ensemble_weights import LARGEST_NOISE, fit_weights
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.errors import UserError
from egokd.io import write_json
from egokd.sampling.segments import read_segments
from egokd.steps._logit_arguments import labelled_paths, read_teachers


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
    segments = read_segments(args.segments)
    files = read_teachers(args.predictions)
    if set(files) != set(settings.teachers):
        raise UserError(f"--predictions are of {sorted(files)}, the ensemble is of {sorted(settings.teachers)}")
    untrained = [name for name, file in files.items() if file.metadata.get("trained") == "0"]
    for name in untrained:
        runtime.log.warning("%s is left out: no training segment has it", name)
    weighed = {name: file for name, file in files.items() if name not in untrained}
    ids = next(iter(files.values())).segment_ids
    rows = segments.table.set_index("segment_id").loc[ids]
    if (rows["fold"] != "heldout").any():
        first = rows.index[rows["fold"] != "heldout"][0]
        raise UserError(f"segment {first!r} is not held out; weights are chosen on predictions of part `heldout` only")
    logits = _stack(weighed, ids)
    available = np.stack([file.availability(ids) for file in weighed.values()])
    labels = {head: rows[head].to_numpy(np.int64) for head in segments.heads}
    fitted = fit_weights(
        logits,
        labels,
        available,
        list(weighed),
        settings.scheme,
        settings.weights_temperature,
        settings.combine,
        settings.calibrate,
        settings.noisy_labels,
    )
    for head, result in fitted.items():
        shares = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(weighed, result.weights, strict=True))
        nll, random = result.ensemble_nll, result.random_labels
        runtime.log.info("%s: %s; scale %.2f, held-out NLL %.3f", head, shares, result.scale, nll)
        if settings.noisy_labels:
            runtime.log.info("%s: %.1f %% of the held-out labels look random", head, 100 * random)
        if random > 0.99 * LARGEST_NOISE:
            runtime.log.warning(
                "%s: the share of random labels is at its bound; either many are wrong, or teachers are sure and wrong "
                "and the ensemble becomes over-confident: then take noisy_labels out of the config",
                head,
            )
    write_json(
        args.out,
        {
            "scheme": settings.scheme,
            "weights_temperature": settings.weights_temperature,
            "combine": settings.combine,
            "weights": {
                head: dict(zip(weighed, result.weights.tolist(), strict=True)) | dict.fromkeys(untrained, 0.0)
                for head, result in fitted.items()
            },
            "scale": {head: result.scale for head, result in fitted.items()},
            "random_labels": {head: result.random_labels for head, result in fitted.items()},
            "heldout_nll": {
                head: dict(zip(weighed, result.teacher_nll.tolist(), strict=True)) | {"ensemble": result.ensemble_nll}
                for head, result in fitted.items()
            },
            "heldout_segments": dict(zip(weighed, available.sum(axis=1).tolist(), strict=True)),
        },
    )


def _stack(files: dict[str, LogitFile], ids: list[str]) -> dict[str, np.ndarray]:
    """{head: float64 [M,N,K]}, views averaged."""
    each = [file.all_logits(ids) for file in files.values()]
    return {head: np.stack([average_views(logits[head]) for logits in each]) for head in each[0]}


if __name__ == "__main__":
    runtime.run(main)
