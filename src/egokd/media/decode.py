"""Frames of a video at a fixed rate, each the right one: chosen by time stamp, checked against the packets.

Output frames lie on the grid k / frame_rate, counted from the first shown frame of the video. The frame taken for an
instant is the one whose presentation time is nearest; of two equally near the earlier one. For a source of the same
rate this is every frame once; a variable rate becomes the fixed one; a lower rate repeats frames.

What does not decode is left out, with all that refers to it: from the lost frame to the next one that needs no other.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np

from egokd.media.damage import Damage, too_damaged
from egokd.media.errors import MediaError
from egokd.media.opening import open_media, packets_of, video_stream
from egokd.media.probe import Probe
from egokd.times import nearest

log = logging.getLogger("egokd")

EPSILON = 1e-6  # of a grid step: far above rounding errors, far below any difference that matters
OPTIONAL_S = 1.0  # at the start of a file that was cut out of another; what is farther from a key frame is lost
READ_AHEAD_BYTES = 2**30  # decord decodes ahead without limit (5 GB in 12 s were seen); it is reopened above this


class DecordError(MediaError):
    """decord gave up inside a file that looked safe; the caller reads it again with PyAV."""


class StampError(MediaError):
    """Decoded frames are not in the order of their time stamps; the caller reads again, by order alone."""


def by_order(probe: Probe) -> Probe:
    """The probe of a file whose time stamps say when frames are shown, but not which one at what time."""
    return replace(probe, in_order=True, order_checked=True)


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


def numbers_at(probe: Probe, wanted_s: np.ndarray) -> np.ndarray:
    """int64 [n]: the number of the frame to show at each time: `source_frames` of the video.

    Where an AVI leaves a frame out, which means "the last one again", it is the one before.
    """
    if probe.container != "avi" or len(probe.pts) > probe.pts[-1] - probe.pts[0]:
        return source_frames(probe.times_s, wanted_s)
    ticks = np.arange(probe.pts[0], probe.pts[-1] + 1)
    unit_s = probe.times_s[-1] / (probe.pts[-1] - probe.pts[0])
    places = source_frames((ticks - ticks[0]) * unit_s, wanted_s)
    return np.searchsorted(probe.pts, ticks[places], side="right") - 1


def read_frames(
    probe: Probe,
    intervals_s: np.ndarray,
    frame_rate: float,
    reader: str,
    threads: int = 1,
    damage: Damage | None = None,
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (time in s, uint8 [H, W, 3] RGB, upright, square pixels) for grid times inside the intervals, rising.

    `reader` is what `choose_reader` said. Memory is constant. `damage` is filled in; there are no frames in its holes.
    MediaError as soon as more frames up to the last wanted one are lost or damaged than `too_damaged` allows.
    """
    grid = grid_indices(intervals_s, frame_rate, probe.duration_s)
    wanted = numbers_at(probe, grid / frame_rate)
    if not len(grid):
        return
    numbers = np.unique(wanted)
    for number, image in read_numbers(probe, numbers, reader, threads, damage if damage is not None else Damage()):
        begin, end = np.searchsorted(wanted, [number, number + 1])
        for k in grid[begin:end].tolist():
            yield k / frame_rate, image


def read_numbers(
    probe: Probe, wanted: np.ndarray, reader: str, threads: int, damage: Damage
) -> Iterator[tuple[int, np.ndarray]]:
    """Like `read_frames`: (number, image) of the frames numbered `wanted` (int64, rising, not empty)."""
    if reader == "decord":
        return _decord_frames(probe, wanted, threads)
    return _pyav_frames(probe, wanted, threads, damage)


def _pyav_frames(probe: Probe, wanted: np.ndarray, threads: int, damage: Damage) -> Iterator[tuple[int, np.ndarray]]:
    """Decode in order from the start; yield (number, image) of the frames numbered `wanted` that can be had."""
    count, last = len(probe.times_s), int(wanted[-1])
    place = 0  # of the next wanted frame
    done, sound_from = -1, 0  # the last decoded frame; the first that refers to nothing lost
    for number, frame in _numbered(probe, 1 if probe.in_order else threads):
        if number >= count and number - count < probe.doubled:
            continue  # one of two frames with the same time stamp
        if number >= count:
            raise MediaError(f"{probe.path}: more frames decode than the container holds ({count})")
        missing = [n for n in range(done + 1, number) if not _replaced(probe, n, number)]
        if missing and missing[0] <= last:
            # counted by order, all up to the next key frame are missing, though one packet is to blame
            blamed = missing[:1] if probe.in_order else missing
            sound_from = max(sound_from, _note_lost(probe, blamed, damage))
        done = number
        if frame.is_corrupt and number <= last:
            damage.concealed_s.append(float(probe.times_s[number]))
        # an optional frame that did not decode: the next one stands in for it
        while place < len(wanted) and wanted[place] <= number:
            if number >= sound_from and (wanted[place] == number or wanted[place] not in missing):
                yield int(wanted[place]), _upright(frame, probe.pixel_aspect)
            place += 1
        if done >= last and not probe.order_checked:
            break
    if done < last:
        _note_lost(probe, list(range(done + 1, last + 1)), damage)
    if probe.order_checked and done + 1 < count:
        raise MediaError(f"{probe.path}: time stamps go back, and only {done + 1} of {count} frames decode")
    if too_damaged(len(damage.lost), count):
        n, more = damage.lost[0], len(damage.lost) - 1
        at = f"frame {n} of {count} at {probe.times_s[n]:.2f} s does not decode"
        raise MediaError(f"{probe.path}: {at}" + (f", nor do {more} more" if more else ""))
    if too_damaged(len(damage.concealed_s), last + 1):
        raise MediaError(f"{probe.path}: {len(damage.concealed_s)} of {last + 1} decoded frames are damaged")


