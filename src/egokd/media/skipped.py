"""The table of what could not be read: one row per video or segment and step, with a reason a person understands."""

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from egokd.errors import UserError
from egokd.io import atomic_path

COLUMNS = ["video_id", "segment_id", "step", "reason"]
MIN_COVERED_SHARE = 0.5  # a segment of which the file holds less is skipped


@dataclass(frozen=True)
class Skip:
    """A segment that `step` left out; all of the video's when `segment_id` is empty."""

    video_id: str
    segment_id: str
    step: str
    reason: str


def uncovered(rows: pd.DataFrame, end_s: float, step: str, what: str) -> list[Skip]:
    """Segments in `rows` of which the `what` (video, sound), which ends at `end_s`, holds less than half."""
    length = rows["stop_s"] - rows["start_s"]
    inside = (rows["stop_s"].clip(upper=end_s) - rows["start_s"]).clip(lower=0)
    return [
        Skip(row.video_id, row.segment_id, step, f"the {what} ends at {end_s:.2f} s, before most of this segment")
        for row in rows[inside < MIN_COVERED_SHARE * length].itertuples()
    ]


def write_skipped(path: str | Path, skips: list[Skip] | pd.DataFrame) -> None:
    """Write the CSV; its header is there also when nothing was skipped."""
    table = skips if isinstance(skips, pd.DataFrame) else pd.DataFrame(map(asdict, skips), columns=COLUMNS)
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def read_skipped(path: str | Path) -> pd.DataFrame:
    """Read such a table; UserError if its columns are others."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    if list(table.columns) != COLUMNS:
        raise UserError(f"{path}: expected a table with the columns {COLUMNS}, found {list(table.columns)}")
    return table


def affected_segments(segments: pd.DataFrame, skipped: pd.DataFrame) -> dict[str, set[str]]:
    """Ids of the segments that each step left out: those named, and all of the videos named as a whole."""
    affected = {}
    for step, rows in skipped.groupby("step", sort=True):
        whole = set(rows.loc[rows["segment_id"] == "", "video_id"])
        affected[step] = set(rows["segment_id"]) - {""}
        affected[step] |= set(segments.loc[segments["video_id"].isin(whole), "segment_id"])
    return affected
