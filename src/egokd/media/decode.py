"""Frames of a video at a fixed rate, each the right one: chosen by time stamp, checked against the packets.

Output frames lie on the grid k / frame_rate, counted from the first shown frame of the video. The frame taken for an
instant is the one whose presentation time is nearest; of two equally near the earlier one. For a source of the same
rate this is every frame once; a variable rate becomes the fixed one; a lower rate repeats frames.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from egokd.media.errors import MediaError
from egokd.media.probe import Probe, open_media, video_stream
from egokd.times import nearest

log = logging.getLogger("egokd")

EPSILON = 1e-6  # of a grid step: far above rounding errors, far below any difference that matters
MAX_DAMAGED_SHARE = 0.05  # decoders conceal a damaged slice and say so; a frame in 75 of a real file is such a one
READ_AHEAD_BYTES = 2**30  # decord decodes ahead without limit (5 GB in 12 s were seen); it is reopened above this


class DecordError(MediaError):
    """decord gave up inside a file that looked safe; the caller reads it again with PyAV."""


def merge_intervals(intervals_s: np.ndarray) -> np.ndarray:
    """Union of intervals: float64 [n, 2] in any order -> float64 [m, 2], sorted, disjoint."""
    merged: list[list[float]] = []
    for start, stop in sorted(map(tuple, np.asarray(intervals_s, np.float64).reshape(-1, 2).tolist())):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    return np.array(merged, np.float64).reshape(-1, 2)


def grid_indices(intervals_s: np.ndarray, frame_rate: float, duration_s: float) -> np.ndarray:
    """int64 [n], rising: every k with k / frame_rate inside one of the [start, stop) and inside [0, duration_s)."""
    parts = [np.zeros(0, np.int64)]
    for start, stop in merge_intervals(intervals_s):
        first = np.ceil(max(start, 0.0) * frame_rate - EPSILON)
        last = np.ceil(min(stop, duration_s) * frame_rate - EPSILON)
        parts.append(np.arange(first, last, dtype=np.int64))
    return np.unique(np.concatenate(parts))


def source_frames(times_s: np.ndarray, wanted_s: np.ndarray) -> np.ndarray:
    """int64 [n]: for each wanted time the index of the nearest of the rising `times_s`, the earlier of two."""
    return nearest(times_s, wanted_s, share=EPSILON)


def read_frames(
    probe: Probe,
    intervals_s: np.ndarray,
    frame_rate: float,
    reader: str,
    threads: int = 1,
    damaged_s: list[float] | None = None,
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (time in s, uint8 [H, W, 3] RGB, rotated as the file asks) for grid times inside the intervals, rising.

    `reader` is what `choose_reader` said. Memory is constant. Times of frames that the decoder reports as damaged are
    appended to `damaged_s`. MediaError as soon as a frame that the container holds up to the last wanted one does not
    decode, or more than a twentieth is damaged.
    """
    grid = grid_indices(intervals_s, frame_rate, probe.duration_s)
    wanted = source_frames(probe.times_s, grid / frame_rate)
    if not len(grid):
        return
    decode = _decord_frames if reader == "decord" else _pyav_frames
    frames = decode(probe, np.unique(wanted), threads, damaged_s if damaged_s is not None else [])
    begins = np.searchsorted(wanted, np.unique(wanted), side="left")
    ends = np.searchsorted(wanted, np.unique(wanted), side="right")
    for begin, end, image in zip(begins, ends, frames, strict=True):
        for k in grid[begin:end].tolist():
            yield k / frame_rate, image


def _pyav_frames(probe: Probe, wanted: np.ndarray, threads: int, damaged_s: list[float]) -> Iterator[np.ndarray]:
    """Decode in order from the start; yield the frames numbered `wanted`."""
    count = len(probe.times_s)
    last = int(wanted[-1])
    targets = iter(wanted.tolist())
    target = next(targets)
    done = -1  # number of the last decoded frame
    try:
        with open_media(probe.path) as container:
            stream = video_stream(container)
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = threads
            for frame in container.decode(stream):
                done = _number(probe, frame, done)
                if frame.is_corrupt:
                    damaged_s.append(float(probe.times_s[done]))
                while target < done:  # an optional frame did not decode: the next one stands in for it
                    yield _upright(frame)
                    target = next(targets)
                if target == done:
                    yield _upright(frame)
                    if done == last:
                        break
                    target = next(targets)
    except av.FFmpegError as error:
        at = probe.times_s[min(done + 1, count - 1)]
        raise MediaError(f"{probe.path}: frame {done + 1} of {count} at {at:.2f} s does not decode ({error})") from None
    if done < last:
        raise MediaError(f"{probe.path}: decoding ends after {done + 1} of {count} frames")
    if len(damaged_s) > MAX_DAMAGED_SHARE * (last + 1):
        raise MediaError(f"{probe.path}: {len(damaged_s)} of {last + 1} decoded frames are damaged")


def _number(probe: Probe, frame: av.VideoFrame, done: int) -> int:
    """Which frame of the container `frame` is; MediaError if frames between it and frame `done` are missing."""
    if probe.in_order:
        number = done + 1
        if number >= len(probe.pts):
            raise MediaError(f"{probe.path}: more frames decode than the container holds ({len(probe.pts)})")
        return number
    number = int(np.searchsorted(probe.pts, frame.pts)) if frame.pts is not None else len(probe.pts)
    if number >= len(probe.pts) or probe.pts[number] != frame.pts:
        raise MediaError(f"{probe.path}: a decoded frame has a time stamp ({frame.pts}) that no packet has")
    if number <= done:
        raise MediaError(f"{probe.path}: time goes back after frame {done} at {probe.times_s[done]:.2f} s")
    if number > done + 1 and not np.isin(probe.pts[done + 1 : number], probe.optional).all():
        raise MediaError(
            f"{probe.path}: {number - done - 1} frame(s) from number {done + 1} "
            f"at {probe.times_s[done + 1]:.2f} s on do not decode"
        )
    return number


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """uint8 [H, W, 3] RGB, turned as the file's display matrix asks (degrees against the clock)."""
    image = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _decord_frames(probe: Probe, wanted: np.ndarray, threads: int, damaged_s: list[float]) -> Iterator[np.ndarray]:
    """Frames numbered `wanted`, in order, by item; `damaged_s` stays as it is: decord does not tell."""
    import decord

    def fresh() -> decord.VideoReader:
        return decord.VideoReader(str(probe.path), num_threads=threads)

    decord.logging.set_level(decord.logging.QUIET)
    try:
        video, base = fresh(), _resident_bytes()
        for number in wanted.tolist():
            if _resident_bytes() > base + READ_AHEAD_BYTES:
                del video  # the only way to make it let go of what it decoded ahead
                video, base = fresh(), _resident_bytes()
            image = video[number].asnumpy()
            yield image
    except (decord.DECORDError, RuntimeError, StopIteration) as error:
        raise DecordError(f"{probe.path}: decord gave up ({str(error).splitlines()[0][-120:]})") from None


def _resident_bytes() -> int:
    """Memory of this process, as the kernel counts it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
