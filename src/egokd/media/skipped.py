"""The table of what could not be read: one row per video or segment and step, with a reason a person understands; and
what else came of cutting videos."""

import csv
import difflib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from egokd.checksums import damaged
from egokd.errors import UserError
from egokd.io import atomic_path
from egokd.makers import again

COLUMNS = ["video_id", "segment_id", "step", "reason"]
ALMOST = 0.9  # share of letters that a damaged name of a step has in common with the true one
MIN_COVERED_SHARE = 0.5  # a segment of which the file holds less is skipped


@dataclass(frozen=True)
class Skip:
    """A segment that `step` left out; all of the video's when `segment_id` is empty."""

    video_id: str
    segment_id: str
    step: str
    reason: str


@dataclass
class Cut:
    """What came of cutting videos into a store, filled on the way. `videos`: of those stored, what is known of each;
    `silent`: number of videos without sound that could be read."""

    skips: list[Skip] = field(default_factory=list)
    videos: dict[str, dict] = field(default_factory=dict)
    silent: int = 0


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
    """Read such a table, all of it text; UserError if it is missing or damaged, or its columns are others."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as handle:
            header, *rows = csv.reader(handle, strict=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such table. Call the workflow again, which makes it.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise damaged(path, str(error)) from None
    except ValueError:
        raise damaged(path, "it is empty") from None
    if header != COLUMNS:
        raise UserError(f"{path}: expected a table with the columns {COLUMNS}, found {header}. {again(path)}")
    for row in rows:
        if len(row) != len(COLUMNS):
            raise damaged(path, f"a row has {len(row)} fields instead of {len(COLUMNS)}: {row}")
    return pd.DataFrame(rows, columns=COLUMNS, dtype=str)


def check_skipped(path: str | Path, skipped: pd.DataFrame, segments: pd.DataFrame, steps: tuple[str, ...]) -> None:
    """UserError for rows that name no video or segment of the table, or a step that is almost one of `steps`.

    The table is for people too, so it has no checksum: a flipped letter is found by what it says.
    """
    for column in ("video_id", "segment_id"):
        unknown = set(skipped[column]) - set(segments[column]) - {""}
        if unknown:
            raise damaged(path, f"{column} {min(unknown)!r} is not in the segment table")
    for step in set(skipped["step"]) - set(steps):
        if difflib.get_close_matches(step, steps, n=1, cutoff=ALMOST) or not step.isidentifier():
            raise damaged(path, f"there is no step {step!r}")


def affected_segments(segments: pd.DataFrame, skipped: pd.DataFrame) -> dict[str, set[str]]:
    """Ids of the segments that each step left out: those named, and all of the videos named as a whole."""
    affected = {}
    for step, rows in skipped.groupby("step", sort=True):
        whole = set(rows.loc[rows["segment_id"] == "", "video_id"])
        affected[step] = set(rows["segment_id"]) - {""}
        affected[step] |= set(segments.loc[segments["video_id"].isin(whole), "segment_id"])
    return affected
