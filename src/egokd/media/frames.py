"""One shard of RGB frames at a fixed rate, small, as JPEG: decoded from videos, or taken from extracted frames."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import simplejpeg

from egokd.media.decode import MAX_DAMAGED_SHARE, DecordError, grid_indices, read_frames, source_frames
from egokd.media.errors import MediaError
from egokd.media.frame_writer import StoreWriter
from egokd.media.probe import Probe, choose_reader, probe_video
from egokd.media.skipped import MIN_COVERED_SHARE, Skip, uncovered
from egokd.media.sources import FrameFiles, NumberedFiles, Source

STEP = "extract_frames"
JPEG_END = b"\xff\xd9"


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
    """How many frames will be stored for a shard's segments if all videos are as long as annotated."""
    return sum(
        len(grid_indices(segment_intervals(group, frame_rate), frame_rate, np.inf))
        for _, group in rows.groupby("video_id")
    )


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
            if isinstance(source, FrameFiles):
                yield from self._copy(video_id, source, rows)
                return
            probe = probe_video(source.path)
            reader, why = choose_reader(probe, self.reader)
            try:
                yield from self._store(video_id, probe, rows, reader, why)
            except DecordError as error:
                self.writer.drop()
                yield from self._store(video_id, probe, rows, "pyav", str(error).removeprefix(f"{source.path}: "))
        except MediaError as error:
            if self.writer.is_open:
                self.writer.drop()
            self.skips.append(Skip(video_id, "", STEP, str(error)))

    def _store(self, video_id: str, probe: Probe, rows: pd.DataFrame, reader: str, why: str) -> Iterator[float]:
        intervals = segment_intervals(rows, self.frame_rate)
        damaged: list[float] = []
        size = source = None
        self.writer.begin(video_id)
        for time_s, image in read_frames(probe, intervals, self.frame_rate, reader, self.threads, damaged):
            if image is not source:  # a slow video shows one frame at several instants
                source = image
                size = size or stored_size(image.shape[1], image.shape[0], self.short_side)
                encoded = encode_rgb(image, size, self.jpeg_quality)
            self.writer.add(time_s, image=encoded)
            yield time_s
        self.skips += uncovered(rows, probe.duration_s, STEP, "video")
        if size is None:
            self.writer.drop()
            return
        info = {"reader": reader, "reader_reason": why, "width": size[0], "height": size[1]}
        info |= {"codec": probe.codec, "duration_s": round(probe.duration_s, 4), "damaged_frames": len(damaged)}
        self.writer.end(info)

    def _copy(self, video_id: str, source: FrameFiles, rows: pd.DataFrame) -> Iterator[float]:
        """Take numbered frames; those that already have the stored size are copied byte by byte."""
        files = NumberedFiles(source.path)
        numbers = files.numbers()
        clock = source.clock(len(numbers))
        times, duration_s = (numbers - 1) / clock, float(numbers[-1]) / clock
        grid = grid_indices(segment_intervals(rows, self.frame_rate), self.frame_rate, duration_s)
        chosen = source_frames(times, grid / self.frame_rate)
        # half a frame of the coarser clock: what is farther away stands in for files that are missing
        there = np.abs(times[chosen] - grid / self.frame_rate) <= 0.5 / min(clock, self.frame_rate) + 1e-6
        damaged, size, encoded, last = 0, None, b"", -1
        self.writer.begin(video_id)
        for k, number in zip(grid[there].tolist(), numbers[chosen[there]].tolist(), strict=True):
            if number != last:
                last = number
                try:
                    encoded, size = self._fit(files.read(number), size)
                except ValueError:  # the frame before stands in, as it does where a video decoder conceals damage
                    damaged += 1
            if encoded:
                self.writer.add(k / self.frame_rate, image=encoded)
                yield k / self.frame_rate
        if damaged > MAX_DAMAGED_SHARE * max(1, len(grid)):
            raise MediaError(f"{source.path}: {damaged} of {len(grid)} frames are not readable JPEG files")
        self.skips += uncovered(rows, duration_s, STEP, "video")
        self.skips += _incomplete(rows, grid[there] / self.frame_rate, duration_s, self.frame_rate, source.path)
        if size is None:
            self.writer.drop()
            return
        info = {"reader": "files", "reader_reason": f"extracted at {clock:g} per second", "width": size[0]}
        info |= {"height": size[1], "duration_s": round(duration_s, 4), "damaged_frames": damaged}
        self.writer.end(info)

    def _fit(self, data: bytes, size: tuple[int, int] | None) -> tuple[bytes, tuple[int, int]]:
        """(JPEG of the stored size, that size); ValueError for a damaged file."""
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
        size = size or stored_size(width, height, self.short_side)
        if (width, height) == size and data.rstrip(b"\0").endswith(JPEG_END):
            return data, size
        return encode_rgb(simplejpeg.decode_jpeg(data, "RGB"), size, self.jpeg_quality), size


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
