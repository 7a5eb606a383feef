"""Cut the sound of one shard's segments: videos -> store of waveforms, table of what was skipped."""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.datasets.formats import adapter
from egokd.datasets.segments import read_segments
from egokd.errors import UserError
from egokd.media.audio import cut_sound
from egokd.media.skipped import Cut, write_skipped


def sound_files(
    args: argparse.Namespace, videos: Iterable[tuple[str, pd.DataFrame]]
) -> Iterator[tuple[str, Path, pd.DataFrame]]:
    """(id, file, segments) of every video; UserError for a format without sound."""
    sound_path = adapter(args.format).sound_path
    for video_id, rows in videos:
        path = sound_path(args.root, video_id)
        if path is None:
            raise UserError(f"format {args.format}: videos have no sound; leave the teacher `audio` out of the config")
        yield video_id, path, rows


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segment table")
    parser.add_argument("--shard", type=int, required=True, help="which shard of videos")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: sample_rate, margin_s")
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files")
    parser.add_argument("--threads", type=int, required=True, help="one is used")
    parser.add_argument("--out", type=Path, required=True, help="the store, .arrow")
    parser.add_argument("--skipped", type=Path, required=True, help="table of skipped videos and segments, .csv")
    args = parser.parse_args(argv)
    runtime.start("extract_audio", args.threads)

    table = read_segments(args.segments).table
    videos = table[table["shard"] == args.shard].groupby("video_id", sort=True)
    cut = Cut()
    work = cut_sound(args.out, sound_files(args, videos), args.settings, cut)
    for _ in runtime.progress(work, len(videos), f"shard {args.shard}", "videos"):
        pass
    write_skipped(args.skipped, cut.skips)
    runtime.log.info("sound of %d videos (%d silent or skipped)", len(videos), cut.silent)


if __name__ == "__main__":
    runtime.run(main)