def _replaced(probe: Probe, lost: int, number: int) -> bool:
    """Whether frame `number`, the next that decodes, may stand in for a lost one: it refers to what the file lacks."""
    near = probe.times_s[number] - probe.times_s[lost] <= OPTIONAL_S
    return bool(near and probe.pts[lost] in probe.optional)


def _note_lost(probe: Probe, missing: list[int], damage: Damage) -> int:
    """Enter lost frames, and all that may refer to them, into `damage`; return the number of the first after them.

    What may refer to a frame is decoded after it and before the next key frame.
    """
    keys = np.flatnonzero(probe.packet_keys)
    after = 0
    for number in missing:
        if number < after and damage.lost:
            damage.lost.append(number)
            continue
        packet = int(np.flatnonzero((probe.packet_pts == probe.pts[number]) & probe.packet_shown)[0])
        following = keys[keys > packet]
        stop = int(following[0]) if len(following) else len(probe.packet_pts)
        begin = np.searchsorted(probe.pts, probe.packet_pts[packet:stop].min())
        whole = len(following) == 0
        after = len(probe.pts) if whole else int(np.searchsorted(probe.pts, probe.packet_pts[stop]))
        end_s = probe.duration_s if after >= len(probe.pts) else float(probe.times_s[after])
        damage.lost.append(number)
        damage.holes.append((float(probe.times_s[min(begin, number)]), end_s))
    return after


def _numbered(probe: Probe, threads: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """(number, frame) of all that decodes, rising. A packet that does not decode is passed over.

    StampError where frames are not in the order of their time stamps.
    """
    with open_media(probe.path) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        try:
            yield from _by_order(probe, container, stream) if probe.in_order else _by_stamp(probe, container, stream)
        except av.FFmpegError as error:
            raise MediaError(f"{probe.path}: does not decode ({error})") from None


def _decode(packet: av.Packet) -> list[av.VideoFrame] | None:
    """The frames that a packet gives, or None if it is damaged."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return None


def _by_stamp(
    probe: Probe, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int, av.VideoFrame]]:
    done = -1
    for packet in packets_of(container, stream):
        for frame in _decode(packet) or []:
            number = int(np.searchsorted(probe.pts, frame.pts)) if frame.pts is not None else len(probe.pts)
            if number >= len(probe.pts) or probe.pts[number] != frame.pts:
                raise MediaError(f"{probe.path}: a decoded frame has a time stamp ({frame.pts}) that no packet has")
            if number == done and probe.doubled:
                continue
            if number <= done:
                raise StampError(f"{probe.path}: time goes back after frame {done} at {probe.times_s[done]:.2f} s")
            done = number
            yield number, frame


def _by_order(
    probe: Probe, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int, av.VideoFrame]]:
    """The k-th frame is number k. After a damaged packet, counting goes on at the next key frame, whose number is that
    of the packets before it (they are all shown before it, except in open groups of pictures).
    """
    number = position = before = 0  # of frames, of packets, of packets that hold a shown frame
    lost = False
    resume: int | None = None
    for packet in packets_of(container, stream):
        if packet.size and lost and packet.is_keyframe:
            resume = before
        frames = _decode(packet)
        if packet.size and position < len(probe.packet_shown):
            before += int(probe.packet_shown[position])
            position += 1
        if frames is None:
            lost, resume = True, None
        for frame in frames or []:
            if lost:
                if resume is None or not frame.key_frame:
                    continue
                number, lost = max(number, resume), False
            yield number, frame
            number += 1


def _upright(frame: av.VideoFrame, pixel_aspect: float) -> np.ndarray:
    """uint8 [H, W, 3] RGB with square pixels, turned as the file's display matrix asks (degrees against the clock)."""
    image: np.ndarray = frame.to_ndarray(format="rgb24")
    if pixel_aspect != 1:
        size = (max(1, round(image.shape[1] * pixel_aspect)), image.shape[0])
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR if pixel_aspect > 1 else cv2.INTER_AREA)
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _decord_frames(probe: Probe, wanted: np.ndarray, threads: int) -> Iterator[tuple[int, np.ndarray]]:
    """(number, image) of the frames numbered `wanted`, in order, by item; decord does not tell of damage."""
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
            yield number, image
    except (decord.DECORDError, RuntimeError, StopIteration) as error:
        raise DecordError(f"{probe.path}: decord gave up ({str(error).splitlines()[0][-120:]})") from None


def _resident_bytes() -> int:
    """Memory of this process, as the kernel counts it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
