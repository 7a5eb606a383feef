"""What the stores of a case hold, compared with what they must hold."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg

from egokd.media.frame_store import FrameStore
from hostile import OUT
from media_files import read_barcode


def skipped_rows(pattern: str = "*/0.skipped.csv") -> pd.DataFrame:
    """All rows of the tables of skipped videos and segments."""
    tables = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(Path(OUT).glob(pattern))]
    return pd.concat(tables, ignore_index=True)


def stored(
    videos: Collection[str],
    skipped: Mapping[str, str] | None = None,
    segments: int | None = None,
    flow: bool = True,
    check_flow_only_for: Collection[str] | None = None,
) -> Callable[[], str | None]:
    """A check that exactly `videos` have frames (and flow), and that `skipped` ({video or segment id: pattern of the
    reason}) is recorded; `segments`: rows of the segment table."""

    def verify() -> str | None:
        table = pd.read_parquet(OUT / "annotations.parquet")
        if segments is not None and len(table) != segments:
            return f"{len(table)} segments, expected {segments}"
        for store in ["rgb"] + ["flow"] * flow:
            found = set(FrameStore([OUT / store / "0.arrow"]).videos)
            if found != set(videos):
                return f"{store}: frames of {sorted(found)}, expected {sorted(videos)}"
        rows = skipped_rows()
        for name, reason in (skipped or {}).items():
            same = rows[(rows["video_id"] == name) | (rows["segment_id"] == name)]
            if not same["reason"].str.contains(reason).any():
                return f"no row about {name} with {reason!r} among the skipped: {rows['reason'].tolist()}"
        if not skipped and len(rows[rows["step"] != "extract_objects"]):
            return f"skipped without reason: {rows['reason'].tolist()}"
        return None

    return verify


def all_of(*checks: Callable[[], str | None]) -> Callable[[], str | None]:
    """All of the checks, up to the first that finds something."""
    return lambda: next((found for check in checks if (found := check())), None)


def pictures(video_id: str, rate: float = 25.0, start: int = 0) -> Callable[[], str | None]:
    """A check that every stored frame of a barcode video shows the number that belongs to its time."""

    def verify() -> str | None:
        store = FrameStore([OUT / "rgb" / "0.arrow"])
        times, first = store.times(video_id), store.info(video_id)["first_row"]
        if not len(times):
            return f"{video_id}: no frames"
        for row, time in enumerate(times):
            shown = read_barcode(simplejpeg.decode_jpeg(store.read(first + row)))
            if shown != (wanted := start + round(time * rate)):
                return f"{video_id}: at {time:.2f} s the picture is number {shown}, expected {wanted}"
        return None

    return verify


def spans(*expected: tuple[str, float, float]) -> Callable[[], str | None]:
    """A check of the segments' (id, start_s, stop_s), in their order."""

    def verify() -> str | None:
        table = pd.read_parquet(OUT / "annotations.parquet")
        found = list(zip(table["segment_id"], table["start_s"], table["stop_s"], strict=True))
        if [row[0] for row in found] != [row[0] for row in expected]:
            return f"segments {[row[0] for row in found]}, expected {[row[0] for row in expected]}"
        numbers = np.array([row[1:] for row in found]), np.array([row[1:] for row in expected])
        return None if np.allclose(*numbers, atol=0.05) else f"times {numbers[0].tolist()}"

    return verify


def boxes_of(**counts: int) -> Callable[[], str | None]:
    """A check of the number of boxes of segments, by id."""

    def verify() -> str | None:
        found = pd.read_parquet(OUT / "obj" / "0.parquet")["segment_id"].value_counts().to_dict()
        wrong = {name: found.get(name, 0) for name, count in counts.items() if found.get(name, 0) != count}
        return f"boxes {wrong}, expected {counts}" if wrong else None

    return verify


def splits(**counts: int) -> Callable[[], str | None]:
    """A check of the number of segments in each split."""

    def verify() -> str | None:
        found = pd.read_parquet(OUT / "annotations.parquet")["split"].value_counts().to_dict()
        return None if found == counts else f"splits {found}, expected {counts}"

    return verify
