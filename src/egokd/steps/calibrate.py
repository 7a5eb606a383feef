"""Measure how well a model is calibrated, as it is and with a temperature fitted on the held-out fold: predictions of
validation and of the held-out fold -> JSON.

As in evaluate, a segment without the model's modality has equal probabilities for all classes. Such segments teach the
temperature nothing and are left out of its fit.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from egokd import runtime
from egokd.datasets.segments import Segments, read_segments
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.evaluation.calibrated import AS_IS, SCALED, Labels, Logits, calibrated, fit_temperatures
from egokd.io import write_json
from egokd.steps._evaluated import chosen_views, labelled_rows, origin
from egokd.steps._logit_arguments import clips_and_crops


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="of validation, all parts")
    parser.add_argument("--heldout", type=Path, nargs="+", required=True, help="of the held-out fold, all parts")
    parser.add_argument("--dataset", required=True, help="name in the config")
    parser.add_argument("--model", required=True, help="name in the tables")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--views", type=clips_and_crops, required=True, help="CLIPSxCROPS of validation")
    parser.add_argument("--bins", type=int, required=True, help="bins of the calibration errors")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("calibrate", 1)

    segments = read_segments(args.segments)
    file, heldout_file = LogitFile(args.predictions), LogitFile(args.heldout)
    rows, logits, labels = read(segments, file, args.segments, args.views)
    held_rows, held_logits, held_labels = read(segments, heldout_file, args.segments, None)
    clusters_N = pd.factorize(rows["video_id"])[0].astype(np.int64)
    fitted = fit_temperatures(held_logits, held_labels, heldout_file.availability(held_rows.index.tolist()))
    variants = {
        variant: calibrated(logits, labels, held_logits, held_labels, temperatures, clusters_N, args.bins)
        for variant, temperatures in {AS_IS: dict.fromkeys(logits, 1.0), SCALED: fitted}.items()
    }
    write_json(
        args.out,
        {
            **origin(args, segments),
            "segments": len(rows),
            "heldout_segments": len(held_rows),
            "variants": {variant: asdict(result) for variant, result in variants.items()},
        },
    )
    shown = ", ".join(f"{head} {value:.2f}" for head, value in fitted.items())
    runtime.log.info("%s: temperatures %s", args.model, shown)


def read(
    segments: Segments, file: LogitFile, path: Path, views: tuple[int, int] | None
) -> tuple[pd.DataFrame, Logits, Labels]:
    """Rows of the file's segments, mean logits over the wanted views (all for None), and labels."""
    rows, labels = labelled_rows(segments, file, path)
    places = list(range(len(file.views))) if views is None else chosen_views(file, views)
    logits = file.all_logits(rows.index.tolist())
    return rows, {head: average_views(logits[head][:, places]) for head in labels}, labels


if __name__ == "__main__":
    runtime.run(main)
