"""EPIC-KITCHENS-100 as clips: one file per segment, `[clips/]PXX/{narration_id}.mp4`. The whole file is the segment.

Such copies are small, and often only a part of the dataset: one that is passed around has the 37,455 training segments
of the videos of 2020 and none of the official validation split. So segments without a clip are left out, and where no
official validation segment has one, the training segments are split by participant.

In the segment table a clip is a video, with the narration id as its id, starting at 0. The official video is in the
column `recording`, the frame numbers are the official ones. A clip may be longer or shorter than annotated.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.epic_files import CLIP_FOLDERS, CLIP_ID, CLIPS, ROOTS, is_2020
from egokd.datasets.segments import SPLITS
from egokd.errors import UserError
from egokd.hashing import digest

SUFFIXES = tuple(sorted({Path(pattern).suffix for pattern in CLIPS}))


def find_clips(root: str | Path) -> set[str]:
    """Narration ids of all clips below `root`."""
    folders = [Path(root) / outer / Path(inner).parent for outer in ROOTS for inner in CLIP_FOLDERS]
    people = [path for folder in folders if folder.is_dir() for path in folder.glob("P[0-9][0-9]") if path.is_dir()]
    files = (path for folder in people for path in folder.iterdir())
    return {path.stem for path in files if path.suffix in SUFFIXES and CLIP_ID.fullmatch(path.stem)}


def _deal(groups: pd.Series, share: float, seed: int) -> list[str]:
    """Participants for validation: in the order of their hashes, those that fit into the share of the segments."""
    sizes = groups.value_counts()
    taken, chosen = 0, []
    for group in sorted(sizes.index, key=lambda group: digest(f"{seed}/{group}")):
        if taken + sizes[group] <= share * len(groups):
            chosen.append(group)
            taken += int(sizes[group])
    return sorted(chosen) or [min(sizes.index, key=lambda group: (sizes[group], group))]


def _split(train: pd.DataFrame, root: Path, share: float, participants: list[str] | None, seed: int) -> pd.Series:
    """`train` or `val` for each clip of the official training split, by participant."""
    known = sorted(set(train["group"]))
    if len(known) < 2:
        raise UserError(
            f"{root}: all clips are of the training split and of one participant, {known[0]}; at least two are needed, "
            "one of them for validation"
        )
    unknown = sorted(set(participants or []) - set(known))
    if unknown:
        raise UserError(f"data.epic.val_participants: {unknown[0]} has no training clips; expected some of {known}")
    chosen = sorted(set(participants or _deal(train["group"], share, seed)))
    if chosen == known:
        raise UserError("data.epic.val_participants: names all participants, so none is left to train on")
    return train["group"].isin(chosen).map({True: "val", False: "train"})


def as_clips(
    table: pd.DataFrame,
    clips: set[str],
    root: Path,
    val_share: float,
    val_participants: list[str] | None,
    split_seed: int,
) -> tuple[pd.DataFrame, str, list[str]]:
    """(segment table of the clips, what part of the dataset they are, sentences about what is there).

    `table` is that of the official annotations. UserError where nothing can be trained on or validated.
    """
    kept = table[table["segment_id"].isin(clips)].reset_index(drop=True)
    if kept.empty:
        raise UserError(f"{root}: none of the {len(clips)} clips is a segment of the annotation files")
    there, annotated = kept["split"].value_counts(), table["split"].value_counts()
    counts = {split: (int(there.get(split, 0)), int(annotated[split])) for split in SPLITS if split in annotated}
    has_clips = ", ".join(f"{some} of {every} of {split}" for split, (some, every) in counts.items())
    lines = [f"clips, one file per segment: {has_clips} have one, the others are left out"]
    if others := len(clips) - len(kept):
        lines.append(f"{others} clips are not in the annotation files and are not used")
    kept = kept.assign(
        recording=kept["video_id"], video_id=kept["segment_id"], start_s=0.0, stop_s=np.nan, aspect=np.nan
    )
    if counts["val"][0]:
        some, every = counts["val"]
        if val_participants:
            raise UserError(
                f"data.epic.val_participants: {some} clips are of the official validation split, so that is used; "
                "leave the key out"
            )
        missing = "" if some == every else f", {some:,} of {every:,} validation segments"
        return kept, f"clips (official split{missing})", lines
    train = kept["split"] == "train"
    if not train.any():
        raise UserError(f"{root}: {has_clips} have a clip, so there is nothing to train on")
    kept.loc[train, "split"] = _split(kept[train], root, val_share, val_participants, split_seed)
    kept["unseen"] = (kept["split"] != "train") & ~kept["group"].isin(kept.loc[kept["split"] == "train", "group"])
    of_2020 = kept.loc[train, "recording"].map(is_2020)
    years = " of 2020" if of_2020.all() else "" if of_2020.any() else " of 2018"
    people = ", ".join(sorted(set(kept.loc[kept["split"] == "val", "group"])))
    lines.append(f"no clip is of the official validation split: the participants {people} are validation instead")
    return kept, f"clips (training part{years}, split by participant)", lines
