"""Own videos: a folder of videos and one CSV -> segment table.

The CSV has a column `file` (path below `root`, or below `root/videos`) and one column per head, with class names.
Optional columns: `start` and `stop` in seconds (empty: from the beginning, to the end), `split` (train, val, test),
`group` (who or where was filmed). A column whose name is near one of these is refused. Without `split`, whole groups,
or whole files where there is no `group`, are dealt to validation by a hash until `val_share` of the segments is there:
the two splits never share a source. With `split`, no part of a file may be in train and in another split, whatever the
file is called. Test segments may lack labels.

Classes of a head are the names that occur, sorted. Videos may have sound; there are no boxes and no published flow. In
place of a video, `file` may name a folder or tar of its numbered frames (`frames_fps`).
"""

import difflib
import logging
import posixpath
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.annotation_files import find_file, need_rows, read_csv, refuse, refuse_name, seconds
from egokd.datasets.segments import SPLITS, Segments
from egokd.errors import UserError
from egokd.hashing import digest
from egokd.media.errors import MediaError
from egokd.media.opening import is_file
from egokd.media.sources import FrameFiles, VideoFile

log = logging.getLogger("egokd")

SOURCE = "own videos"
OPTIONAL = ("start", "stop", "split", "group")
NEAR = {  # what other tables call the same
    "file": ("filename", "file_name", "path", "video", "video_file", "clip"),
    "start": ("begin", "from", "start_s", "start_sec", "start_time", "start_seconds", "start_timestamp", "onset"),
    "stop": ("end", "to", "until", "stop_s", "stop_sec", "stop_time", "end_s", "end_sec", "end_time", "end_seconds"),
    "split": ("splits", "set", "subset", "partition", "fold", "part"),
    "group": ("groups", "participant", "participant_id", "person", "subject", "subject_id"),
}


