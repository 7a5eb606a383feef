"""Compute optical flow between the stored frames of one shard: frame store -> flow store."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.media.flow import extract_flow
from egokd.media.store import FrameStore, StoreWriter


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, required=True, help="store of frames, .arrow")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: preset, bound")
    parser.add_argument("--threads", type=int, required=True, help="pairs of frames computed side by side")
    parser.add_argument("--out", type=Path, required=True, help="store of flow, .arrow")
    args = parser.parse_args(argv)
    runtime.start("extract_flow", args.threads)

    frames = FrameStore([args.frames])
    rate, bound = frames.metadata["frame_rate"], args.settings["bound"]
    total = sum(frames.info(video_id)["rows"] for video_id in frames.videos)
    metadata = {"kind": "flow", "frame_rate": rate, "dt_s": 1 / rate, **args.settings}
    with StoreWriter(args.out, ("u", "v"), metadata) as writer:
        work = extract_flow(frames, writer, args.settings["preset"], bound, args.threads)
        for _ in runtime.progress(work, total, "flow", "frames"):
            pass
    runtime.log.info("flow of %d frames of %d videos", total, len(frames.videos))


if __name__ == "__main__":
    runtime.run(main)
