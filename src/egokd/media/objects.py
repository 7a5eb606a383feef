"""Boxes of hands and objects: one Parquet table per shard, and its reader.

Columns: `segment_id`, `frame` (1-based, on the dataset's frame clock), `time_s` (when it is shown), the box `x1`, `y1`,
`x2`, `y2` as shares of width and height, `category` (hand, object), `score`, `side` (-1 none, 0 left, 1 right),
`state` (-1 none, 0 no contact, 1 self, 2 other person, 3 portable object, 4 stationary object). Sorted by segment and
time.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from egokd.errors import UserError
from egokd.io import parquet_metadata, write_parquet

BOX = ("x1", "y1", "x2", "y2")
DTYPES = {
    "segment_id": "object",
    "frame": "int64",
    "time_s": "float64",
    **dict.fromkeys(BOX, "float32"),
    "category": "object",
    "score": "float32",
    "side": "int8",
    "state": "int8",
}


def write_boxes(path: str | Path, tables: list[pd.DataFrame]) -> None:
    """Write one shard, sorted by segment and time; the file's metadata tells where each segment lies."""
    empty = pd.DataFrame({column: pd.Series(dtype=dtype) for column, dtype in DTYPES.items()})
    table = pd.concat([empty, *tables]).astype(DTYPES) if any(len(t) for t in tables) else empty
    table = table.sort_values(["segment_id", "time_s"], kind="stable").reset_index(drop=True)
    ids, begins, counts = np.unique(table["segment_id"].to_numpy(str), return_index=True, return_counts=True)
    where = {i: [b, n] for i, b, n in zip(ids.tolist(), begins.tolist(), counts.tolist(), strict=True)}
    write_parquet(path, table, {"store": "boxes", "segments": where})


class ObjectStore:
    """Boxes of several shards by segment id; a shard is read when first needed. Survives pickling like the others."""

    def __init__(self, paths: list[str | Path]):
        self.paths = [Path(path) for path in paths]
        self._index: dict[str, tuple[int, int, int]] | None = None

    def __getstate__(self) -> dict:
        return {"paths": self.paths, "_index": None}

    def _open(self) -> dict[str, tuple[int, int, int]]:
        if self._index is None:
            self._tables: dict[int, dict[str, np.ndarray]] = {}
            index = {}
            for number, path in enumerate(self.paths):
                try:
                    metadata = parquet_metadata(path)
                except (pa.ArrowInvalid, OSError) as error:
                    raise UserError(f"{path}: not a readable table of boxes ({error}). Delete it, run again.") from None
                if metadata.get("store") != "boxes":
                    raise UserError(f"{path}: not a table of boxes of egokd. Delete it and run extract_objects again.")
                for segment_id, (begin, count) in metadata["segments"].items():
                    index[segment_id] = (number, begin, begin + count)
            self._index = index
        return self._index

    def _table(self, number: int) -> dict[str, np.ndarray]:
        if number not in self._tables:
            table = pq.read_table(self.paths[number], columns=list(DTYPES)[1:])
            columns = {name: table.column(name).to_numpy() for name in table.column_names}
            columns["category"] = columns["category"].astype("U6")
            self._tables[number] = columns
        return self._tables[number]

    def preload(self) -> None:
        """Read all shards now, so that processes forked from this one share the memory (1 GB for EPIC-KITCHENS-100)."""
        self._open()
        for number in range(len(self.paths)):
            self._table(number)

    def has(self, segment_id: str) -> bool:
        """Whether the segment has any box."""
        return segment_id in self._open()

    def rows(self, segment_id: str) -> dict[str, np.ndarray]:
        """Columns frame, time_s, x1, y1, x2, y2, category, score, side, state of a segment, sorted by time."""
        try:
            number, begin, end = self._open()[segment_id]
        except KeyError:
            raise UserError(f"segment {segment_id!r} has no boxes in the store; ask has() first") from None
        return {name: column[begin:end] for name, column in self._table(number).items()}
