"""Own videos: a folder of videos and one CSV -> segment table.

The CSV has a column `file` (path below `root`, or below `root/videos`) and one column per head, with class names.
Optional columns: `start` and `stop` in seconds (empty: from the beginning, to the end), `split` (train, val, test),
`group` (who or where was filmed). Without `split`, whole groups, or whole files where there is no `group`, are dealt to
validation by a hash until `val_share` of the segments is there: the two splits never share a source. Test segments may
lack labels.

Classes of a head are the names that occur, sorted. Videos may have sound; there are no boxes and no published flow.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.annotation_files import find_file, read_csv, refuse, seconds
from egokd.errors import UserError
from egokd.hashing import digest
from egokd.media.errors import MediaError
from egokd.media.sources import VideoFile
from egokd.sampling.segments import SPLITS, Segments

SOURCE = "own videos"


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


def _segment_ids(table: pd.DataFrame, times: pd.DataFrame) -> pd.Series:
    """The file's name; for a part of a file with its times."""
    whole = (times["start_s"] == 0) & times["stop_s"].isna()
    stop = times["stop_s"].map(lambda second: "" if np.isnan(second) else f"{second:g}")
    return table["file"].where(whole, table["file"] + "#" + times["start_s"].map("{:g}".format) + "-" + stop)


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
    split = table["split"].str.strip().replace({"validation": "val"})
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
    refuse(path, table, table["file"].str.strip() == "", "file is empty")
    times = _times(path, table)
    ids = _segment_ids(table, times)
    refuse(path, table, ids.duplicated(), "the same part of {file!r} is listed twice")
    sources = table["group"] if "group" in table else table["file"]
    split = _splits(path, table, sources, val_share, split_seed)
    result = pd.DataFrame({"segment_id": ids, "video_id": table["file"], "group": ""})
    if "group" in table:
        result["group"] = table["group"]
    result = result.assign(start_frame=np.int64(-1), stop_frame=np.int64(-1), fps=np.nan, **times, split=split)
    names = {}
    for head in heads:
        label = table[head].str.strip()
        refuse(path, table, (label == "") & (split != "test"), f"{head} is empty; only test segments may lack labels")
        names[head] = sorted(set(label) - {""})
        number = {name: index for index, name in enumerate(names[head])}
        result[head] = label.map(lambda name, number=number: number.get(name, -1)).astype(np.int64)
        result[f"tail_{head}"] = False
    known = "group" in table
    result["unseen"] = known & (split != "train") & ~result["group"].isin(result["group"][split == "train"])
    return Segments(result.assign(aspect=np.nan), names, SOURCE)


def rgb_source(root: str | Path, video_id: str) -> VideoFile:
    """The file, below `root` or `root/videos`, whether it is there or not."""
    path = Path(root) / "videos" / video_id
    return VideoFile(path if path.is_file() else Path(root) / video_id)


def sound_path(root: str | Path, video_id: str) -> Path:
    """The video itself, whether it is there or not."""
    return rgb_source(root, video_id).path


def flow_source(root: str | Path, video_id: str) -> None:
    """There is none; flow is computed."""
    return None


def boxes_path(root: str | Path, video_id: str) -> None:
    """There are none."""
    return None


def boxes(root: str | Path, video_id: str, rows: pd.DataFrame, frame_rate: float, index: Path | None) -> pd.DataFrame:
    """There are none: always MediaError."""
    raise MediaError("own videos come without boxes; leave the teacher `obj` out of the config")
