"""Something-Something V2: official JSON files -> segment table. A segment is a whole video.

Files, in `root`, `root/labels` or `root/annotations`: train.json, validation.json, labels.json and optionally
test.json; or, as in the first release, the same with the prefix `something-something-v2-`. A split is a list of
{"id", "label", "template", "placeholders"}; the class is the template without its square brackets, looked up in the
labels file, never a number taken from elsewhere: other files of the same 174 templates number them differently.

Videos are `{id}.webm` (or .mp4); or their frames, extracted at 12 per second or at `frames_fps`, are in folders `{id}`
of numbered image files. They have no sound.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.annotation_files import find_file, need_file, refuse_name
from egokd.datasets.segments import Segments
from egokd.errors import UserError
from egokd.io import USERS, read_json
from egokd.media.json_boxes import video_boxes
from egokd.media.sources import FrameFiles, Source, VideoFile

SOURCE = "Something-Something V2"
CLOCK = 12.0
# median length of a clip in seconds; frames that make the clips longer or shorter were extracted at another rate
TYPICAL_S = (2.0, 6.5)
HEIGHT = 240  # pixels, of the frames that boxes were drawn on
PREFIX = "something-something-v2-"
SPLITS = {"train": "train.json", "val": "validation.json", "test": "test.json"}
FRAME_FOLDERS = ("frames", "frames_12fps", "rgb_frames")
VIDEO_FOLDERS = (".", "videos", "webm", "20bn-something-something-v2", "something-something-v2")
SUFFIXES = (".webm", ".mp4")


def names(file: str) -> tuple[str, str]:
    """What a file is called in the present and in the first release."""
    return file, PREFIX + file


def class_names(path: Path) -> list[str]:
    """Templates of a labels file, {template: number (as text or not)}, in the order of their numbers 0, 1, 2, ..."""
    labels = read_json(path, USERS)
    if not isinstance(labels, dict):
        raise UserError(f"{path}: expected a JSON object of templates and their numbers")
    numbers = {}
    for template, number in labels.items():
        if not re.fullmatch(r"[0-9]{1,9}", str(number)):
            raise UserError(f"{path}: {template!r} has the number {str(number)[:40]}, expected 0, 1, 2, ...")
        numbers[int(number)] = template
    if sorted(numbers) != list(range(len(labels))):
        raise UserError(f"{path}: the {len(labels)} classes are not numbered 0 to {len(labels) - 1}, each once")
    return [numbers[number] for number in range(len(numbers))]


def split_rows(path: Path, split: str, classes: list[str]) -> pd.DataFrame:
    """Columns segment_id and action of one split file; UserError for an unknown template or a doubled id."""
    entries = read_json(path, USERS)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
        raise UserError(f"{path}: expected a JSON list of objects with an `id`")
    ids = pd.Series([str(entry["id"]) for entry in entries], dtype=object)
    for video_id in ids:
        refuse_name(path, video_id)
    if ids.duplicated().any():
        raise UserError(f"{path}: id {ids[ids.duplicated()].iloc[0]!r} occurs twice")
    if split == "test":
        return pd.DataFrame({"segment_id": ids, "action": np.int64(-1)})
    number = {template: index for index, template in enumerate(classes)}
    actions = np.full(len(entries), -1, np.int64)
    for index, entry in enumerate(entries):
        template = str(entry.get("template", "")).replace("[", "").replace("]", "")
        if template not in number:
            raise UserError(f"{path}: id {ids[index]!r} has the template {template!r}, which the labels file lacks")
        actions[index] = number[template]
    return pd.DataFrame({"segment_id": ids, "action": actions})


def segments_of(files: dict[str, Path], classes: list[str], source: str) -> Segments:
    """The segment table of split files; the end of each video is NaN, to be read from its header."""
    parts = [split_rows(path, split, classes).assign(split=split) for split, path in files.items()]
    table = pd.concat(parts, ignore_index=True)
    doubled = table["segment_id"].duplicated()
    if doubled.any():
        raise UserError(f"{[*files.values()][-1]}: id {table.loc[doubled, 'segment_id'].iloc[0]!r} is in two splits")
    table = table.assign(video_id=table["segment_id"], group="", start_frame=np.int64(1), stop_frame=np.int64(-1))
    table = table.assign(fps=CLOCK, start_s=0.0, stop_s=np.nan, unseen=False, tail_action=False, aspect=np.nan)
    return Segments(table, {"action": classes}, source)


def read(root: str | Path) -> Segments:
    """The segment table of the official files under `root`, without fold and shard; stop times are NaN."""
    root = Path(root)
    files = {}
    for split, name in SPLITS.items():
        path = find_file(root, *names(name)) if split == "test" else need_file(root, SOURCE, *names(name))
        if path:
            files[split] = path
    return segments_of(files, class_names(need_file(root, SOURCE, *names("labels.json"))), SOURCE)


def rgb_source(root: str | Path, video_id: str, frames_fps: float | None = None) -> Source:
    """The video, or the folder of its frames (at `frames_fps`); the video's official place where there is neither."""
    root = Path(root)
    for folder in VIDEO_FOLDERS:
        for suffix in SUFFIXES:
            if (path := root / folder / f"{video_id}{suffix}").is_file():
                return VideoFile(path)
    for folder in FRAME_FOLDERS:
        if (path := root / folder / video_id).is_dir():
            return FrameFiles(path, frames_fps or CLOCK)
    return VideoFile(root / f"{video_id}.webm")


def sound_path(root: str | Path, video_id: str) -> None:
    """Videos have no sound."""
    return None


def flow_source(root: str | Path, video_id: str) -> None:
    """There is no official flow; it is computed."""
    return None


def boxes_path(root: str | Path, video_id: str) -> None:
    """Boxes of all videos are in few large files."""
    return None


def boxes(root: str | Path, video_id: str, rows: pd.DataFrame, frame_rate: float, index: Path) -> pd.DataFrame:
    """Boxes of a video's segments from the files of Something-Else; `index` as the step index_boxes wrote it.

    No rows for a video without boxes: they were drawn for 180,049 of the 220,847 videos. MediaError for damaged ones.
    """
    return video_boxes(index, video_id, rows, frame_rate, CLOCK, HEIGHT)
