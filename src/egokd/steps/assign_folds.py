"""Set a stratified share of the train split aside as held-out: annotations.parquet -> segments.parquet.

A rule of its own, so that another held-out share re-runs trainings but never the extraction of frames.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from egokd import runtime
from egokd.datasets.segments import read_segments, write_segments
from egokd.sampling.folds import UNIT_COLUMNS, assign_fold


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=Path, required=True, help="table written by index_segments")
    parser.add_argument("--share", type=float, required=True, help="share of train that is held out")
    parser.add_argument("--seed", type=int, required=True, help="seed of the choice")
    parser.add_argument("--unit", choices=["segment", *UNIT_COLUMNS], required=True, help="what is held out as a whole")
    parser.add_argument("--out", type=Path, required=True, help="segments.parquet")
    args = parser.parse_args(argv)
    runtime.start("assign_folds", 1)

    segments = read_segments(args.annotations)
    fold = assign_fold(segments.table, list(segments.heads), args.share, args.seed, args.unit)
    write_segments(args.out, replace(segments, table=segments.table.assign(fold=fold)))
    counts = fold.value_counts()
    runtime.log.info(
        "%d segments to fit, %d held out, %d in other splits",
        counts.get("fit", 0),
        counts.get("heldout", 0),
        counts.get("", 0),
    )


if __name__ == "__main__":
    runtime.run(main)
