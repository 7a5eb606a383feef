"""Writes one clip as the dataset has them: WebM with VP9 pictures, 12 a second, no sound."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from egokd.io import atomic_path

FRAME_RATE = 12
# fast, one thread, every frame shown: the same frames always give the same file
VP9 = {"deadline": "realtime", "cpu-used": "7", "crf": "20", "b": "0", "threads": "1", "auto-alt-ref": "0"}
VP9 |= {"lag-in-frames": "0"}


def write_clip(path: Path, frames: Iterable[np.ndarray], size: tuple[int, int]) -> None:
    """Write uint8 RGB frames [h, w, 3] of `size` (width, height), both even."""
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="webm") as container:
        picture = container.add_stream("libvpx-vp9", rate=FRAME_RATE, options=VP9)
        picture.width, picture.height, picture.pix_fmt = size[0], size[1], "yuv420p"
        picture.codec_context.gop_size = FRAME_RATE
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
