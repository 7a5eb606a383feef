"""Writes a frame store: one shard of encoded frames, as `egokd.media.frame_store` describes it."""

import contextlib
import mmap
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from egokd.errors import writing
from egokd.io import METADATA_KEY, remove_left_over
from egokd.media import arrow_writer
from egokd.media.arrow_checks import sealed_metadata, sums_of


class StoreWriter:
    """Write one shard of frames, video by video, in constant memory; a video may be taken back before it is ended.

    Bytes go to a spool file first: only at the end is it known which videos are whole, and Arrow wants the metadata in
    front. The spool has no name, so that nothing of it is left however the process ends. Use as a context manager; the
    store appears under `path` when the block ends without an error. UserError where the place is full or read-only.
    """

    def __init__(self, path: str | Path, columns: tuple[str, ...], metadata: dict[str, Any]):
        self.path = Path(path)
        self.columns = columns
        self.metadata = metadata
        self.videos: dict[str, dict] = {}
        self._times: list[np.ndarray] = []
        self._sizes: dict[str, list[np.ndarray]] = {column: [] for column in columns}
        self._sums: dict[str, list[np.ndarray]] = {column: [] for column in columns}
        self._current: str | None = None

    def __enter__(self) -> "StoreWriter":
        name = f".{self.path.stem}.{uuid.uuid4().hex[:8]}"
        self._spools = {}
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for column in self.columns:
                remove_left_over(self.path, f".{column}.spool")  # of versions that gave it a name
                spool = self.path.parent / f"{name}.{column}.spool"
                self._spools[column] = spool.open("w+b")
                spool.unlink()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        try:
            with writing(self.path):
                if kind is None:
                    self._finish()
                elif isinstance(error, OSError):
                    raise error
        finally:
            for spool in self._spools.values():
                with contextlib.suppress(OSError):  # what is not yet written is not wanted
                    spool.close()

    @property
    def is_open(self) -> bool:
        """Whether a video was begun and neither ended nor dropped."""
        return self._current is not None

    def begin(self, video_id: str) -> None:
        """Start a video; each comes once."""
        if video_id in self.videos or self._current is not None:
            raise ValueError(f"{video_id}: videos are written once, one after the other")
        self._current = video_id
        self._marks = {column: spool.tell() for column, spool in self._spools.items()}
        self._video_times: list[float] = []
        self._video_sizes: dict[str, list[int]] = {column: [] for column in self.columns}
        self._video_sums: dict[str, list[int]] = {column: [] for column in self.columns}

    def add(self, time_s: float, **payload: bytes) -> None:
        """Add a frame of the current video, later than the one before, with bytes for every column."""
        if self._video_times and time_s <= self._video_times[-1]:
            raise ValueError(f"{self._current}: frame at {time_s} s does not come after {self._video_times[-1]} s")
        for column in self.columns:
            self._spools[column].write(payload[column])
            self._video_sizes[column].append(len(payload[column]))
            self._video_sums[column].append(crc32(payload[column]))
        self._video_times.append(time_s)

    def end(self, info: dict[str, Any]) -> None:
        """Keep the current video, with `info` as its entry in the metadata: width, height, and what else is known."""
        first = sum(entry["rows"] for entry in self.videos.values())
        rows = len(self._video_times)
        if self._current is None:
            raise ValueError("no video was begun")
        self.videos[self._current] = {**info, "first_row": first, "rows": rows}
        self._times.append(np.asarray(self._video_times, np.float64))
        for column in self.columns:
            self._sizes[column].append(np.asarray(self._video_sizes[column], np.int64))
            self._sums[column].append(np.asarray(self._video_sums[column], np.uint32))
        self._current = None

    def drop(self) -> None:
        """Take the current video back: nothing of it will be in the store."""
        for column, spool in self._spools.items():
            spool.seek(self._marks[column])
            spool.truncate()
        self._current = None

    def _finish(self) -> None:
        metadata = {"store": "frames", **self.metadata, "videos": self.videos}
        fields = [("video_id", pa.dictionary(pa.int32(), pa.string())), ("time_s", pa.float64())]
        fields += [field for c in self.columns for field in ((c, pa.binary()), (sums_of(c), pa.uint32()))]
        schema = pa.schema(fields, {METADATA_KEY: sealed_metadata(metadata)})
        names = pa.array(list(self.videos), pa.string())
        maps = {}
        for column, spool in self._spools.items():
            spool.flush()
            size = os.fstat(spool.fileno()).st_size
            mapped = mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            maps[column] = pa.py_buffer(mapped)
        begin = dict.fromkeys(self.columns, 0)
        blocks = [(index, *block) for index in range(len(self._times)) for block in _blocks(self._largest(index))]
        with arrow_writer.arrow_file(self.path, schema) as writer:
            for place, (index, first, last) in enumerate(blocks, start=1):
                codes = pa.array(np.full(last - first, index, np.int32))
                arrays = [pa.DictionaryArray.from_arrays(codes, names), pa.array(self._times[index][first:last])]
                for column in self.columns:
                    offsets = np.concatenate([[0], np.cumsum(self._sizes[column][index][first:last])])
                    data = maps[column].slice(begin[column], int(offsets[-1]))
                    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), data]
                    arrays.append(pa.Array.from_buffers(pa.binary(), last - first, buffers))
                    arrays.append(pa.array(self._sums[column][index][first:last]))
                    begin[column] += int(offsets[-1])
                writer.write(pa.record_batch(arrays, schema=schema), last=place == len(blocks))
            if not blocks:
                writer.write(pa.record_batch([pa.array([], field.type) for field in schema], schema=schema), last=True)

    def _largest(self, index: int) -> np.ndarray:
        """int64 [rows]: bytes of the longest column of each row of a video."""
        return np.maximum.reduce([self._sizes[column][index] for column in self.columns])


def _blocks(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut rows of the given sizes into runs [first, last) of about BATCH_BYTES."""
    first = total = 0
    for row, size in enumerate(sizes.tolist()):
        if total and total + size > arrow_writer.BATCH_BYTES:
            yield first, row
            first, total = row, 0
        total += size
    if len(sizes) > first:
        yield first, len(sizes)
