"""Optical flow at the stored frames of one shard, computed between them or taken from the published files."""

import argparse
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from egokd import runtime
from egokd.datasets.formats import adapter
from egokd.media.errors import MediaError
from egokd.media.flow import STEP, cut_flow
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.official_flow import add_video
from egokd.media.skipped import Cut, Skip, write_skipped


def published(args: argparse.Namespace, frames: FrameStore, writer: StoreWriter, skips: list[Skip]) -> Iterator[float]:
    """Write the published flow of every video; yield times; what is missing goes to `skips`."""
    flow_source = adapter(args.format).flow_source
    for video_id in frames.videos:
        source = flow_source(args.root, video_id)
        if source is None:
            skips.append(Skip(video_id, "", STEP, f"{args.root}: no published flow of this video (media.flow.source)"))
            continue
        try:
            yield from add_video(video_id, source, frames, writer, args.settings["bound"])
        except MediaError as error:
            if writer.is_open:
                writer.drop()
            skips.append(Skip(video_id, "", STEP, str(error)))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, required=True, help="store of frames, .arrow")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: source, preset, bound")
    parser.add_argument("--root", type=Path, help="folder with the official files; for published flow")
    parser.add_argument("--format", help="layout of those files")
    parser.add_argument("--threads", type=int, required=True, help="pairs of frames computed side by side")
    parser.add_argument("--out", type=Path, required=True, help="store of flow, .arrow")
    parser.add_argument("--skipped", type=Path, required=True, help="table of skipped videos, .csv")
    args = parser.parse_args(argv)
    runtime.start(STEP, args.threads)

    frames, cut = FrameStore([args.frames]), Cut()
    total = sum(frames.info(video_id)["rows"] for video_id in frames.videos)
    taken = partial(published, args) if args.settings["source"] == "official" else None
    for _ in runtime.progress(
        cut_flow(args.out, frames, args.settings, args.threads, cut, taken), total, "flow", "frames"
    ):
        pass
    write_skipped(args.skipped, cut.skips)
    runtime.log.info("flow of %d of %d videos", len(cut.videos), len(frames.videos))


if __name__ == "__main__":
    runtime.run(main)
