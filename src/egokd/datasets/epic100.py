"""EPIC-KITCHENS-100: official annotation files and folder layout -> segment table and paths.

Frame numbers are on a fixed clock per video, whatever rate the video file has: seconds x 60 for the videos of 2018
(`PXX_YY`), x 50 for those of 2020 (`PXX_1YY`). This held on all 45,010 official rows checked. Annotated numbers are the
timestamps times the rate, rounded down, and at least 1; frame files are numbered from 1, so frame n is on show from
(n - 1) / rate until n / rate. A segment of frames start..stop is therefore [(start - 1) / rate, stop / rate): exactly
the pictures that the official frame files give it, within two frames of the annotated timestamps.

Files, in `root` or `root/annotations`: EPIC_100_train.csv, EPIC_100_validation.csv, EPIC_100_verb_classes.csv,
EPIC_100_noun_classes.csv, EPIC_100_tail_verbs.csv, EPIC_100_tail_nouns.csv,
EPIC_100_unseen_participant_ids_validation.csv; optional: EPIC_100_test_timestamps.csv (labels are not published) with
EPIC_100_unseen_participant_ids_test.csv, and EPIC_100_video_info.csv (for the aspect ratio).
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.errors import UserError
from egokd.segments import Segments

SOURCE = "EPIC-KITCHENS-100"
HEADS = ("verb", "noun")
CLOCK_2018, CLOCK_2020 = 60.0, 50.0
VIDEO_ID = r"P\d{2}_\d{2,3}"
SPLIT_FILES = {
    "train": "EPIC_100_train.csv",
    "val": "EPIC_100_validation.csv",
    "test": "EPIC_100_test_timestamps.csv",
}
UNSEEN_FILES = {
    "val": "EPIC_100_unseen_participant_ids_validation.csv",
    "test": "EPIC_100_unseen_participant_ids_test.csv",
}
FRAME_COLUMNS = ["narration_id", "participant_id", "video_id", "start_frame", "stop_frame"]
HEADER_ROWS = 2  # row i of a table stands in line i + 2 of its file


def clock_of(video_id: str) -> float:
    """Frames per second of the clock on which a video's frames are numbered."""
    return CLOCK_2020 if len(video_id.partition("_")[2]) == 3 else CLOCK_2018


def _annotation_file(root: Path, name: str) -> Path:
    for folder in (root, root / "annotations"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"{root / name}: not found, nor in {root / 'annotations'}. Put the official annotation files of "
        "EPIC-KITCHENS-100 there (docs/datasets.md)."
    )


def _optional(root: Path, name: str) -> Path | None:
    found = (folder / name for folder in (root, root / "annotations"))
    return next((path for path in found if path.is_file()), None)


def _read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a CSV as text; UserError when a column is missing."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable CSV file ({str(error).strip()})") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UserError(f"{path}: lacks the columns {missing}; it has {list(table.columns)}")
    return table


def _refuse(path: Path, table: pd.DataFrame, bad: pd.Series, what: str) -> None:
    """Raise UserError naming the first bad row, if there is one."""
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        name = table.iloc[row, 0]
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise UserError(f"{path}, line {row + HEADER_ROWS} ({name}): {what.format(**table.iloc[row])}{more}")


