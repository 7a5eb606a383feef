"""One shard of RGB frames at a fixed rate, small, as JPEG: decoded from videos, or taken from extracted frames."""

import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import simplejpeg

from egokd.media.decode import (
    EPSILON,
    Damage,
    DecordError,
    StampError,
    by_order,
    grid_indices,
    merge_intervals,
    read_frames,
    source_frames,
    too_damaged,
)
from egokd.media.errors import MediaError
from egokd.media.frame_writer import StoreWriter
from egokd.media.header import whole_source
from egokd.media.images import decode_rgb, image_size, is_whole
from egokd.media.opening import check_size
from egokd.media.probe import Probe, choose_reader, probe_video
from egokd.media.skipped import MIN_COVERED_SHARE, Skip, uncovered
from egokd.media.sources import FrameFiles, NumberedFiles, Source

log = logging.getLogger("egokd")

STEP = "extract_frames"
STAND_IN_S = 0.5  # a damaged frame file is replaced by the nearest good one, if there is one this near


def stored_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """(width, height) of stored frames: short side as asked, never enlarged; long side even, as official frames are.

    1920 x 1080 becomes 456 x 256.
    """
    scale = short_side / min(width, height)
    if scale >= 1:
        return width, height
    long_side = 2 * round(max(width, height) * scale / 2)
    return (long_side, short_side) if width >= height else (short_side, long_side)


def segment_intervals(rows: pd.DataFrame, frame_rate: float) -> np.ndarray:
    """float64 [n, 2] of the rows' [start_s, stop_s), one grid step wider on both sides.

    So the shortest segment has a frame, and the flow at its end is seen rather than repeated.
    """
    return rows[["start_s", "stop_s"]].to_numpy(np.float64) + np.array([-1, 1]) / frame_rate


def expected_frames(rows: pd.DataFrame, frame_rate: float) -> int:
    """How many frames will be stored for a shard's segments if all videos are as long as annotated.

    Counted, never listed: an annotation may claim any length.
    """
    count = 0.0
    for _, group in rows.groupby("video_id"):
        merged = merge_intervals(segment_intervals(group, frame_rate))
        first, last = np.ceil(merged.clip(min=0) * frame_rate - EPSILON).T
        count += (last - first).sum()
    return int(count)


class FrameExtractor:
    """Fills a `StoreWriter` with the frames of videos, one after the other.

    short_side in pixels, frame_rate per second, `reader` the preferred one, threads for decoding.
    """

    def __init__(
        self, writer: StoreWriter, reader: str, frame_rate: float, short_side: int, jpeg_quality: int, threads: int
    ):
        self.writer = writer
        self.reader = reader
        self.frame_rate = frame_rate
        self.short_side = short_side
        self.jpeg_quality = jpeg_quality
        self.threads = threads
        self.skips: list[Skip] = []

    def add_video(self, video_id: str, source: Source, rows: pd.DataFrame) -> Iterator[float]:
        """Store the frames of the segments `rows`; yield the time of each frame for a progress bar.

        A video that cannot be read leaves nothing in the store and a row in `skips`.
        """
        try:
            source, files = whole_source(source)
            if isinstance(source, FrameFiles) and files:
                yield from self._copy(video_id, source, files, rows)
                return
            yield from self._decode(video_id, probe_video(source.path), rows)
        except MediaError as error:
            if self.writer.is_open:
                self.writer.drop()
            self.skips.append(Skip(video_id, "", STEP, str(error)))

    def _decode(self, video_id: str, probe: Probe, rows: pd.DataFrame) -> Iterator[float]:
        """Read a video with the reader that may be trusted with it, and again in another way where that gives up."""
        reader, why = choose_reader(probe, self.reader)
        while True:
            try:
                yield from self._store(video_id, probe, rows, reader, why)
                return
            except (DecordError, StampError) as error:
                if isinstance(error, StampError):
                    probe = by_order(probe)
                self.writer.drop()
                reader, why = "pyav", str(error).removeprefix(f"{probe.path}: ")

    def _store(self, video_id: str, probe: Probe, rows: pd.DataFrame, reader: str, why: str) -> Iterator[float]:
        intervals = segment_intervals(rows, self.frame_rate)
        damage = Damage()
        size = source = None
        self.writer.begin(video_id)
        for time_s, image in read_frames(probe, intervals, self.frame_rate, reader, self.threads, damage):
            if image is not source:  # a slow video shows one frame at several instants
                source = image
                size = size or stored_size(image.shape[1], image.shape[0], self.short_side)
                encoded = encode_rgb(image, size, self.jpeg_quality)
            self.writer.add(time_s, image=encoded)
            yield time_s
        self.skips += uncovered(rows, probe.duration_s, STEP, "video")
        self.skips += damaged_segments(rows, damage, probe)
        if damage.frames:
            log.warning("%s: %d frames are damaged, %d of them lost", probe.path, damage.frames, len(damage.lost))
        if size is None:
            self.writer.drop()
            return
        info = {"reader": reader, "reader_reason": why, "width": size[0], "height": size[1]}
        info |= {"codec": probe.codec, "duration_s": round(probe.duration_s, 4), "damaged_frames": damage.frames}
        self.writer.end(info)

    def _copy(self, video_id: str, source: FrameFiles, files: NumberedFiles, rows: pd.DataFrame) -> Iterator[float]:
        """Take numbered frames; those that already have the stored size are copied byte by byte."""
        numbers = files.numbers()
        clock = source.clock(len(numbers))
        times, duration_s = (numbers - 1) / clock, float(numbers[-1]) / clock
        grid = grid_indices(segment_intervals(rows, self.frame_rate), self.frame_rate, duration_s)
        chosen = source_frames(times, grid / self.frame_rate)
        # half a frame of the coarser clock: what is farther away stands in for files that are missing
        there = np.abs(times[chosen] - grid / self.frame_rate) <= 0.5 / min(clock, self.frame_rate) + 1e-6
        reader = _FileReader(files, round(STAND_IN_S * clock), self.short_side, self.jpeg_quality)
        stored = []
        self.writer.begin(video_id)
        for k, place in zip(grid[there].tolist(), chosen[there].tolist(), strict=True):
            encoded = reader.encoded(place)
            if encoded:
                stored.append(k / self.frame_rate)
                self.writer.add(k / self.frame_rate, image=encoded)
                yield k / self.frame_rate
        damaged = len(reader.damaged)
        if too_damaged(damaged, len(grid)):
            raise MediaError(f"{source.path}: {damaged} of {len(grid)} frames are not readable image files")
        if damaged:
            first = int(numbers[min(reader.damaged)])
            log.warning("%s: %d frames are damaged, the first is number %d", source.path, damaged, first)
        self.skips += uncovered(rows, duration_s, STEP, "video")
        self.skips += _incomplete(rows, np.array(stored), duration_s, self.frame_rate, source.path)
        if reader.size is None:
            self.writer.drop()
            return
        check_size(source.path, *reader.size)
        info = {"reader": "files", "reader_reason": f"extracted at {clock:g} per second", "width": reader.size[0]}
        info |= {"height": reader.size[1], "duration_s": round(duration_s, 4), "damaged_frames": damaged}
        self.writer.end(info)


