"""Read a dataset's official annotation files: annotations -> segment table of some splits (without folds).

Where annotations do not say where a video ends, or what its shape is, the videos' headers are looked at.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.datasets import checks
from egokd.datasets.adapter import Adapter
from egokd.datasets.formats import adapter
from egokd.datasets.headers import fill_in
from egokd.datasets.segments import SPLITS, Segments, check_segments, shard_of, write_segments
from egokd.errors import UserError
from egokd.io import write_json
from egokd.media.header import Header, read_headers


def look_at_headers(
    table: pd.DataFrame, module: Adapter, root: Path, threads: int, frames_fps: float | None = None
) -> pd.DataFrame:
    """Fill in NaN stop times, unknown aspects of the same videos, and aspects of 0 (wrong in the annotations).

    UserError if extracted frames make the videos longer or shorter than the dataset's are.
    """
    needed = table["stop_s"].isna() | (table["aspect"] == 0)
    table = table.assign(aspect=table["aspect"].mask(table["aspect"] == 0))
    videos = sorted(set(table.loc[needed, "video_id"]))
    if not videos:
        return table
    sources = {video_id: module.rgb_source(root, video_id, frames_fps) for video_id in videos}
    found = read_headers(sources.values(), threads)
    shown = zip(videos, runtime.progress(found, len(videos), "headers", "videos"), strict=True)
    headers = {video_id: header for video_id, header in shown if isinstance(header, Header)}
    lost = len(videos) - len(headers)
    if lost:
        runtime.log.warning("%d of %d videos cannot be read; extraction will say why", lost, len(videos))
    whole = table["video_id"].isin(set(headers)) & table["stop_s"].isna()
    table = fill_in(table, headers)
    if frames_fps is None:
        checks.check_lengths(table[whole], module, sources, str(root))
    return table


def of_splits(segments: Segments, splits: list[str], where: str) -> Segments:
    """The rows of `splits`; UserError, naming `where`, if there are none."""
    rows = segments.table[segments.table["split"].isin(splits)].reset_index(drop=True)
    if rows.empty:
        raise UserError(
            f"{where}: there are no {' or '.join(splits)} segments (docs/datasets.md says where they stand)"
        )
    return replace(segments, table=rows)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files, a key of egokd.datasets.formats.FORMATS")
    parser.add_argument("--dataset", required=True, help="name of the dataset in the config")
    parser.add_argument("--source", required=True, help="where the data came from, printed in every table")
    parser.add_argument("--shards", type=int, required=True, help="number of shards the videos are dealt to")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS), help="whose rows are wanted")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: further arguments of the format")
    parser.add_argument("--frames-fps", type=float, help="rate at which frames beside or in place of videos were made")
    parser.add_argument("--threads", type=int, default=1, help="headers looked at side by side")
    parser.add_argument("--out", type=Path, required=True, help="annotations.parquet")
    args = parser.parse_args(argv)
    runtime.start("index_segments", args.threads)

    module = adapter(args.format)
    where = f"dataset {args.dataset} in {args.root}"
    segments = module.read(args.root, **args.options)
    checks.check_splits(segments, where)
    segments = of_splits(segments, args.splits, where)
    table = look_at_headers(segments.table, module, args.root, args.threads, args.frames_fps)
    shard = table["video_id"].map(lambda video_id: shard_of(video_id, args.shards))
    for sentence in segments.found:
        runtime.log.info("%s", sentence)
    segments = replace(segments, table=table.assign(shard=shard), source=checks.full_source(args.source, segments.part))
    check_segments(segments, where)
    write_segments(args.out, segments)
    if "train" in args.splits:  # read by egokd.planning.origin, so that results of different data never share a folder
        write_json(args.out.with_name("origin.json"), {"source": args.source, "root": str(args.root)})
    counts = ", ".join(f"{count} {split}" for split, count in segments.table["split"].value_counts().items())
    classes = ", ".join(f"{count} {head}s" for head, count in segments.num_classes.items())
    runtime.log.info("%s segments in %d videos; %s", counts, segments.table["video_id"].nunique(), classes)


if __name__ == "__main__":
    runtime.run(main)
