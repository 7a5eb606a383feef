"""Merge the tables of skipped videos and segments, and stop the run if too much of train or val was skipped."""

import argparse
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.datasets.segments import read_segments
from egokd.errors import UserError
from egokd.media.skipped import affected_segments, read_skipped, write_skipped

COUNTED = ("train", "val")  # segments of the test split are needed for a submission alone, which says what it lacks


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segment table")
    parser.add_argument("--skipped", type=Path, nargs="+", required=True, help="{modality}/{shard}.skipped.csv")
    parser.add_argument("--max-share", type=float, required=True, help="largest share of a split a step may skip")
    parser.add_argument("--dataset", required=True, help="name of the dataset in the config")
    parser.add_argument("--out", type=Path, required=True, help="skipped.csv")
    args = parser.parse_args(argv)
    runtime.start("collect_skipped", 1)

    segments = read_segments(args.segments).table
    tables = {path: read_skipped(path) for path in args.skipped}
    skipped = pd.concat(tables.values(), ignore_index=True)
    # Snakemake deletes the outputs of a failed job, so the table that the error names has another name
    refused = args.out.with_name(f"{args.out.stem}_above_limit.csv")
    refused.unlink(missing_ok=True)
    sizes, above = segments["split"].value_counts(), []
    for step, ids in affected_segments(segments, skipped).items():
        for split, count in segments.loc[segments["segment_id"].isin(ids), "split"].value_counts().items():
            share = count / sizes[split]
            text = f"{step} skipped {count} of {sizes[split]} {split} segments ({100 * share:.1f} %)"
            runtime.log.info(text)
            if split in COUNTED and share > args.max_share:
                above.append(text)
    if skipped.empty:
        write_skipped(args.out, skipped)
        return
    how = (
        f"after mending files, call `snakemake --cores 1 reread_{args.dataset}` with the --configfile of this run, and "
        "then the run again: it reads exactly the shards with gaps anew"
    )
    if above:
        write_skipped(refused, skipped)
        raise UserError(
            f"{'; '.join(above)}; the limit is {100 * args.max_share:.1f} % of a split (data.max_skipped_share). "
            f"{refused} lists them with the reasons: fix the files, or raise the limit; {how}"
        )
    write_skipped(args.out, skipped)
    runtime.log.info("%s lists what was skipped; %s", args.out, how)


if __name__ == "__main__":
    runtime.run(main)