class _FileReader:
    """Numbered frames of one video as JPEG of one size, damaged ones replaced by the nearest good file.

    `reach`: how many files away a stand-in may be. `damaged`: places of the wanted files that cannot be read. `size`:
    (width, height) of what is stored, known after the first good file.
    """

    def __init__(self, files: NumberedFiles, reach: int, short_side: int, jpeg_quality: int):
        self.files = files
        self.reach = max(1, reach)
        self.short_side = short_side
        self.jpeg_quality = jpeg_quality
        self.damaged: set[int] = set()
        self.size: tuple[int, int] | None = None
        self._numbers = files.numbers()
        self._known: dict[int, bytes | None] = {}  # the last few files

    def encoded(self, place: int) -> bytes | None:
        """The file at `place` among the numbers, or the nearest good one; None if there is none within reach."""
        for away in range(self.reach + 1):
            for candidate in (place - away, place + away):
                if 0 <= candidate < len(self._numbers) and (found := self._read(candidate)):
                    return found
            self.damaged.add(place)
        return None

    def _read(self, place: int) -> bytes | None:
        if place not in self._known:
            if len(self._known) > 2 * self.reach + 2:
                self._known.clear()
            try:
                self._known[place] = self._fit(self.files.read(self._numbers[place]))
            except (ValueError, OSError):
                self._known[place] = None
        return self._known[place]

    def _fit(self, data: bytes) -> bytes:
        """JPEG of the stored size; ValueError for a damaged file."""
        width, height = image_size(data)
        size = self.size or stored_size(width, height, self.short_side)
        same = (width, height) == size and is_whole(data)
        encoded = data if same else encode_rgb(decode_rgb(data), size, self.jpeg_quality)
        self.size = size
        return encoded


def damaged_segments(rows: pd.DataFrame, damage: Damage, probe: Probe) -> list[Skip]:
    """Segments that touch what does not decode."""
    skips = []
    for row in rows.itertuples():
        touched = [(begin, end) for begin, end in damage.holes if begin < row.stop_s and row.start_s < end]
        if touched:
            reason = f"{probe.path}: does not decode from {touched[0][0]:.2f} to {touched[-1][1]:.2f} s"
            skips.append(Skip(row.video_id, row.segment_id, STEP, reason))
    return skips


def _incomplete(
    rows: pd.DataFrame, times_s: np.ndarray, duration_s: float, frame_rate: float, path: Path
) -> list[Skip]:
    """Segments inside the video of which less than half the frames are there, because files are missing."""
    skips = []
    for row in rows.itertuples():
        wanted = len(grid_indices(np.array([[row.start_s, row.stop_s]]), frame_rate, duration_s))
        low, high = np.searchsorted(times_s, [row.start_s - 1e-6, row.stop_s - 1e-6])
        if wanted and high - low < MIN_COVERED_SHARE * wanted and row.stop_s <= duration_s:
            reason = f"{path}: holds {high - low} of the {wanted} frames of this segment; files are missing"
            skips.append(Skip(row.video_id, row.segment_id, STEP, reason))
    return skips


def encode_rgb(image: np.ndarray, size: tuple[int, int], quality: int) -> bytes:
    """uint8 [H, W, 3] RGB -> JPEG of `size` (width, height); each pixel the mean of the area it covers."""
    if (image.shape[1], image.shape[0]) != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=quality, colorspace="RGB", colorsubsampling="420"
    )
