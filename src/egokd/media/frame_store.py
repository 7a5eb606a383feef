"""Stores of encoded frames: Arrow IPC files, memory-mapped, read by row without copying the file.

One row per stored frame: `video_id`, `time_s` (seconds from the start of the video) and one or more columns of encoded
bytes (`image`; or `u` and `v` for flow). Rows of one video lie together, sorted by time. The file's schema metadata
holds JSON under the key `egokd`: what holds for all videos (frame rate, kind, ...) and, under `videos`, an entry per
video with `first_row`, `rows`, `width`, `height`, the reader used and whatever else was known. Checksums as in
`egokd.media.arrow_checks`.
"""

import multiprocessing
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import simplejpeg

from egokd.checksums import damaged
from egokd.errors import UserError
from egokd.makers import again
from egokd.media.arrow_checks import read_batches, sums_in
from egokd.media.arrow_reader import open_arrow
from egokd.media.decoded_frames import DecodedFrames
from egokd.media.lazy import LazyStore
from egokd.times import nearest

KEPT_BYTES = 448 * 2**20  # a store whose frames take no more than this when decoded is decoded once
TIME_TOLERANCE_S = 1e-6  # far below any frame distance, far above rounding errors of k / rate


class FrameStore(LazyStore[dict[str, dict]]):
    """Read frames of several shards by row number, counted through the files in the order of `paths`."""

    def _read_index(self) -> dict[str, dict]:
        index: dict[str, dict] = {}
        self._readers, self._starts, self._metadata = [], [], None
        self._tables: dict[int, Any] = {}
        self._sums: dict[tuple[int, int, str], np.ndarray | None] = {}
        rows = 0
        for number, path in enumerate(self.paths):
            reader, metadata = open_arrow(path, "frames")
            videos = metadata.pop("videos")
            if self._metadata not in (None, metadata):
                raise UserError(f"{path}: made with other settings than {self.paths[0]}. {again(path)}")
            self._metadata = metadata
            for video_id, info in videos.items():
                if video_id in index:
                    raise UserError(f"{path}: video {video_id!r} is also in {self.paths[index[video_id]['file']]}")
                index[video_id] = {**info, "first_row": rows + info["first_row"], "file": number}
            self._readers.append(reader)
            self._starts.append(rows)
            rows += sum(info["rows"] for info in videos.values())
        self._times: dict[str, np.ndarray] = {}
        self._decoded: DecodedFrames | None = None  # made when the first frame is decoded
        self._rows = rows
        return index

    def _table(self, number: int) -> tuple[np.ndarray, list[pa.RecordBatch]]:
        """First rows of the batches of a file, and the (mapped) batches."""
        if number not in self._tables:
            batches = read_batches(self.paths[number], self._readers[number])
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
        place = local - int(starts[batch])
        data = batches[batch].column(column)[place].as_py()
        sums = self._sums_of(number, batch, column)
        if data is None:
            raise damaged(self.paths[number], f"row {local} of column {column} is empty")
        if sums is not None and crc32(data) != sums[place]:
            raise damaged(self.paths[number], f"row {local} of column {column} does not match its checksum")
        return data

    def _sums_of(self, number: int, batch: int, column: str) -> np.ndarray | None:
        """Sums of the rows of a batch, kept because making the array takes longer than a check."""
        key = (number, batch, column)
        if key not in self._sums:
            self._sums[key] = sums_in(self._tables[number][1][batch], column)
        return self._sums[key]

    def decoded(self, row: int, column: str, colours: str) -> np.ndarray:
        """A row as uint8 [height, width, 3] (`colours` RGB) or [height, width, 1] (GRAY), not to be written to.

        Small stores (`KEPT_BYTES`) keep what they decoded, but not in loader workers: each would have its own copy.
        A column is always asked for in the same colours. Raises ValueError for a damaged frame.
        """
        index = self._open()
        if self._decoded is None:
            size = 3 * sum(info["rows"] * info["width"] * info["height"] for info in index.values())
            small = size <= KEPT_BYTES and multiprocessing.parent_process() is None
            self._decoded = DecodedFrames(self._rows, size if small else 0)
        frame = self._decoded.get(row, column)
        if frame is None:
            frame = simplejpeg.decode_jpeg(self.read(row, column), colours, fastdct=True)
            self._decoded.keep(row, column, frame)
        return frame
