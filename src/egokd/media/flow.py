"""One shard of optical flow, computed between neighbouring stored frames and stored as 8-bit grey JPEG.

Flow at a frame is the displacement (u to the right, v downwards, in pixels of the stored frame per frame step) to the
next frame of the grid. As in the official EPIC-KITCHENS flow, pixel = 128 + d * 127.5 / bound, rounded and clipped.
The last frame of a run, which has no next one, repeats the flow before it; a lone frame has none (128).
"""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from egokd.media.decode import too_damaged
from egokd.media.errors import MediaError
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.opening import check_size
from egokd.media.skipped import Cut, Skip

log = logging.getLogger("egokd")

STEP = "extract_flow"
Published = Callable[[FrameStore, StoreWriter, list[Skip]], Iterator[float]]  # writes flow that is there already
PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
ZERO = 128
JPEG_QUALITY = 95  # flow is smooth and small; artefacts would be motion
BLOCK = 128  # frames decoded at a time
STEP_TOLERANCE = 1e-3  # of a grid step


def quantise(flow: np.ndarray, bound: float) -> np.ndarray:
    """float displacements in pixels per frame step -> uint8; +-bound is the 8-bit range, 128 is no motion."""
    return np.clip(np.rint(ZERO + flow * (127.5 / bound)), 0, 255).astype(np.uint8)


def encode_grey(image: np.ndarray) -> bytes:
    """uint8 [H, W] -> JPEG."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image)[..., None], quality=JPEG_QUALITY, colorspace="GRAY", colorsubsampling="Gray"
    )


def decode_grey(data: bytes) -> np.ndarray:
    """JPEG, colour or grey -> uint8 [H, W]."""
    return simplejpeg.decode_jpeg(data, colorspace="GRAY")[..., 0]


class FlowEstimator:
    """OpenCV's DIS with a preset; an own instance per thread, since one keeps buffers."""

    def __init__(self, preset: str):
        self._preset = PRESETS[preset]
        self._local = threading.local()

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """uint8 [H, W] twice -> float32 [H, W, 2], displacement (u, v) from the first to the second."""
        if not hasattr(self._local, "dis"):
            self._local.dis = cv2.DISOpticalFlow.create(self._preset)
        return self._local.dis.calc(np.ascontiguousarray(first), np.ascontiguousarray(second), None)


def extract_flow(
    frames: FrameStore, writer: StoreWriter, preset: str, bound: float, threads: int, skips: list[Skip] | None = None
) -> Iterator[float]:
    """Write the flow of every stored frame; yield its time for a progress bar.

    A video of which too many frames are damaged, or that is too small, leaves nothing in the store and a row in
    `skips`.
    """
    estimate = FlowEstimator(preset)
    cv2.setNumThreads(1)  # pairs run side by side, which scales better than threads inside one pair

    def encode_pair(pair: tuple[np.ndarray, np.ndarray]) -> dict[str, bytes]:
        flow = quantise(estimate(*pair), bound)
        return {"u": encode_grey(flow[..., 0]), "v": encode_grey(flow[..., 1])}

    with ThreadPoolExecutor(threads) as pool:
        for video_id in frames.videos:
            try:
                yield from _video_flow(video_id, frames, writer, encode_pair, pool)
            except MediaError as error:
                if writer.is_open:
                    writer.drop()
                if skips is None:
                    raise
                skips.append(Skip(video_id, "", STEP, str(error)))


def _video_flow(
    video_id: str, frames: FrameStore, writer: StoreWriter, encode_pair: Callable, pool: ThreadPoolExecutor
) -> Iterator[float]:
    """The flow of one video; a damaged frame is taken for the one before it, or for the next at the very start."""
    info, step_s = frames.info(video_id), 1 / frames.metadata["frame_rate"]
    check_size(Path(video_id), info["width"], info["height"])
    still = encode_grey(np.full((info["height"], info["width"]), ZERO, np.uint8))
    previous, last, damaged = {"u": still, "v": still}, None, 0
    times = frames.times(video_id)
    follows = np.append(np.abs(np.diff(times) - step_s) < STEP_TOLERANCE * step_s, False)
    begins = np.append(True, ~follows[:-1])
    writer.begin(video_id)
    for first in range(0, len(times), BLOCK):
        block = range(first, min(first + BLOCK, len(times)))
        need = [*block, block[-1] + 1] if follows[block[-1]] else [*block]
        rows = (info["first_row"] + number for number in need)
        grey = dict(zip(need, pool.map(_decode_or_none, map(frames.read, rows)), strict=True))
        good = next((image for image in [last, *grey.values()] if image is not None), None)
        for number in need:
            if grey[number] is None:
                damaged += number in block
                grey[number] = good
            good = grey[number]
        if too_damaged(damaged, len(times)):
            raise MediaError(f"video {video_id!r}: {damaged} of its {len(times)} stored frames are damaged")
        last = good
        pairs = ((grey[number], grey[number + 1]) for number in block if follows[number])
        encoded = pool.map(encode_pair, pairs)
        for number in block:
            if follows[number]:
                previous = next(encoded)
            elif begins[number]:
                previous = {"u": still, "v": still}
            writer.add(float(times[number]), **previous)
            yield float(times[number])
    if damaged:
        log.warning("video %r: %d of its stored frames are damaged; their neighbours stand in", video_id, damaged)
    writer.end({"width": info["width"], "height": info["height"], "source": "DIS"})


def _decode_or_none(data: bytes) -> np.ndarray | None:
    try:
        return decode_grey(data)
    except ValueError:
        return None


def cut_flow(
    path: Path,
    frames: FrameStore,
    settings: dict[str, Any],
    threads: int,
    cut: Cut,
    published: Published | None = None,
) -> Iterator[float]:
    """Write the flow at every stored frame, computed or by `published`; yield the time of each.

    settings  source, preset and bound
    """
    rate = frames.metadata["frame_rate"]
    with StoreWriter(path, ("u", "v"), {"kind": "flow", "frame_rate": rate, "dt_s": 1 / rate, **settings}) as writer:
        if published:
            yield from published(frames, writer, cut.skips)
        else:
            yield from extract_flow(frames, writer, settings["preset"], settings["bound"], threads, cut.skips)
    cut.videos |= writer.videos
