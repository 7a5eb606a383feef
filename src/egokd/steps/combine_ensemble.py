"""Combine the predictions of an ensemble's teachers: logits, weighted and combined view by view -> predictions.

A segment without any teacher is marked as not available, as in the predictions of a single net.
"""

import argparse
from pathlib import Path

import numpy as np

from egokd import runtime
from egokd.distillation.ensemble import combine
from egokd.distillation.logit_files import write_logits
from egokd.errors import UserError
from egokd.io import read_json
from egokd.steps._logit_arguments import labelled_paths, read_teachers


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="written by fit_ensemble")
    parser.add_argument("--predictions", type=labelled_paths, nargs="+", required=True, help="TEACHER=FILE[,FILE...]")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("combine_ensemble", 1)

    ensemble, files = read_json(args.weights), read_teachers(args.predictions)
    first = next(iter(files.values()))
    for head, weights in ensemble["weights"].items():
        if set(weights) != set(files):
            raise UserError(
                f"{args.weights}: weights of head {head!r} are for {sorted(weights)}, predictions are of "
                f"{sorted(files)}; run fit_ensemble again"
            )
    ids = first.segment_ids
    available_MN = np.stack([file.availability(ids) for file in files.values()])
    available = np.asarray(available_MN.any(axis=0))
    each = [file.all_logits(ids) for file in files.values()]
    combined = {}
    for head, weights in ensemble["weights"].items():
        by_teacher = np.array([weights[name] for name in files])
        views = [
            combine(
                np.stack([logits[head][available, view] for logits in each]),
                by_teacher,
                available_MN[:, available],
                ensemble["combine"],
            )
            for view in range(len(first.views))
        ]
        combined[head] = ensemble["scale"][head] * np.stack(views, axis=1)

    rows = np.flatnonzero(available)
    chunks = (
        (rows, np.full(len(rows), view), {head: values[:, view] for head, values in combined.items()})
        for view in range(len(first.views))
    )
    metadata = {key: first.metadata[key] for key in ("split", "clips", "crops", "seed")}
    metadata["input"] = "+".join(files)
    write_logits(args.out, ids, first.views, first.num_classes, available, chunks, metadata, dtype="float32")


if __name__ == "__main__":
    runtime.run(main)
