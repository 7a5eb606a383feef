"""Boxes of Something-Else from JSON files of several GB: found once, then read video by video.

The files are {video id: [frame, ...], ...}. One pass notes where the list of each video begins and ends, without
parsing it; a job then reads the few KB of each of its videos. What the pass takes for a list is parsed when it is used,
so a file that is laid out otherwise gives an error, never wrong boxes.
"""

import json
import mmap
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.io import read_parquet, write_parquet
from egokd.media.errors import MediaError
from egokd.media.hand_object import clock_frames
from egokd.media.objects import BOX_COLUMNS

KEY = re.compile(rb'"([^"\\]{1,200})"\s*:\s*\[')
FRAME_LISTS = {b"labels", b"gt_placeholders"}  # keys with lists inside the entry of a frame
FRAME_NAME = re.compile(r"(?:^|/)(\d+)\.\w+$")


def _places(path: Path) -> Iterator[tuple[str, int, int]]:
    """(video id, first byte of its list, byte after which the next video's key begins) of a file."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        before: tuple[str, int] | None = None
        for match in KEY.finditer(data):
            if match[1] in FRAME_LISTS:
                continue
            if before:
                yield *before, match.start()
            before = match[1].decode(), match.end() - 1
        if before:
            yield *before, len(data)


def index_boxes(files: list[Path], out: str | Path) -> int:
    """Write the table video_id, file, start, stop; returns the number of videos. MediaError if one is there twice."""
    rows = [(video_id, str(path), start, stop) for path in files for video_id, start, stop in _places(path)]
    table = pd.DataFrame(rows, columns=["video_id", "file", "start", "stop"])
    doubled = table["video_id"].duplicated()
    if doubled.any():
        video_id = table.loc[doubled, "video_id"].iloc[0]
        where = sorted(set(table.loc[table["video_id"] == video_id, "file"]))
        raise MediaError(f"{' and '.join(where)}: boxes of video {video_id!r} are there twice; keep one file of each")
    write_parquet(out, table.sort_values("video_id", kind="stable", ignore_index=True))
    return len(table)


@lru_cache(maxsize=1)
def _index(path: str) -> dict[str, tuple[str, int, int]]:
    table = read_parquet(path)
    return dict(zip(table["video_id"], zip(table["file"], table["start"], table["stop"], strict=True), strict=True))


def video_frames(index: str | Path, video_id: str) -> list[dict]:
    """The annotated frames of a video, none where it is not annotated. MediaError if they are damaged."""
    place = _index(str(index)).get(video_id)
    if place is None:
        return []
    file, start, stop = place
    with open(file, "rb") as handle:
        handle.seek(start)
        text = handle.read(stop - start).decode()
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except json.JSONDecodeError as error:
        raise MediaError(f"{file}: the boxes of video {video_id!r}, at byte {start}, are damaged ({error})") from None


def video_boxes(
    index: str | Path, video_id: str, segments: pd.DataFrame, frame_rate: float, clock: float, height: int
) -> pd.DataFrame:
    """Boxes of the segments of one video (rows with segment_id, start_s, stop_s, aspect), columns as in `BOX_COLUMNS`.

    Frame "0001.jpg" is on show from 0 s on; `clock` frames a second, `height` pixels. Boxes were drawn by people: score
    1, neither side nor contact state. Frames are thinned out to `frame_rate`.
    """
    frames: dict[int, list[tuple]] = {}
    try:
        for frame in video_frames(index, video_id):
            number = int(FRAME_NAME.search(frame["name"])[1])
            frames[number] = [_box(label) for label in frame["labels"]]
    except (KeyError, TypeError, ValueError) as error:
        raise MediaError(f"boxes of video {video_id!r}: not in the official layout ({error!r})") from None
    rows, last = [], max(frames, default=0)
    for segment in segments.itertuples():
        if np.isnan(segment.aspect):
            raise MediaError(f"video {video_id!r}: its width is not known, because its header could not be read")
        width = segment.aspect * height
        for number in clock_frames(segment.start_s, segment.stop_s, clock, frame_rate, last).tolist():
            for x1, y1, x2, y2, category in frames.get(number, []):
                box = np.clip([x1 / width, y1 / height, x2 / width, y2 / height], 0, 1)
                rows.append((segment.segment_id, number, (number - 1) / clock, *box, category, 1.0, -1, -1))
    return pd.DataFrame(rows, columns=list(BOX_COLUMNS)).astype(BOX_COLUMNS)


def _box(label: dict) -> tuple[float, float, float, float, str]:
    box = label["box2d"]
    hand = label.get("standard_category", label.get("category")) == "hand"
    return float(box["x1"]), float(box["y1"]), float(box["x2"]), float(box["y2"]), "hand" if hand else "object"
