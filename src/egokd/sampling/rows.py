"""The segments that a job works on, and the files it reads of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from egokd import runtime
from egokd.checksums import damaged
from egokd.datasets.segments import Segments, select
from egokd.errors import UserError
from egokd.io import read_json
from egokd.media.skipped import check_skipped, read_skipped
from egokd.sampling.dataset import available_rows
from egokd.sampling.modalities.opened import OpenModality

FRAMES_STEP = "extract_frames"  # as it stands in the table of what was skipped


def readable(segments: Segments, split: str, skipped: Path) -> pd.DataFrame:
    """Rows of a split or fold without those that have no frames; the same for every modality.

    Frames are what a student sees, so a segment without them is left out everywhere. Sound or boxes that could not be
    read are a missing modality of a segment that stays.

    skipped  table as `egokd.media.skipped` describes it
    """
    rows = select(segments.table, split)
    left_out = read_skipped(skipped)
    check_skipped(skipped, left_out, segments.table, (FRAMES_STEP,))
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
    """Store files, given one by one or as a list written by `index_stores` (.json).

    Raises UserError for a list that is damaged. A wrong letter in a path names a file that is not there, which its
    store says, or one that is listed twice. Sizes and times are for Snakemake, nothing here looks at them.
    """
    found: list[Path] = []
    for path in paths:
        try:
            listed = [Path(entry["path"]) for entry in read_json(path)] if path.suffix == ".json" else [path]
        except (KeyError, TypeError) as error:
            raise damaged(path, f"expected a list of files with their paths: {error!r}") from None
        for store in listed:
            if store in found:
                raise damaged(path, f"{store} is listed twice")
            found.append(store)
    return found
