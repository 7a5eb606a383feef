"""Decode the videos of one shard, or take extracted frames: store of JPEG frames at a fixed rate, table of skipped."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.datasets.formats import adapter
from egokd.datasets.segments import read_segments
from egokd.media.frames import cut_frames, expected_frames
from egokd.media.skipped import Cut, write_skipped

READERS = ("decord", "pyav", "files", "pieces")  # as a store records them


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segment table")
    parser.add_argument("--shard", type=int, required=True, help="which shard of videos")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: reader, frame_rate, short_side, ...")
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files")
    parser.add_argument("--frames-fps", type=float, help="rate at which frames beside or in place of videos were made")
    parser.add_argument("--threads", type=int, required=True, help="threads for decoding")
    parser.add_argument("--out", type=Path, required=True, help="the store, .arrow")
    parser.add_argument("--skipped", type=Path, required=True, help="table of skipped videos and segments, .csv")
    args = parser.parse_args(argv)
    runtime.start("extract_frames", args.threads)

    table = read_segments(args.segments).table
    rows = table[table["shard"] == args.shard]
    rgb_source, cut = adapter(args.format).rgb_source, Cut()
    videos = (
        (video_id, rgb_source(args.root, video_id, args.frames_fps), group)
        for video_id, group in rows.groupby("video_id", sort=True)
    )
    frames = cut_frames(args.out, videos, args.settings, args.threads, cut)
    total = expected_frames(rows, args.settings["frame_rate"])
    stored = sum(1 for _ in runtime.progress(frames, total, f"shard {args.shard}", "frames"))
    write_skipped(args.skipped, cut.skips)
    readers = [info["reader"] for info in cut.videos.values()]
    counts = ", ".join(f"{name} {readers.count(name)}" for name in READERS)
    runtime.log.info("%d frames of %d videos (%s), %d skipped entries", stored, len(readers), counts, len(cut.skips))


if __name__ == "__main__":
    runtime.run(main)
