"""The segments that a job works on, and the files it reads of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from egokd import runtime
from egokd.datasets.segments import Segments, select
from egokd.errors import UserError
from egokd.io import read_json
from egokd.sampling.dataset import available_rows
from egokd.sampling.modalities.opened import OpenModality

FRAMES_STEP = "extract_frames"  # as it stands in the table of what was skipped


def readable(segments: Segments, split: str, skipped: Path) -> pd.DataFrame:
    """Rows of a split or fold without those that have no frames; the same for every modality.

    Frames are what a student sees, so a segment without them is left out everywhere. Sound or boxes that could not be
    read are a missing modality of a segment that stays.

    skipped  CSV with the columns video_id, segment_id (empty where the whole video is meant) and step
    """
    rows = select(segments.table, split)
    left_out = pd.read_csv(skipped, dtype=str, keep_default_na=False)
    if not {"video_id", "segment_id", "step"} <= set(left_out.columns):
        raise UserError(f"{skipped}: expected the columns video_id, segment_id, step, found {list(left_out.columns)}")
    left_out = left_out[left_out["step"] == FRAMES_STEP]
    videos = set(left_out.loc[left_out["segment_id"] == "", "video_id"])
    gone = rows["segment_id"].isin(set(left_out["segment_id"])) | rows["video_id"].isin(videos)
    if gone.all():
        raise UserError(f"no segment of {split!r} is left: {len(rows)} in the table, all of them in {skipped}")
    return rows[~gone].reset_index(drop=True)


def part_of(rows: pd.DataFrame, part: int, parts: int) -> pd.DataFrame:
    """Part number `part` of `parts` nearly equal runs of rows."""
    return rows.iloc[np.array_split(np.arange(len(rows)), parts)[part]].reset_index(drop=True)


def split_available(
    rows: pd.DataFrame, opened: Mapping[str, OpenModality], what: str, trained: bool = True
) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows that can be read in a modality of `opened`, and bool [n] over all rows; none where its net is untrained."""
    available = available_rows(rows, opened) & trained
    runtime.log.info("%s: %d of %d segments have %s", what, available.sum(), len(rows), " or ".join(opened))
    return rows[available].reset_index(drop=True), available


def shard_paths(paths: list[Path]) -> list[Path]:
    """Store files, given one by one or as a list written by `index_stores` (.json)."""
    listed = (read_json(path) if path.suffix == ".json" else [{"path": path}] for path in paths)
    return [Path(entry["path"]) for entries in listed for entry in entries]
