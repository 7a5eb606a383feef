"""The canonical segment table: one row per annotated segment, whatever the dataset.

Adapters (`egokd.datasets.formats`) make it from official annotation files; everything after them reads only this table.

Columns: `segment_id`, `video_id`, `group` (participant or source, '' if unknown), `start_frame`, `stop_frame` (on the
dataset's own fixed frame clock, -1 if it has none), `fps` (rate of that clock), `start_s`, `stop_s` (seconds from the
start of the video), one int64 column per head (class, -1 = label not published), `split` (train, val, test), `fold`
(fit or heldout inside train, else ''), `unseen` (group absent from train), `tail_{head}`, `aspect` (width / height of
the source video, NaN if unknown), `shard`. Where videos are clips cut out of longer ones: `recording`, the longer one.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from egokd.errors import UserError
from egokd.hashing import number
from egokd.io import open_parquet, write_parquet

SPLITS = ("train", "val", "test")
FIXED_COLUMNS = (
    "segment_id",
    "video_id",
    "group",
    "start_frame",
    "stop_frame",
    "fps",
    "start_s",
    "stop_s",
    "split",
    "unseen",
    "aspect",
)


@dataclass(frozen=True)
class Segments:
    """A segment table, the class names of each head, and where the data came from (`demo` or a dataset's name).

    `part`: what the files are where they are not the dataset as published; tables say it after the source. `found`:
    sentences about the layout of the files, for people. Neither is stored.
    """

    table: pd.DataFrame
    heads: dict[str, list[str]]
    source: str
    part: str = ""
    found: tuple[str, ...] = ()

    @property
    def num_classes(self) -> dict[str, int]:
        return {head: len(names) for head, names in self.heads.items()}


def check_segments(segments: Segments, where: str) -> None:
    """Raise UserError, naming `where` and the first offending segment, unless the table keeps its promises."""
    table = segments.table
    wanted = [*FIXED_COLUMNS, *segments.heads, *(f"tail_{head}" for head in segments.heads)]
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise UserError(f"{where}: segment table lacks the columns {missing}")
    if table.empty:
        raise UserError(f"{where}: no segments; expected at least one annotated segment")

    def refuse(bad: pd.Series, what: str) -> None:
        if bad.any():
            first = table.loc[bad, "segment_id"].iloc[0]
            raise UserError(f"{where}: {what} in {int(bad.sum())} segment(s), the first is {first!r}")

    refuse(table["segment_id"].duplicated(), "duplicate segment_id")
    refuse(~table["split"].isin(SPLITS), f"split is not one of {SPLITS}")
    refuse(~(table["stop_s"] > table["start_s"]), "stop time not after start time")
    refuse(table["start_s"] < 0, "negative start time")
    for head, count in segments.num_classes.items():
        refuse(~table[head].between(-1, count - 1), f"class of head {head!r} outside 0..{count - 1}")
        refuse(
            (table[head] == -1) & (table["split"] != "test"),
            f"no label for head {head!r} outside the test split",
        )


def shard_of(video_id: str, shards: int) -> int:
    """The shard of a video: a stable hash, so that it depends on nothing but the id and the number of shards."""
    return number(video_id) % shards


def select(table: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows of `split`: fit or heldout (folds of train), train, val or test."""
    if split in ("fit", "heldout"):
        return table[table["fold"] == split].reset_index(drop=True)
    if split in SPLITS:
        return table[table["split"] == split].reset_index(drop=True)
    raise UserError(f"unknown split {split!r} of a dataset; expected one of fit, heldout, {', '.join(SPLITS)}")


def write_segments(path: str | Path, segments: Segments) -> None:
    """Write `segments.parquet`; class names and source go into the file's metadata."""
    write_parquet(path, segments.table, {"heads": segments.heads, "source": segments.source})


def read_segments(path: str | Path) -> Segments:
    """Read what `write_segments` wrote; UserError when it is missing, damaged or not such a file."""
    table, metadata = open_parquet(path)
    if "heads" not in metadata:
        raise UserError(f"{path}: not a segment table of egokd (no class names in its metadata)")
    return Segments(table.to_pandas(), metadata["heads"], metadata["source"])
