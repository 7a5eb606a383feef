"""One shard of RGB frames at a fixed rate, small, as JPEG: decoded from videos, or taken from extracted frames."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from egokd.media.damage import Damage, too_damaged
from egokd.media.decode import (
    EPSILON,
    DecordError,
    StampError,
    by_order,
    grid_indices,
    merge_intervals,
    read_frames,
    read_numbers,
    source_frames,
)
from egokd.media.errors import MediaError
from egokd.media.frame_files import FileReader
from egokd.media.frame_writer import StoreWriter
from egokd.media.header import read_header, whole_source
from egokd.media.images import encode_rgb, stored_size
from egokd.media.opening import check_size
from egokd.media.pieces import Hole, outside, pieces_at, stop_of, touching
from egokd.media.probe import Probe, choose_reader, probe_video
from egokd.media.skipped import MIN_COVERED_SHARE, Cut, Skip, uncovered
from egokd.media.sources import FrameFiles, NumberedFiles, Pieces, Source

log = logging.getLogger("egokd")

FRAME_KEYS = ("frame_rate", "short_side", "jpeg_quality")  # settings that a store is made with
STEP = "extract_frames"
STAND_IN_S = 0.5  # a damaged frame file is replaced by the nearest good one, if there is one this near


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
            if isinstance(source, Pieces):
                yield from self._join(video_id, source, rows)
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

    def _join(self, video_id: str, source: Pieces, rows: pd.DataFrame) -> Iterator[float]:
        """Read a video in pieces: for each instant the nearest frame of all, whichever piece it is in."""
        header = read_header(source)
        holes = list(header.holes)
        grid = grid_indices(segment_intervals(rows, self.frame_rate), self.frame_rate, header.duration_s)
        probes = _probe_pieces(source, grid / self.frame_rate, holes)
        grid = grid[outside(grid / self.frame_rate, holes)]
        owner, local = _owners(source, probes, grid / self.frame_rate)
        size, readers, damaged = None, [], 0
        self.writer.begin(video_id)
        for piece in np.unique(owner).tolist():
            mine, probe = owner == piece, probes[piece]
            start_s, stop_s = source.files[piece][0], stop_of(source, piece)
            try:
                encoded, size, damage, reader = self._encode(probe, np.unique(local[mine]), size)
            except MediaError as error:
                holes.append(Hole(start_s, stop_s, str(error)))
                continue
            readers.append(reader)
            damaged += damage.frames
            for begin, end in damage.holes:
                reason = f"{probe.path}: does not decode from {begin:.2f} to {end:.2f} s"
                holes.append(Hole(start_s + begin, min(start_s + end, stop_s), reason))
            for k, number in zip(grid[mine].tolist(), local[mine].tolist(), strict=True):
                if number in encoded:
                    self.writer.add(k / self.frame_rate, image=encoded[number])
                    yield k / self.frame_rate
        self.skips += touching(rows, holes, header.duration_s, STEP, "video")
        if size is None:
            self.writer.drop()
            return
        counts = ", ".join(f"{name} {readers.count(name)}" for name in sorted(set(readers)))
        info = {"reader": "pieces", "reader_reason": f"pieces read with: {counts}", "width": size[0], "height": size[1]}
        self.writer.end(info | {"duration_s": round(header.duration_s, 4), "damaged_frames": damaged})

    def _encode(
        self, probe: Probe, wanted: np.ndarray, size: tuple[int, int] | None
    ) -> tuple[dict[int, bytes], tuple[int, int] | None, Damage, str]:
        """(JPEG of the frames numbered `wanted`, their size, damage, reader) of a piece, held in memory: a piece that
        turns out to be unreadable leaves nothing in the store."""
        reader, _ = choose_reader(probe, self.reader)
        while True:
            encoded, damage = {}, Damage()
            try:
                for number, image in read_numbers(probe, wanted, reader, self.threads, damage):
                    size = size or stored_size(image.shape[1], image.shape[0], self.short_side)
                    encoded[number] = encode_rgb(image, size, self.jpeg_quality)
                return encoded, size, damage, reader
            except (DecordError, StampError) as error:
                if isinstance(error, StampError):
                    probe = by_order(probe)
                reader = "pyav"

    def _copy(self, video_id: str, source: FrameFiles, files: NumberedFiles, rows: pd.DataFrame) -> Iterator[float]:
        """Take numbered frames; those that already have the stored size are copied byte by byte."""
        numbers = files.numbers()
        clock = source.clock(len(numbers))
        times, duration_s = (numbers - 1) / clock, float(numbers[-1]) / clock
        grid = grid_indices(segment_intervals(rows, self.frame_rate), self.frame_rate, duration_s)
        chosen = source_frames(times, grid / self.frame_rate)
        # half a frame of the coarser clock: what is farther away stands in for files that are missing
        there = np.abs(times[chosen] - grid / self.frame_rate) <= 0.5 / min(clock, self.frame_rate) + 1e-6
        reader = FileReader(files, round(STAND_IN_S * clock), self.short_side, self.jpeg_quality)
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


def _probe_pieces(source: Pieces, times_s: np.ndarray, holes: list[Hole]) -> dict[int, Probe]:
    """Probes, by number, of the pieces that these times need; `holes` is told of those that cannot be read."""
    probes = {}
    for number in pieces_at(source, times_s):
        start, file = source.files[number]
        try:
            probes[number] = probe_video(file)
        except MediaError as error:
            holes.append(Hole(start, stop_of(source, number), str(error)))
    return probes


def _owners(source: Pieces, probes: dict[int, Probe], wanted_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int64 [n] each: piece, and number inside it, of the frame nearest to each wanted time."""
    times, owner, local = [np.zeros(0)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, probe in probes.items():
        here = probe.times_s + source.files[number][0]
        here = here[here < stop_of(source, number)]
        times.append(here)
        owner.append(np.full(len(here), number))
        local.append(np.arange(len(here)))
    chosen = source_frames(np.concatenate(times), wanted_s) if probes else np.zeros(0, np.int64)
    return np.concatenate(owner)[chosen], np.concatenate(local)[chosen]


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


def cut_frames(
    path: Path, videos: Iterable[tuple[str, Source, pd.DataFrame]], settings: dict[str, Any], threads: int, cut: Cut
) -> Iterator[float]:
    """Write the frames of the segments (rows) of each video; yield the time of every frame, for a progress bar.

    settings  reader and FRAME_KEYS. The store is there when the last one was yielded.
    """
    stored = {key: settings[key] for key in FRAME_KEYS}
    with StoreWriter(path, ("image",), {"kind": "rgb", **stored}) as writer:
        extractor = FrameExtractor(writer, settings["reader"], **stored, threads=threads)
        for video_id, source, rows in videos:
            yield from extractor.add_video(video_id, source, rows)
    cut.skips += extractor.skips
    cut.videos |= writer.videos
