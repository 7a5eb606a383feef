"""Evaluate the predictions of a net or an ensemble: predictions + segment table -> metrics (JSON).

Every model is evaluated on the same segments. A segment without the model's modality has equal probabilities for all
classes and counts as wrong; the file states the number of such segments. The views of a smaller setting may be read
from the predictions of a larger one that holds them (`egokd.evaluation.view_settings`).
"""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.datasets.segments import read_segments, select
from egokd.distillation.logit_files import LogitFile
from egokd.evaluation.chance import most_frequent
from egokd.evaluation.metrics import evaluate, subsets_of
from egokd.evaluation.tables import main_head
from egokd.hashing import digest
from egokd.io import write_json
from egokd.steps._evaluated import chosen_views, labelled_rows, origin
from egokd.steps._logit_arguments import clips_and_crops


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="all parts, written by predict or combine_ensemble"
    )
    parser.add_argument("--dataset", required=True, help="name in the config")
    parser.add_argument("--model", required=True, help="name in the tables")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--views", type=clips_and_crops, required=True, help="CLIPSxCROPS that are evaluated")
    parser.add_argument("--bins", type=int, required=True, help="bins of the calibration error")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("evaluate", 1)

    segments, file = read_segments(args.segments), LogitFile(args.predictions)
    rows, labels = labelled_rows(segments, file, args.segments)
    heads, ids = list(labels), rows.index.tolist()
    every = select(segments.table, file.metadata["split"])
    logits = {head: values[:, chosen_views(file, args.views)] for head, values in file.all_logits(ids).items()}
    subsets, reliability = evaluate({head: logits[head] for head in heads}, labels, subsets_of(rows, heads), args.bins)
    write_json(
        args.out,
        {
            **origin(args, segments),
            "segments": len(ids),
            "skipped": len(every) - len(ids),
            "without_modality": int((~file.availability(ids)).sum()),
            "segment_ids": digest("\n".join(sorted(ids)), 12).hex(),
            "most_frequent": most_frequent(labels),
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
