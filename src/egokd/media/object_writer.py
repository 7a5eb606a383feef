"""Writes one shard of boxes, a table as `egokd.media.objects` describes it."""

from pathlib import Path

import numpy as np
import pandas as pd

from egokd.io import write_parquet
from egokd.media.objects import BOX_COLUMNS


def write_boxes(path: str | Path, tables: list[pd.DataFrame]) -> None:
    """Write one shard, sorted by segment and time; the file's metadata tells where each segment lies."""
    empty = pd.DataFrame({column: pd.Series(dtype=dtype) for column, dtype in BOX_COLUMNS.items()})
    table = pd.concat([empty, *tables]).astype(BOX_COLUMNS) if any(len(t) for t in tables) else empty
    table = table.sort_values(["segment_id", "time_s"], kind="stable").reset_index(drop=True)
    ids, begins, counts = np.unique(table["segment_id"].to_numpy(str), return_index=True, return_counts=True)
    where = {i: [b, n] for i, b, n in zip(ids.tolist(), begins.tolist(), counts.tolist(), strict=True)}
    write_parquet(path, table, {"store": "boxes", "segments": where})
