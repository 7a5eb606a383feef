"""EPIC-KITCHENS-100: official annotation files -> segment table. Frame clocks and file places: `epic_files`.

Files, in `root`, `root/annotations` or `root/labels`: EPIC_100_train.csv, EPIC_100_validation.csv,
EPIC_100_verb_classes.csv, EPIC_100_noun_classes.csv, EPIC_100_tail_verbs.csv, EPIC_100_tail_nouns.csv,
EPIC_100_unseen_participant_ids_validation.csv; optional: EPIC_100_test_timestamps.csv (labels are not published) with
EPIC_100_unseen_participant_ids_test.csv, and EPIC_100_video_info.csv (for the aspect ratio).

Where there are no videos but clips of their segments, only segments with a clip are in the table (`epic_clips`).
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets import epic_clips, epic_files
from egokd.datasets.annotation_files import class_names, find_file, need_file, read_csv, refuse, whole_numbers
from egokd.datasets.epic_files import FRAME_COLUMNS, boxes, boxes_path, flow_source, rgb_source, sound_path
from egokd.datasets.segments import Segments
from egokd.errors import UserError
from egokd.media.sources import VideoFile

log = logging.getLogger("egokd")

__all__ = ["boxes", "boxes_path", "flow_source", "read", "rgb_source", "sound_path"]

SOURCE = "EPIC-KITCHENS-100"
HEADS = ("verb", "noun")
VAL_SHARE = 0.15  # of clips without official validation segments; the official split has 0.13
SPLIT_FILES = {
    "train": "EPIC_100_train.csv",
    "val": "EPIC_100_validation.csv",
    "test": "EPIC_100_test_timestamps.csv",
}
UNSEEN_FILES = {
    "val": "EPIC_100_unseen_participant_ids_validation.csv",
    "test": "EPIC_100_unseen_participant_ids_test.csv",
}


def _read_split(path: Path, split: str, heads: dict[str, list[str]]) -> pd.DataFrame:
    """One annotation file -> rows of the segment table without the subsets."""
    labels = [] if split == "test" else [f"{head}_class" for head in heads]
    table = read_csv(path, ["narration_id", *FRAME_COLUMNS, *labels])
    refuse(path, table, table["narration_id"] == "", "narration_id is empty")
    refuse(path, table, table["narration_id"].duplicated(), "this narration_id occurs twice")
    result = epic_files.frame_segments(path, table)
    result.insert(0, "segment_id", table["narration_id"])
    for head, names in heads.items():
        known = split != "test"
        result[head] = epic_files.labels_of(path, table, f"{head}_class", len(names)) if known else np.int64(-1)
    result["split"] = split
    return result


def _clips(root: Path, table: pd.DataFrame, layout: str | None) -> set[str]:
    """Narration ids of the clips, if clips are what is to be read: videos, whole or in pieces, come first."""
    found = epic_clips.find_clips(root) if layout != "videos" else set()
    if layout == "clips" and not found:
        raise UserError(f"{root}: holds no clips like clips/P01/P01_101_0.mp4 or P01/P01_101_0.mp4 (data.epic.layout)")
    if layout is None and found:
        sources = (rgb_source(root, video_id) for video_id in sorted(set(table["video_id"])))
        if any(not isinstance(source, VideoFile) or source.path.is_file() for source in sources):
            log.info("%s: holds videos and %d clips; the videos are read (data.epic.layout)", root, len(found))
            return set()
    return found


def read(
    root: str | Path,
    layout: str | None = None,
    val_share: float = VAL_SHARE,
    val_participants: list[str] | None = None,
    split_seed: int = 0,
) -> Segments:
    """The segment table of the official files under `root`, without fold and shard.

    layout  `videos` or `clips`; None: videos where there are any, else clips. The others: the split by participant of
            clips without official validation segments (`epic_clips.as_clips`)

    UserError names the file and line of whatever is missing or wrong.
    """
    root = Path(root)
    heads = {head: class_names(need_file(root, SOURCE, f"EPIC_100_{head}_classes.csv"), "id", "key") for head in HEADS}
    parts: list[pd.DataFrame] = []
    for split, name in SPLIT_FILES.items():
        path = find_file(root, name) if split == "test" else need_file(root, SOURCE, name)
        if path is None:
            continue
        if split == "test" and read_csv(path, []).empty:
            continue
        rows = _read_split(path, split, heads)
        unseen_path = None
        if split != "train":
            unseen_path = need_file(root, SOURCE, UNSEEN_FILES[split])
        unseen = set(read_csv(unseen_path, ["participant_id"])["participant_id"]) if unseen_path else set()
        rows["unseen"] = rows["group"].isin(unseen)
        for earlier in parts:
            both = rows["segment_id"].isin(set(earlier["segment_id"]))
            refuse(path, rows, both, f"this narration_id is also in {SPLIT_FILES[earlier['split'].iloc[0]]}")
        if len(rows):
            parts.append(rows)
    if not parts:
        raise UserError(f"{root}: the annotation files hold no segments")
    table = pd.concat(parts, ignore_index=True)
    for head in HEADS:
        path = need_file(root, SOURCE, f"EPIC_100_tail_{head}s.csv")
        tail = read_csv(path, [head])
        table[f"tail_{head}"] = table[head].isin(whole_numbers(path, tail, head))
    aspects = epic_files.aspects(find_file(root, "EPIC_100_video_info.csv"), "video_id")
    table["aspect"] = table["video_id"].map(aspects).astype(np.float64)
    if clips := _clips(root, table, layout):
        table, part, found = epic_clips.as_clips(table, clips, root, val_share, val_participants, split_seed)
        return Segments(table, heads, SOURCE, part, tuple(found))
    if val_participants:
        raise UserError(
            f"data.epic.val_participants: {root} holds no clips, so the official split is used; leave it out"
        )
    return Segments(table, heads, SOURCE)
