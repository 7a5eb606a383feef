"""Stores of encoded frames and of waveforms: Arrow IPC files, memory-mapped, read by row without copying the file.

A frame store has one row per stored frame: `video_id`, `time_s` (seconds from the start of the video) and one or more
columns of encoded bytes (`image`; or `u` and `v` for flow). Rows of one video lie together, sorted by time. The file's
schema metadata holds JSON under the key `egokd`: what holds for all videos (frame rate, kind, ...) and, under
`videos`, an entry per video with `first_row`, `rows`, `width`, `height`, the reader used and whatever else was known.

An audio store has one row per segment: `segment_id`, `start_s` (video time of the first sample) and `samples`
(mono int16, little-endian), null where the source has no sound.
"""

import json
import mmap
import multiprocessing
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import simplejpeg

from egokd.errors import UserError
from egokd.io import METADATA_KEY, atomic_path
from egokd.times import nearest

BATCH_BYTES = 32 * 2**20  # a record batch is written when its longest column holds this much
KEPT_BYTES = 448 * 2**20  # a store whose frames take no more than this when decoded is decoded once
TIME_TOLERANCE_S = 1e-6  # far below any frame distance, far above rounding errors of k / rate


@contextmanager
def _ipc_file(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatchFileWriter]:
    """An Arrow IPC file that appears under its name only when complete."""
    with (
        atomic_path(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        yield writer


def _open_ipc(path: Path, kind: str) -> tuple[pa.RecordBatchFileReader, dict]:
    """Map an IPC file and read its metadata; UserError unless it is a whole file of `kind` (`frames`, `audio`)."""
    again = "Delete it and run the step that makes it again."
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        metadata = json.loads((reader.schema.metadata or {})[METADATA_KEY])
    except FileNotFoundError:
        raise UserError(f"{path}: no such store; run the step that makes it.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: truncated, or not an Arrow file ({error}). {again}") from None
    except (KeyError, json.JSONDecodeError):
        raise UserError(f"{path}: an Arrow file, but not a store of egokd (no metadata). {again}") from None
    if metadata.get("store") != kind:
        raise UserError(f"{path}: expected a store of {kind}, found {metadata.get('store')!r}. {again}")
    return reader, metadata


class StoreWriter:
    """Write one shard of frames, video by video, in constant memory; a video may be taken back before it is ended.

    Bytes go to a spool file first: only at the end is it known which videos are whole, and Arrow wants the metadata in
    front. Use as a context manager; the store appears under `path` when the block ends without an error.
    """

    def __init__(self, path: str | Path, columns: tuple[str, ...], metadata: dict[str, Any]):
        self.path = Path(path)
        self.columns = columns
        self.metadata = metadata
        self.videos: dict[str, dict] = {}
        self._times: list[np.ndarray] = []
        self._sizes: dict[str, list[np.ndarray]] = {column: [] for column in columns}
        self._current: str | None = None

    def __enter__(self) -> "StoreWriter":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        name = f".{self.path.stem}.{uuid.uuid4().hex[:8]}"
        self._spools = {c: (self.path.parent / f"{name}.{c}.spool").open("w+b") for c in self.columns}
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for spool in self._spools.values():
                spool.close()
                Path(spool.name).unlink(missing_ok=True)

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

    def add(self, time_s: float, **payload: bytes) -> None:
        """Add a frame of the current video, later than the one before, with bytes for every column."""
        if self._video_times and time_s <= self._video_times[-1]:
            raise ValueError(f"{self._current}: frame at {time_s} s does not come after {self._video_times[-1]} s")
        for column in self.columns:
            self._spools[column].write(payload[column])
            self._video_sizes[column].append(len(payload[column]))
        self._video_times.append(time_s)

    def end(self, info: dict[str, Any]) -> None:
        """Keep the current video, with `info` as its entry in the metadata: width, height, and what else is known."""
        first = sum(entry["rows"] for entry in self.videos.values())
        rows = len(self._video_times)
        self.videos[self._current] = {**info, "first_row": first, "rows": rows}
        self._times.append(np.asarray(self._video_times, np.float64))
        for column in self.columns:
            self._sizes[column].append(np.asarray(self._video_sizes[column], np.int64))
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
        fields += [(column, pa.binary()) for column in self.columns]
        schema = pa.schema(fields, {METADATA_KEY: json.dumps(metadata).encode()})
        names = pa.array(list(self.videos), pa.string())
        maps = {}
        for column, spool in self._spools.items():
            spool.flush()
            size = Path(spool.name).stat().st_size
            mapped = mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            maps[column] = pa.py_buffer(mapped)
        begin = dict.fromkeys(self.columns, 0)
        with _ipc_file(self.path, schema) as writer:
            for index, times in enumerate(self._times):
                sizes = {column: self._sizes[column][index] for column in self.columns}
                for first, last in _blocks(np.maximum.reduce(list(sizes.values()))):
                    codes = pa.array(np.full(last - first, index, np.int32))
                    arrays = [pa.DictionaryArray.from_arrays(codes, names), pa.array(times[first:last])]
                    for column in self.columns:
                        offsets = np.concatenate([[0], np.cumsum(sizes[column][first:last])])
                        data = maps[column].slice(begin[column], int(offsets[-1]))
                        buffers = [None, pa.py_buffer(offsets.astype(np.int32)), data]
                        arrays.append(pa.Array.from_buffers(pa.binary(), last - first, buffers))
                        begin[column] += int(offsets[-1])
                    writer.write_batch(pa.record_batch(arrays, schema=schema))


def _blocks(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut rows of the given sizes into runs [first, last) of about BATCH_BYTES."""
    first = total = 0
    for row, size in enumerate(sizes.tolist()):
        if total and total + size > BATCH_BYTES:
            yield first, row
            first, total = row, 0
        total += size
    if len(sizes) > first:
        yield first, len(sizes)


class FrameStore:
    """Read frames of several shards by row number, counted through the files in the order of `paths`.

    Files are opened at first use, and again after unpickling, so that an instance may be handed to worker processes.
    """

    def __init__(self, paths: list[str | Path]):
        self.paths = [Path(path) for path in paths]
        self._index: dict[str, dict] | None = None

    def __getstate__(self) -> dict:
        return {"paths": self.paths, "_index": None}

    def _open(self) -> dict[str, dict]:
        if self._index is not None:
            return self._index
        index: dict[str, dict] = {}
        self._readers, self._starts, self._tables, self._metadata = [], [], {}, None
        rows = 0
        for number, path in enumerate(self.paths):
            reader, metadata = _open_ipc(path, "frames")
            videos = metadata.pop("videos")
            if self._metadata not in (None, metadata):
                raise UserError(f"{path}: made with other settings than {self.paths[0]}. Delete it and run again.")
            self._metadata = metadata
            for video_id, info in videos.items():
                if video_id in index:
                    raise UserError(f"{path}: video {video_id!r} is also in {self.paths[index[video_id]['file']]}")
                index[video_id] = {**info, "first_row": rows + info["first_row"], "file": number}
            self._readers.append(reader)
            self._starts.append(rows)
            rows += sum(info["rows"] for info in videos.values())
        self._times: dict[str, np.ndarray] = {}
        self._kept: dict[tuple[int, str], np.ndarray] = {}
        self._room: np.ndarray | None = None  # what is left of it; known once a frame is decoded
        self._index = index
        return index

    def _table(self, number: int) -> tuple[np.ndarray, list[pa.RecordBatch]]:
        """First rows of the batches of a file, and the (mapped) batches."""
        if number not in self._tables:
            reader = self._readers[number]
            batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
            starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
            self._tables[number] = (starts, batches)
        return self._tables[number]

    @property
    def videos(self) -> list[str]:
        """Ids of the videos that have frames here."""
        return list(self._open())

    @property
    def metadata(self) -> dict:
        """What holds for all videos: `kind`, `frame_rate`, and so on; empty without files."""
        self._open()
        return dict(self._metadata or {})

    def info(self, video_id: str) -> dict:
        """The entry of a video: `width`, `height`, `reader`, `first_row`, `rows`; UserError if it has no frames."""
        try:
            return self._open()[video_id]
        except KeyError:
            where = f"{self.paths[0]} and {len(self.paths) - 1} more" if self.paths else "no files"
            raise UserError(f"video {video_id!r} has no frames in {where}; see the table of skipped videos") from None

    def times(self, video_id: str) -> np.ndarray:
        """float64 [rows]: seconds of the stored frames, rising."""
        info = self.info(video_id)
        if video_id not in self._times:
            starts, batches = self._table(info["file"])
            first = info["first_row"] - self._starts[info["file"]]
            begin, end = np.searchsorted(starts, [first, first + info["rows"] - 1], side="right") - 1
            parts = [batch.column("time_s").to_numpy() for batch in batches[begin : end + 1]]
            offset = first - starts[begin]
            self._times[video_id] = np.concatenate(parts or [np.zeros(0)])[offset : offset + info["rows"]]
        return self._times[video_id]

    def nearest(self, video_id: str, times_s: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
        """int64 rows of the stored frames nearest to `times_s`, among those inside [start_s, stop_s) if there are any.

        Of two equally near frames the earlier is taken.
        """
        times = self.times(video_id)
        low, high = np.searchsorted(times, np.array([start_s, stop_s]) - TIME_TOLERANCE_S)
        if low >= high:
            low, high = 0, len(times)
        if low == high:
            raise UserError(f"video {video_id!r} has no stored frames; see the table of skipped videos")
        chosen = nearest(times[low:high], times_s, TIME_TOLERANCE_S)
        return chosen + low + self.info(video_id)["first_row"]

    def read(self, row: int, column: str = "image") -> bytes:
        """The encoded bytes of a row."""
        self._open()
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        # empty files share their start with the next one; searchsorted on the right picks the one that has rows
        local = int(row) - self._starts[number]
        starts, batches = self._table(number)
        batch = int(np.searchsorted(starts, local, side="right")) - 1
        return batches[batch].column(column)[local - int(starts[batch])].as_py()

    def decoded(self, row: int, column: str, colours: str) -> np.ndarray:
        """A row as uint8 [height, width, 3] (`colours` RGB) or [height, width, 1] (GRAY), not to be written to.

        Small stores (`KEPT_BYTES`) keep what they decoded, but not in loader workers: each would have its own copy.
        A column is always asked for in the same colours. Raises ValueError for a damaged frame.
        """
        index = self._open()
        if (row, column) in self._kept:
            return self._kept[row, column]
        frame = simplejpeg.decode_jpeg(self.read(row, column), colours, fastdct=True)
        if self._room is None:
            size = 3 * sum(info["rows"] * info["width"] * info["height"] for info in index.values())
            small = size <= KEPT_BYTES and multiprocessing.parent_process() is None
            # one piece of memory, used from its start: thousands of little ones would lie between a step's large
            # tensors and leave holes that fit nothing
            self._room = np.empty(size if small else 0, np.uint8)
        if frame.size <= len(self._room):
            kept, self._room = self._room[: frame.size].reshape(frame.shape), self._room[frame.size :]
            kept[:] = frame
            self._kept[row, column] = kept
        return frame


AUDIO_FIELDS = [("segment_id", pa.string()), ("start_s", pa.float64()), ("samples", pa.binary())]


@contextmanager
def audio_writer(path: str | Path, sample_rate: int, margin_s: float) -> Iterator[Any]:
    """Yield `add(segment_id, start_s, samples int16 [N] or None)`; the store appears when the block ends well."""
    metadata = {"store": "audio", "sample_rate": sample_rate, "margin_s": margin_s}
    schema = pa.schema(AUDIO_FIELDS, {METADATA_KEY: json.dumps(metadata).encode()})
    rows: list[tuple[str, float, bytes | None]] = []

    with _ipc_file(Path(path), schema) as writer:

        def flush() -> None:
            arrays = [pa.array([row[i] for row in rows], kind) for i, (_, kind) in enumerate(AUDIO_FIELDS)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            rows.clear()

        def add(segment_id: str, start_s: float, samples: np.ndarray | None) -> None:
            rows.append((segment_id, start_s, None if samples is None else samples.astype("<i2").tobytes()))
            if sum(len(row[2] or b"") for row in rows) > BATCH_BYTES:
                flush()

        yield add
        flush()


class AudioStore:
    """Waveforms of several shards by segment id; opens lazily and survives pickling like `FrameStore`."""

    def __init__(self, paths: list[str | Path]):
        self.paths = [Path(path) for path in paths]
        self._index: dict[str, tuple[int, int, int]] | None = None

    def __getstate__(self) -> dict:
        return {"paths": self.paths, "_index": None}

    def _open(self) -> dict[str, tuple[int, int, int]]:
        if self._index is None:
            self._files, index = [], {}
            for number, path in enumerate(self.paths):
                reader, metadata = _open_ipc(path, "audio")
                batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
                self._files.append((batches, int(metadata["sample_rate"])))
                for b, batch in enumerate(batches):
                    known = batch.column("samples").is_valid().to_pylist()
                    for row, segment_id in enumerate(batch.column("segment_id").to_pylist()):
                        if known[row]:
                            index[segment_id] = (number, b, row)
            self._index = index
        return self._index

    def has(self, segment_id: str) -> bool:
        """Whether there is sound: False for silent videos and for segments that were skipped."""
        return segment_id in self._open()

    def waveform(self, segment_id: str) -> tuple[np.ndarray, float, int]:
        """(float32 [N] in [-1, 1), video time of the first sample in s, samples per second)."""
        try:
            number, b, row = self._open()[segment_id]
        except KeyError:
            raise UserError(f"segment {segment_id!r} has no sound in the store; ask has() first") from None
        batches, rate = self._files[number]
        samples = np.frombuffer(batches[b].column("samples")[row].as_buffer(), "<i2")
        return samples.astype(np.float32) / 32768, batches[b].column("start_s")[row].as_py(), rate
