"""Write what travels with a model's weights: inference.json (how to feed it, calibrated scale) and its card, README.md.

The scale of the logits is fitted on held-out training segments, which no net was trained on.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from egokd import runtime
from egokd.config.base import Section
from egokd.config.validation import parse_settings
from egokd.datasets.joining import rows_of
from egokd.datasets.segments import Segments, read_segments, select
from egokd.distillation.ensemble_weights import fit_scale, mean_nll
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.io import read_json, write_json, write_text
from egokd.portable.card import Facts, card
from egokd.portable.settings import Calibration, Inputs, Portable


class PackageSlice(Section):
    """`--settings`: how the model is fed, and what its card says about data and training."""

    inputs: Inputs
    source: str
    licence: str
    licence_id: str
    noisy_labels: bool
    training: dict[str, Any]
    starts: str


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name in the config")
    parser.add_argument("--name", required=True, help="of the model, in the tables")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--description", type=Path, required=True, help="the model's config.json")
    parser.add_argument("--heldout", type=Path, nargs="+", required=True, help="its predictions on the held-out fold")
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="its metrics, and the RGB baseline's")
    parser.add_argument("--cost", type=Path, required=True, help="sizes and speeds of all nets")
    parser.add_argument("--settings", required=True, help="JSON: inputs, data and training")
    parser.add_argument("--out", type=Path, required=True, help="inference.json")
    parser.add_argument("--card", type=Path, required=True, help="README.md")
    args = parser.parse_args(argv)
    runtime.start("package", 1)

    settings = parse_settings(PackageSlice, args.settings)
    segments = read_segments(args.segments)
    scale, calibration = calibrate(LogitFile(args.heldout), segments, settings.noisy_labels)
    portable = Portable(
        egokd_inference=1,
        dataset=args.dataset,
        model=args.name,
        seed=args.seed,
        source=segments.source,
        licence=settings.licence,
        classes=segments.heads,
        logit_scale=scale,
        calibration=calibration,
        inputs=settings.inputs,
    )
    write_json(args.out, portable.model_dump(mode="json"))
    facts = Facts(
        licence=settings.licence_id,
        training=settings.training,
        metrics=[read_json(path) for path in args.metrics],
        cost=read_json(args.cost).get(args.name, {}),
        starts=settings.starts,
    )
    write_text(args.card, card(portable, read_json(args.description), facts))
    runtime.log.info("%s: scale of the logits %s", args.name, {head: round(value, 3) for head, value in scale.items()})


def calibrate(file: LogitFile, segments: Segments, noisy_labels: bool) -> tuple[dict[str, float], Calibration]:
    """The factor per head with the smallest held-out NLL, and how it was fitted; 1 for a model that was not trained.

    Raises UserError if the predictions are not of held-out segments.
    """
    ids = [segment_id for segment_id in file.segment_ids if file.available[segment_id]]
    rows = rows_of(select(segments.table, "heldout"), ids, file.paths[0], "the held-out fold")
    untrained = file.metadata.get("trained") == "0"
    scale, before, after = dict.fromkeys(segments.heads, 1.0), {}, {}
    if ids and not untrained:
        logits = file.all_logits(ids)
        for head in segments.heads:
            values_NK, labels_N = average_views(logits[head]), rows[head].to_numpy(np.int64)
            scale[head], _ = fit_scale(values_NK, labels_N, noisy_labels)
            before[head], after[head] = mean_nll(values_NK, labels_N), mean_nll(scale[head] * values_NK, labels_N)
    count = len(ids) if before else 0
    return scale, Calibration(segments=count, noisy_labels=noisy_labels, nll_before=before, nll_after=after)


if __name__ == "__main__":
    runtime.run(main)
