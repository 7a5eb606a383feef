"""Merge the tables of skipped videos and segments, and stop the run if too many segments were skipped."""

import argparse
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.datasets.segments import read_segments
from egokd.errors import UserError
from egokd.media.skipped import affected_segments, read_skipped, write_skipped


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segment table")
    parser.add_argument("--skipped", type=Path, nargs="+", required=True, help="tables of the extraction steps")
    parser.add_argument("--max-share", type=float, required=True, help="largest share of segments a step may skip")
    parser.add_argument("--out", type=Path, required=True, help="skipped.csv")
    args = parser.parse_args(argv)
    runtime.start("collect_skipped", 1)

    segments = read_segments(args.segments).table
    skipped = pd.concat([read_skipped(path) for path in args.skipped], ignore_index=True)
    # Snakemake deletes the outputs of a failed job, so the table that the error names has another name
    refused = args.out.with_name(f"{args.out.stem}_above_limit.csv")
    refused.unlink(missing_ok=True)
    for step, ids in affected_segments(segments, skipped).items():
        share = len(ids) / len(segments)
        runtime.log.info("%s: %d of %d segments skipped (%.2f %%)", step, len(ids), len(segments), 100 * share)
        if share > args.max_share:
            write_skipped(refused, skipped)
            raise UserError(
                f"{step} skipped {len(ids)} of {len(segments)} segments ({100 * share:.1f} %), the limit is "
                f"{100 * args.max_share:.1f} % (data.max_skipped_share). {refused} lists them with the reasons: "
                "fix the files, or raise the limit."
            )
    write_skipped(args.out, skipped)


if __name__ == "__main__":
    runtime.run(main)