def _whole_numbers(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    """A column of text as int64."""
    bad = ~table[column].str.fullmatch(r"-?\d+")
    _refuse(path, table, bad, f"{column} is {{{column}!r}}, expected a whole number")
    return table[column].astype(np.int64)


def _class_names(path: Path) -> list[str]:
    """Names of a head's classes, in the order of their numbers 0, 1, 2, ..."""
    table = _read_csv(path, ["id", "key"])
    numbers = _whole_numbers(path, table, "id")
    _refuse(path, table, numbers != np.arange(len(table)), "classes must be numbered 0, 1, 2, ..., found {id}")
    return table["key"].tolist()


def _read_split(path: Path, split: str, heads: dict[str, list[str]]) -> pd.DataFrame:
    """One annotation file -> rows of the segment table without the subsets."""
    labels = [] if split == "test" else [f"{head}_class" for head in heads]
    table = _read_csv(path, [*FRAME_COLUMNS, *labels])
    _refuse(path, table, table["narration_id"] == "", "narration_id is empty")
    _refuse(path, table, table["narration_id"].duplicated(), "this narration_id occurs twice")
    valid = table["video_id"].str.fullmatch(VIDEO_ID)
    _refuse(path, table, ~valid, "video_id is {video_id!r}, expected PXX_YY or PXX_YYY")
    start, stop = (_whole_numbers(path, table, column) for column in ("start_frame", "stop_frame"))
    _refuse(path, table, start < 1, "start_frame is {start_frame}, frames count from 1")
    _refuse(path, table, stop < start, "reversed: start_frame {start_frame} is after stop_frame {stop_frame}")
    _refuse(path, table, stop == start, "empty: start_frame and stop_frame are both {start_frame}")
    fps = table["video_id"].map(clock_of)
    result = pd.DataFrame(
        {
            "segment_id": table["narration_id"],
            "video_id": table["video_id"],
            "group": table["participant_id"],
            "start_frame": start,
            "stop_frame": stop,
            "fps": fps,
            "start_s": (start - 1) / fps,
            "stop_s": stop / fps,
        }
    )
    for head, names in heads.items():
        if split == "test":
            result[head] = np.int64(-1)
            continue
        column = f"{head}_class"
        numbers = _whole_numbers(path, table, column)
        unknown = ~numbers.between(0, len(names) - 1)
        _refuse(path, table, unknown, f"{column} is {{{column}}}, there are classes 0 to {len(names) - 1}")
        result[head] = numbers
    result["split"] = split
    return result


def _aspects(path: Path | None) -> dict[str, float]:
    """Width / height by video id; empty without the file."""
    if path is None:
        return {}
    table = _read_csv(path, ["video_id", "resolution"])
    size = table["resolution"].str.extract(r"^(\d+)x(\d+)$")
    _refuse(path, table, size[0].isna(), "resolution is {resolution!r}, expected like 1920x1080")
    return dict(zip(table["video_id"], size[0].astype(float) / size[1].astype(float), strict=True))


def read(root: str | Path) -> Segments:
    """The segment table of the official files under `root`, without fold and shard.

    UserError names the file and line of whatever is missing or wrong.
    """
    root = Path(root)
    heads = {head: _class_names(_annotation_file(root, f"EPIC_100_{head}_classes.csv")) for head in HEADS}
    parts = []
    for split, name in SPLIT_FILES.items():
        path = _optional(root, name) if split == "test" else _annotation_file(root, name)
        if path is None:
            continue
        rows = _read_split(path, split, heads)
        unseen_path = None
        if split != "train":
            unseen_path = _annotation_file(root, UNSEEN_FILES[split])
        unseen = set(_read_csv(unseen_path, ["participant_id"])["participant_id"]) if unseen_path else set()
        rows["unseen"] = rows["group"].isin(unseen)
        for earlier in parts:
            both = rows["segment_id"].isin(set(earlier["segment_id"]))
            _refuse(path, rows, both, f"this narration_id is also in {SPLIT_FILES[earlier['split'].iloc[0]]}")
        if len(rows):
            parts.append(rows)
    if not parts:
        raise UserError(f"{root}: the annotation files hold no segments")
    table = pd.concat(parts, ignore_index=True)
    for head in HEADS:
        path = _annotation_file(root, f"EPIC_100_tail_{head}s.csv")
        tail = _read_csv(path, [head])
        table[f"tail_{head}"] = table[head].isin(_whole_numbers(path, tail, head))
    table["aspect"] = table["video_id"].map(_aspects(_optional(root, "EPIC_100_video_info.csv"))).astype(np.float64)
    return Segments(table, heads, SOURCE)


def _first_existing(root: Path, relative: str) -> Path:
    """`relative` under the root, or under the folder EPIC-KITCHENS that the official download makes."""
    nested = root / "EPIC-KITCHENS" / relative
    return nested if nested.is_file() and not (root / relative).is_file() else root / relative


def video_path(root: str | Path, video_id: str) -> Path:
    """PXX/videos/PXX_YY.MP4, whether it exists or not."""
    folder = f"{_participant(video_id)}/videos"
    small = _first_existing(Path(root), f"{folder}/{video_id}.mp4")
    return small if small.is_file() else _first_existing(Path(root), f"{folder}/{video_id}.MP4")


def boxes_path(root: str | Path, video_id: str) -> Path:
    """PXX/hand-objects/PXX_YY.pkl, whether it exists or not."""
    return _first_existing(Path(root), f"{_participant(video_id)}/hand-objects/{video_id}.pkl")


def _participant(video_id: str) -> str:
    match = re.match(r"P\d{2}", video_id)
    if not match:
        raise UserError(f"{video_id!r} is not a video id of EPIC-KITCHENS-100; expected PXX_YY or PXX_YYY")
    return match.group()
