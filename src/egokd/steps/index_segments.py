"""Read a dataset's official annotation files: annotations -> segment table (without folds)."""

import argparse
from dataclasses import replace
from pathlib import Path

from egokd import runtime
from egokd.datasets import adapter
from egokd.segments import check_segments, shard_of, write_segments


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files, a key of egokd.datasets.ADAPTERS")
    parser.add_argument("--dataset", required=True, help="name of the dataset in the config")
    parser.add_argument("--source", required=True, help="where the data came from, printed in every table")
    parser.add_argument("--shards", type=int, required=True, help="number of shards the videos are dealt to")
    parser.add_argument("--out", type=Path, required=True, help="annotations.parquet")
    args = parser.parse_args(argv)
    runtime.start("index_segments", 1)

    segments = adapter(args.format).read(args.root)
    shard = segments.table["video_id"].map(lambda video_id: shard_of(video_id, args.shards))
    segments = replace(segments, table=segments.table.assign(shard=shard), source=args.source)
    check_segments(segments, f"dataset {args.dataset} in {args.root}")
    write_segments(args.out, segments)
    counts = ", ".join(f"{count} {split}" for split, count in segments.table["split"].value_counts().items())
    classes = ", ".join(f"{count} {head}s" for head, count in segments.num_classes.items())
    runtime.log.info("%s segments in %d videos; %s", counts, segments.table["video_id"].nunique(), classes)


if __name__ == "__main__":
    runtime.run(main)
