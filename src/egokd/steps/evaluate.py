"""Evaluate the predictions of a net or an ensemble: predictions + segment table -> metrics (JSON).

Every model is evaluated on the same segments. A segment without the model's modality has equal probabilities for all
classes and counts as wrong; the file states the number of such segments.
"""

import argparse
from pathlib import Path

import numpy as np

from egokd import runtime
from egokd.datasets.segments import read_segments, select
from egokd.distillation.logit_files import LogitFile
from egokd.errors import UserError
from egokd.evaluation.metrics import evaluate, subsets_of
from egokd.evaluation.tables import main_head
from egokd.io import write_json


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="all parts, written by predict or combine_ensemble"
    )
    parser.add_argument("--dataset", required=True, help="name in the config")
    parser.add_argument("--model", required=True, help="name in the tables")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--bins", type=int, required=True, help="bins of the calibration error")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("evaluate", 1)

    segments, file = read_segments(args.segments), LogitFile(args.predictions)
    heads = list(segments.heads)
    every = select(segments.table, file.metadata["split"])
    ids = file.segment_ids
    unknown = set(ids) - set(every["segment_id"])
    if unknown:
        raise UserError(f"{args.predictions[0]}: segment {min(unknown)!r} is not in {args.segments}; predict again")
    rows = every.set_index("segment_id").loc[ids]
    if (rows[heads] < 0).any(axis=None):
        raise UserError(
            f"{args.predictions[0]}: the labels of split {file.metadata['split']!r} are not published, so it cannot be "
            "evaluated; write a submission instead"
        )
    file.check(ids, [], segments.num_classes)
    labels = {head: rows[head].to_numpy(np.int64) for head in heads}
    logits = file.all_logits(ids)
    subsets, reliability = evaluate({head: logits[head] for head in heads}, labels, subsets_of(rows, heads), args.bins)
    write_json(
        args.out,
        {
            "dataset": args.dataset,
            "source": segments.source,
            "model": args.model,
            "seed": args.seed,
            "clips": int(file.metadata["clips"]),
            "crops": int(file.metadata["crops"]),
            "segments": len(ids),
            "skipped": len(every) - len(ids),
            "without_modality": int((~file.availability(ids)).sum()),
            "subsets": subsets,
            "reliability": reliability,
        },
        sealed=True,
    )
    every, head = subsets["all"], main_head(subsets["all"])
    top1, ece = every[f"{head}_top1"], every[f"{head}_ece"]
    runtime.log.info("%s: %s top-1 %.1f %%, ECE %.1f %%", args.model, head, top1, ece)


if __name__ == "__main__":
    runtime.run(main)