def _times(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Columns start_s and stop_s of the rows; stop_s is NaN for the end of the video."""
    start = seconds(path, table, "start").fillna(0.0) if "start" in table else pd.Series(0.0, table.index)
    stop = seconds(path, table, "stop") if "stop" in table else pd.Series(np.nan, table.index)
    refuse(path, table, start < 0, "start is {start}, expected 0 or more")
    refuse(
        path,
        table,
        stop <= start,
        "empty or reversed: start is {start}, stop is {stop}" if "start" in table else "stop is {stop}",
    )
    return pd.DataFrame({"start_s": start, "stop_s": stop})


def _second(value: float) -> str:
    """A time in an id: short where that says all, else with every digit."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def _segment_ids(files: pd.Series, times: pd.DataFrame) -> pd.Series:
    """The file's name; for a part of a file with its times."""
    whole = (times["start_s"] == 0) & times["stop_s"].isna()
    stop = times["stop_s"].map(lambda second: "" if np.isnan(second) else _second(second))
    return files.where(whole, files + "#" + times["start_s"].map(_second) + "-" + stop)


def _check_columns(path: Path, table: pd.DataFrame, heads: list[str]) -> None:
    """Refuse columns whose names are near to those that mean something; list the others in the log."""
    known = ["file", *heads, *OPTIONAL]
    others = [column for column in table.columns if column not in known]
    for column in others:
        plain = column.casefold().replace(" ", "_")
        near = [name for name in known if plain == name.casefold() or plain in NEAR.get(name, ())]
        missing = [name for name in known if name not in table.columns]
        near = near or difflib.get_close_matches(plain, missing, n=1, cutoff=0.75)
        if near and (near[0] in missing or plain == near[0].casefold()):
            raise UserError(
                f"{path}: unknown column {column!r}; did you mean {near[0]!r}? Rename the column, or take it out "
                f"(columns that mean something are {', '.join(known)})"
            )
    if others:
        log.info("%s: columns that mean nothing here: %s", path, ", ".join(others))


def _canonical(root: Path, files: pd.Series) -> pd.Series:
    """One name for each file, whatever it is called (./a.mp4, videos/a.mp4, a link): the first plain one."""
    names: dict[str, str] = {}
    first: dict[object, str] = {}
    for file in files.unique():
        plain = posixpath.normpath(file)
        path = rgb_path(root, plain)
        try:
            status = path.stat()
            identity: object = (status.st_dev, status.st_ino)
        except (OSError, ValueError):
            identity = plain
        names[file] = first.setdefault(identity, plain)
    return files.map(names)


def _refuse_overlaps(path: Path, table: pd.DataFrame, files: pd.Series, times: pd.DataFrame, split: pd.Series) -> None:
    """Refuse rows outside train that show what a training row shows, or whose file is there under another name."""
    train = split == "train"
    both = files.isin(set(files[train])) & ~train
    alias = {name: set(table["file"][train & (files == name)]) for name in files[both].unique()}
    other_name = pd.Series([b and f not in alias[c] for b, c, f in zip(both, files, table["file"], strict=True)])
    refuse(path, table, other_name, "{file!r} is a file that is in train under another name, which must not share it")
    ends = times["stop_s"].fillna(np.inf)
    overlaps = pd.Series(False, table.index)
    for name in alias:
        rows = train & (files == name)
        for index in table.index[both & (files == name)]:
            overlaps[index] = ((times["start_s"][rows] < ends[index]) & (times["start_s"][index] < ends[rows])).any()
    refuse(path, table, overlaps, "this part of {file!r} overlaps one in train; splits must not share what they show")


def _deal(path: Path, groups: pd.Series, share: float, seed: int) -> np.ndarray:
    """`val` or `train` for each row: groups in the order of their hashes are taken until the share is there."""
    sizes = groups.value_counts()
    if len(sizes) < 2:
        raise UserError(
            f"{path}: there is no column `split`, and all rows have one source; add a column `split` with train and "
            "val, or a column `group`"
        )
    order = sorted(sizes.index, key=lambda group: digest(f"{seed}/{group}"))
    taken, chosen = 0, set()
    for group in order[:-1]:  # one stays for training
        if taken >= share * len(groups):
            break
        chosen.add(group)
        taken += int(sizes[group])
    return np.where(groups.isin(chosen), "val", "train")


def _splits(path: Path, table: pd.DataFrame, sources: pd.Series, share: float, seed: int) -> pd.Series:
    if "split" not in table:
        return pd.Series(_deal(path, sources, share, seed), table.index)
    split = table["split"].replace({"validation": "val"})
    refuse(path, table, ~split.isin(SPLITS), "split is {split!r}, expected train, val or test")
    if "group" in table:
        shared = sources.isin(sources[split == "train"]) & (split != "train")
        refuse(path, table, shared, "group {group!r} is in train and in another split, which must not share a source")
    return split


def read(root: str | Path, annotations: str, heads: list[str], val_share: float, split_seed: int) -> Segments:
    """The segment table of `root/annotations`, without fold and shard; NaN stop times mean the end of the video.

    UserError names the file and line of whatever is missing or wrong.
    """
    root = Path(root)
    path = find_file(root, annotations)
    if path is None:
        raise UserError(f"{root / annotations}: not found. It lists the videos and their classes (docs/datasets.md).")
    table = read_csv(path, ["file", *heads])
    _check_columns(path, table, heads)
    need_rows(path, table)
    table = table.apply(lambda column: column.str.strip())
    refuse(path, table, table["file"] == "", "file is empty")
    for file in table["file"].unique():
        refuse_name(path, file)
    times = _times(path, table)
    files = _canonical(root, table["file"])
    ids = _segment_ids(files, times)
    refuse(path, table, ids.duplicated() & files.eq(table["file"]), "the same part of {file!r} is listed twice")
    sources = table.get("group", files)
    split = _splits(path, table, sources, val_share, split_seed)
    _refuse_overlaps(path, table, files, times, split)
    refuse(path, table, ids.duplicated(), "the same part of {file!r} is listed twice")
    result = pd.DataFrame({"segment_id": ids, "video_id": files, "group": ""})
    if "group" in table:
        result["group"] = table["group"]
    result = result.assign(start_frame=np.int64(-1), stop_frame=np.int64(-1), fps=np.nan, **times, split=split)
    names = {}
    for head in heads:
        label = table[head]
        refuse(path, table, (label == "") & (split != "test"), f"{head} is empty; only test segments may lack labels")
        names[head] = sorted(set(label) - {""})
        number = {name: index for index, name in enumerate(names[head])}
        result[head] = label.map(lambda name, number=number: number.get(name, -1)).astype(np.int64)
        result[f"tail_{head}"] = False
    known = "group" in table
    result["unseen"] = known & (split != "train") & ~result["group"].isin(result["group"][split == "train"])
    return Segments(result.assign(aspect=np.nan), names, SOURCE)


def rgb_path(root: str | Path, video_id: str) -> Path:
    """The file or folder, below `root/videos` or `root`, whether it is there or not."""
    path = Path(root) / "videos" / video_id
    return path if is_file(path) or path.is_dir() else Path(root) / video_id


def rgb_source(root: str | Path, video_id: str, frames_fps: float | None = None) -> VideoFile | FrameFiles:
    """The video, whether it is there or not; or a folder or tar of its frames, extracted at `frames_fps`.

    UserError for frames of which nobody said at what rate they were extracted.
    """
    path = rgb_path(root, video_id)
    if not (path.is_dir() or path.suffix == ".tar"):
        return VideoFile(path)
    if frames_fps is None:
        raise UserError(f"{path}: holds frames, not a video; say at how many per second (data.frames_fps)")
    return FrameFiles(path, frames_fps)


def sound_path(root: str | Path, video_id: str) -> Path:
    """The video itself, whether it is there or not; frames are silent."""
    return rgb_path(root, video_id)


def flow_source(root: str | Path, video_id: str) -> None:
    """There is none; flow is computed."""
    return None


def boxes_path(root: str | Path, video_id: str) -> None:
    """There are none."""
    return None


def boxes(root: str | Path, video_id: str, rows: pd.DataFrame, frame_rate: float, index: Path | None) -> pd.DataFrame:
    """There are none: always MediaError."""
    raise MediaError("own videos come without boxes; leave the teacher `obj` out of the config")
