"""Boxes of Something-Else from JSON files of several GB: found once, then read video by video.

The files are {video id: [frame, ...], ...}. One pass notes where the list of each video begins and ends, without
keeping it; a job then reads the few KB of each of its videos. The pass parses each list once and looks at what stands
between them, so a file that is cut off or laid out otherwise gives an error before any work. A video that is not in a
whole file is not annotated; one that a damaged file has lost would look the same.
"""

import codecs
import json
import math
import mmap
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.errors import UserError
from egokd.io import USERS, read_parquet, write_parquet
from egokd.media.errors import MediaError
from egokd.media.hand_object import clock_frames
from egokd.media.objects import BOX_COLUMNS

KEY = re.compile(rb'"([^"\\]{1,200})"\s*:\s*\[')
LARGE = 2**28  # bytes; smaller files are read in seconds
ENDS = 4096  # bytes looked at, at both ends of a file
FRAME_LISTS = {b"labels", b"gt_placeholders"}  # keys with lists inside the entry of a frame
FRAME_NAME = re.compile(r"(?:^|/)([0-9]{1,15})\.\w+$")  # more digits are no frame's number


def check_frame(path: Path) -> None:
    """UserError unless the file begins and ends as a JSON object does: a look of microseconds at files of GB."""
    with path.open("rb") as handle:
        begin = handle.read(ENDS).removeprefix(codecs.BOM_UTF8)
        handle.seek(max(0, path.stat().st_size - ENDS))
        end = handle.read().rstrip()
    if not end:
        raise UserError(f"{path}: empty, expected boxes of videos. {USERS}")
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in begin:
        raise UserError(f"{path}: not UTF-8 text, expected a JSON object of videos and their boxes. {USERS}")
    if not begin.lstrip().startswith(b"{"):
        found = begin.lstrip()[:20].decode(errors="replace")
        raise UserError(f"{path}: expected a JSON object of videos and their boxes, it begins with {found!r}. {USERS}")
    if not end.endswith(b"}"):
        raise UserError(f"{path}: cut off: the JSON object has no end. {USERS}")


def check_file(path: Path) -> None:
    """UserError unless the file can be read; a file of more than `LARGE` bytes is looked at from both ends only."""
    if path.stat().st_size > LARGE:
        check_frame(path)
        return
    seen: set[str] = set()
    for video_id, _, _ in _places(path):
        if video_id in seen:
            raise MediaError(_doubled([str(path)], video_id))
        seen.add(video_id)


def _doubled(files: list[str], video_id: str) -> str:
    return f"{' and '.join(files)}: boxes of video {video_id!r} are there twice; keep one file of each"


def _places(path: Path) -> Iterator[tuple[str, int, int]]:
    """(video id, first byte of its list, byte after which the next video's key begins) of a file."""
    check_frame(path)
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        before: tuple[str, int] | None = None
        begin = 0
        for match in KEY.finditer(data):
            if match[1] in FRAME_LISTS:
                continue
            if before:
                _check_list(path, data, *before, match.start(), rb"\s*,\s*")
                yield *before, match.start()
            elif not re.fullmatch(rb"(\xef\xbb\xbf)?\s*\{\s*", data[begin : match.start()]):
                raise UserError(f"{path}: expected a JSON object of videos and their boxes, found another. {USERS}")
            try:
                before = match[1].decode(), match.end() - 1
            except UnicodeDecodeError:
                raise UserError(f"{path}: the key at byte {match.start()} is not UTF-8 text. {USERS}") from None
        if before is None:
            raise UserError(f"{path}: holds no videos with boxes. {USERS}")
        _check_list(path, data, *before, len(data), rb"\s*\}\s*")
        yield *before, len(data)


def _check_list(path: Path, data: mmap.mmap, video_id: str, start: int, stop: int, after: bytes) -> None:
    """UserError unless the bytes are a JSON list with `after` behind it."""
    try:
        text = data[start:stop].decode()
        end = json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError) as error:
        what = f"damaged or cut off ({error})"
    else:
        if re.fullmatch(after, text[end:].encode()):
            return
        what = f"followed by {text[end : end + 20]!r}"
    raise UserError(f"{path}: the boxes of video {video_id!r}, at byte {start}, are {what}. {USERS}")


def index_boxes(files: list[Path], out: str | Path) -> int:
    """Write the table video_id, file, start, stop; returns the number of videos.

    UserError if a file is damaged, MediaError if a video is there twice.
    """
    rows = [(video_id, str(path), start, stop) for path in files for video_id, start, stop in _places(path)]
    table = pd.DataFrame(rows, columns=["video_id", "file", "start", "stop"])
    doubled = table["video_id"].duplicated()
    if doubled.any():
        video_id = table.loc[doubled, "video_id"].iloc[0]
        where = sorted(set(table.loc[table["video_id"] == video_id, "file"]))
        raise MediaError(_doubled(where, video_id))
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
        data = handle.read(stop - start)
    try:
        return json.JSONDecoder().raw_decode(data.decode())[0]
    except (ValueError, RecursionError) as error:
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
            if not (found := FRAME_NAME.search(frame["name"])):
                raise ValueError(f"no frame number in {frame['name']!r}")
            number = int(found[1])
            frames[number] = [_box(label) for label in frame["labels"]]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
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
    if not all(math.isfinite(float(box[side])) for side in ("x1", "y1", "x2", "y2")):
        raise ValueError("a box without finite coordinates")
    hand = label.get("standard_category", label.get("category")) == "hand"
    return float(box["x1"]), float(box["y1"]), float(box["x2"]), float(box["y2"]), "hand" if hand else "object"
