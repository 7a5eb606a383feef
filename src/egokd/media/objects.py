"""Boxes of hands and objects: one Parquet table per shard, and its reader.

Columns: `segment_id`, `frame` (1-based, on the dataset's frame clock), `time_s` (when it is shown), the box `x1`, `y1`,
`x2`, `y2` as shares of width and height, `category` (hand, object), `score`, `side` (-1 none, 0 left, 1 right),
`state` (-1 none, 0 no contact, 1 self, 2 other person, 3 portable object, 4 stationary object). Sorted by segment and
time.
"""

import numpy as np

from egokd.errors import UserError
from egokd.io import open_parquet
from egokd.makers import again
from egokd.media.lazy import LazyStore

BOX = ("x1", "y1", "x2", "y2")
BOX_COLUMNS = {
    "segment_id": "object",
    "frame": "int64",
    "time_s": "float64",
    **dict.fromkeys(BOX, "float32"),
    "category": "object",
    "score": "float32",
    "side": "int8",
    "state": "int8",
}


class ObjectStore(LazyStore[dict[str, tuple[int, int, int]]]):
    """Boxes of several shards by segment id; all shards are read, and held against their checksums, at first use."""

    def _read_index(self) -> dict[str, tuple[int, int, int]]:
        self._tables: list[dict[str, np.ndarray]] = []
        index = {}
        for number, path in enumerate(self.paths):
            table, metadata = open_parquet(path, list(BOX_COLUMNS)[1:])
            if metadata.get("store") != "boxes":
                raise UserError(f"{path}: not a table of boxes of egokd. {again(path)}")
            columns = {name: table.column(name).to_numpy() for name in table.column_names}
            columns["category"] = columns["category"].astype("U6")
            self._tables.append(columns)
            for segment_id, (begin, count) in metadata["segments"].items():
                index[segment_id] = (number, begin, begin + count)
        return index

    def preload(self) -> None:
        """Read all shards now, so that processes forked from this one share the memory (3 GB for EPIC-KITCHENS-100)."""
        self._open()

    def has(self, segment_id: str) -> bool:
        """Whether the segment has any box."""
        return segment_id in self._open()

    def rows(self, segment_id: str) -> dict[str, np.ndarray]:
        """Columns frame, time_s, x1, y1, x2, y2, category, score, side, state of a segment, sorted by time."""
        try:
            number, begin, end = self._open()[segment_id]
        except KeyError:
            raise UserError(f"segment {segment_id!r} has no boxes in the store; ask has() first") from None
        return {name: column[begin:end] for name, column in self._tables[number].items()}
