"""EPIC-KITCHENS-55 (2018): official annotation files -> segment table. Frame clocks and file places: `epic_files`.

Files, in `root`, `root/annotations` or `root/labels`: EPIC_train_action_labels.csv, EPIC_verb_classes.csv,
EPIC_noun_classes.csv; optional: EPIC_test_s1_timestamps.csv and EPIC_test_s2_timestamps.csv (seen and unseen kitchens,
labels are not published), and EPIC_video_info.csv (for the aspect ratio). The release has each table as CSV and as
pickle; pickles are never read.

Nouns are renumbered as in the paper's released code: class 0 ("Nothing") has no segment and is left out, so every
noun's number is one below the official one. The two segments with uid 36787 and 36788 are left out: they alone have the
last class, "trouser", a slip for class "trousers", which exists. What remains are classes 0 to 349.

Only the training part has labels. As is usual for this dataset, its participants P01 to P25 are trained on and its
participants P26 to P31 are the validation split, all of them unseen.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets import epic_files
from egokd.datasets.annotation_files import class_names, find_file, need_file, read_csv, refuse
from egokd.datasets.epic_files import FRAME_COLUMNS, boxes, boxes_path, flow_source, rgb_source, sound_path
from egokd.datasets.segments import Segments

__all__ = ["boxes", "boxes_path", "flow_source", "read", "rgb_source", "sound_path"]

SOURCE = "EPIC-KITCHENS-55"
TRAIN_FILE = "EPIC_train_action_labels.csv"
TEST_FILES = {"EPIC_test_s1_timestamps.csv": False, "EPIC_test_s2_timestamps.csv": True}  # unseen kitchens?
VAL_PARTICIPANTS = ("P26", "P27", "P28", "P29", "P30", "P31")
BAD_UIDS = ("36787", "36788")
SLIP = "trouser"


def _rows(path: Path, labels: list[str]) -> pd.DataFrame:
    """The rows of one annotation file, as text."""
    table = read_csv(path, ["uid", *FRAME_COLUMNS, *labels])
    refuse(path, table, table["uid"].duplicated(), "this uid occurs twice")
    return table


def _train(root: Path, verbs: list[str], nouns: list[str]) -> pd.DataFrame:
    path = need_file(root, SOURCE, TRAIN_FILE)
    table = _rows(path, ["verb_class", "noun_class"])
    table = table[~table["uid"].isin(BAD_UIDS)].reset_index(drop=True)
    rows = epic_files.frame_segments(path, table)
    rows.insert(0, "segment_id", table["uid"])
    rows["verb"] = epic_files.labels_of(path, table, "verb_class", len(verbs))
    noun = epic_files.labels_of(path, table, "noun_class", len(nouns) + 1)
    refuse(path, table, noun == 0, "noun_class 0 means 'Nothing', expected a noun")
    rows["noun"] = noun - 1
    validation = rows["group"].isin(VAL_PARTICIPANTS)
    rows["split"] = np.where(validation, "val", "train")
    rows["unseen"] = validation
    return rows


def _test(path: Path, unseen: bool) -> pd.DataFrame:
    table = _rows(path, [])
    rows = epic_files.frame_segments(path, table)
    rows.insert(0, "segment_id", table["uid"])
    return rows.assign(verb=np.int64(-1), noun=np.int64(-1), split="test", unseen=unseen)


def read(root: str | Path) -> Segments:
    """The segment table of the official files under `root`, without fold and shard.

    UserError names the file and line of whatever is missing or wrong. The dataset defines no tail classes.
    """
    root = Path(root)
    verbs = class_names(need_file(root, SOURCE, "EPIC_verb_classes.csv"), "verb_id", "class_key")
    nouns = class_names(need_file(root, SOURCE, "EPIC_noun_classes.csv"), "noun_id", "class_key")
    nouns = [name for name in nouns[1:] if name != SLIP]
    parts = [_train(root, verbs, nouns)]
    parts += [_test(path, unseen) for name, unseen in TEST_FILES.items() if (path := find_file(root, name))]
    table = pd.concat(parts, ignore_index=True).assign(tail_verb=False, tail_noun=False)
    aspects = epic_files.aspects(find_file(root, "EPIC_video_info.csv"), "video")
    table["aspect"] = table["video_id"].map(aspects).astype(np.float64)
    return Segments(table, {"verb": verbs, "noun": nouns}, SOURCE)
