"""Read the hand and object detections of one shard: official files -> table of boxes, table of what was skipped."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.datasets.formats import adapter
from egokd.datasets.segments import read_segments
from egokd.media.errors import MediaError
from egokd.media.object_writer import write_boxes
from egokd.media.skipped import Skip, write_skipped

STEP = "extract_objects"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segment table")
    parser.add_argument("--shard", type=int, required=True, help="which shard of videos")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: frame_rate")
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files")
    parser.add_argument("--index", type=Path, help="table of index_boxes, for formats with few large files")
    parser.add_argument("--threads", type=int, required=True, help="one is used")
    parser.add_argument("--out", type=Path, required=True, help="the table, .parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="table of skipped videos and segments, .csv")
    args = parser.parse_args(argv)
    runtime.start(STEP, args.threads)

    table = read_segments(args.segments).table
    videos = table[table["shard"] == args.shard].groupby("video_id", sort=True)
    boxes = adapter(args.format).boxes
    tables, skips = [], []
    for video_id, rows in runtime.progress(videos, len(videos), f"shard {args.shard}", "videos"):
        try:
            tables.append(boxes(args.root, video_id, rows, args.settings["frame_rate"], args.index))
        except MediaError as error:
            skips.append(Skip(video_id, "", STEP, str(error)))
    write_boxes(args.out, tables)
    write_skipped(args.skipped, skips)
    runtime.log.info("%d boxes in %d videos, %d videos skipped", sum(map(len, tables)), len(tables), len(skips))


if __name__ == "__main__":
    runtime.run(main)
