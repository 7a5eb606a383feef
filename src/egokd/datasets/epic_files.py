"""Where the files of EPIC-KITCHENS are, 55 and 100 alike, and on which clock their frames are numbered.

Frame numbers are on a fixed clock per video, whatever rate the video file has: seconds x 60 for the videos of 2018
(`PXX_YY`), x 50 for those of 2020 (`PXX_1YY`). This held on all 45,010 official rows checked. Annotated numbers are the
timestamps times the rate, rounded down, and at least 1; frame files are numbered from 1, so frame n is on show from
(n - 1) / rate until n / rate. A segment of frames start..stop is therefore [(start - 1) / rate, stop / rate): exactly
the pictures that the official frame files give it, within two frames of the annotated timestamps.

Official flow is numbered on its own: of the videos of 2018 every second frame has one, measured over three frames,
clipped at 25 pixels; of those of 2020 every frame, over one frame, clipped at 8 pixels.

Erratum of the publishers: the first release of frames, flow and hand-object detections of P01_109 and P27_103 does not
fit the annotations. Its frame counts (222,487 and 146,918) are the videos' lengths times 60, not 50: these two were
extracted at 60 frames a second. So whichever release is there, the number of files tells its clock.

Beside the official files, two layouts are found by looking. A video may lie in pieces, in a folder with its name
(`PXX/PXX_YY.MP4/15.MP4`: what begins at second 15). Or each segment is a file of its own (`clips/PXX/PXX_YY_5.mp4`),
which then counts as a video, with the segment's narration id in place of a video id (`egokd.datasets.epic_clips`).
"""

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.annotation_files import HEADER_ROWS, need_rows, read_csv, refuse, whole_numbers
from egokd.errors import UserError
from egokd.media.hand_object import load_messages, segment_boxes
from egokd.media.sources import FlowFiles, FrameFiles, Source, VideoFile, moving

log = logging.getLogger("egokd")

CLOCK_2018, CLOCK_2020 = 60.0, 50.0
ERRATUM_CLOCK = 60.0
ERRATUM_FRAMES = {"P01_109": 222_487, "P27_103": 146_918}
VIDEO_ID = r"P\d{2}_\d{2,3}"
CLIP_ID = re.compile(rf"({VIDEO_ID})_\d+")  # a narration id
# (stride, dilation, bound): a flow frame for every stride-th frame, over so many frames, in pixels at 8-bit extremes
FLOW_2018, FLOW_2020 = (2, 3, 25.0), (1, 1, 8.0)
FRAME_COLUMNS = ["participant_id", "video_id", "start_frame", "stop_frame"]
# as the download script lays them out, as the first release of 2018 did, and as others keep resized or cut ones
VIDEO_FOLDERS = ("{p}/videos", "videos/train/{p}", "videos/test/{p}", "{p}")
VIDEOS = tuple(f"{folder}/{{v}}{suffix}" for folder in VIDEO_FOLDERS for suffix in (".MP4", ".mp4"))
CLIP_FOLDERS = ("clips/{p}", "{p}")
CLIPS = tuple(f"{folder}/{{v}}{suffix}" for folder in CLIP_FOLDERS for suffix in (".mp4", ".MP4"))
FRAMES = tuple(
    pattern + suffix
    for pattern in ("{p}/rgb_frames/{v}", "frames_rgb_flow/rgb/train/{p}/{v}", "frames_rgb_flow/rgb/test/{p}/{v}")
    for suffix in (".tar", "")
)
FLOW = tuple(pattern.replace("rgb_frames", "flow_frames").replace("/rgb/", "/flow/") for pattern in FRAMES)
BOXES = ("{p}/hand-objects/{v}.pkl",)
ROOTS = (".", "EPIC-KITCHENS")  # the official download makes a folder around everything


def recording_of(video_id: str) -> str:
    """The official video that a clip is from; any other id as it is."""
    match = CLIP_ID.fullmatch(video_id)
    return match[1] if match else video_id


def is_2020(video_id: str) -> bool:
    """Whether a video was recorded for the extension of 2020."""
    return len(recording_of(video_id).partition("_")[2]) == 3


def clock_of(video_id: str) -> float:
    """Frames per second of the clock on which a video's frames are numbered."""
    return CLOCK_2020 if is_2020(video_id) else CLOCK_2018


def _erratum(video_id: str) -> tuple[int, float] | None:
    """(number of files, frames per second) of the faulty release: so many files or more are on that clock."""
    count = ERRATUM_FRAMES.get(recording_of(video_id))
    # the right release has five sixths as many: anything near the faulty count is faulty
    return (count * 11 // 12, ERRATUM_CLOCK) if count else None


def _candidates(root: str | Path, video_id: str, patterns: tuple[str, ...]) -> list[Path]:
    match = re.match(r"P\d{2}", video_id)
    if not match:
        raise UserError(f"{video_id!r} is not a video id of EPIC-KITCHENS; expected PXX_YY or PXX_YYY")
    names = [pattern.format(p=match.group(), v=video_id) for pattern in patterns]
    return [Path(root) / folder / name for folder in ROOTS for name in names]


def _first(paths: list[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _video(root: str | Path, video_id: str) -> Path:
    """The file, or the folder of its pieces, of a video or clip; where it should be, if there is neither."""
    paths = _candidates(root, video_id, CLIPS if CLIP_ID.fullmatch(video_id) else VIDEOS)
    return next((path for path in paths if moving(path)), paths[0])


def rgb_source(root: str | Path, video_id: str, frames_fps: float | None = None) -> Source:
    """The official frames, tar or folder, where they are there, else the video (whether it is there or not).

    Frames come first: they are small, and they are what the annotated frame numbers mean. Own frames of the same
    videos, extracted at `frames_fps`, are read by seconds. The video is named too, for frames that are not whole.
    """
    frames = None if CLIP_ID.fullmatch(video_id) else _first(_candidates(root, video_id, FRAMES))
    video = _video(root, video_id)
    if frames:
        rate = frames_fps or clock_of(video_id)
        return FrameFiles(frames, rate, None if frames_fps else _erratum(video_id), video if moving(video) else None)
    return moving(video) or VideoFile(video)


def sound_path(root: str | Path, video_id: str) -> Path:
    """The video, or the folder of its pieces, whether it is there or not: frames have no sound."""
    return _video(root, video_id)


def flow_source(root: str | Path, video_id: str) -> FlowFiles | None:
    """The official flow of a video, tar or folder; None if it is not there, and for clips."""
    path = _first(_candidates(root, video_id, FLOW))
    if path is None:
        return None
    stride, dilation, bound = FLOW_2020 if is_2020(video_id) else FLOW_2018
    return FlowFiles(FrameFiles(path, clock_of(video_id), _erratum(video_id)), stride, dilation, bound)


def boxes_path(root: str | Path, video_id: str) -> Path:
    """PXX/hand-objects/PXX_YY.pkl, whether it is there or not; a clip has the boxes of the video that it is from."""
    paths = _candidates(root, recording_of(video_id), BOXES)
    return _first(paths) or paths[0]


def boxes(root: str | Path, video_id: str, rows: pd.DataFrame, frame_rate: float, index: Path | None) -> pd.DataFrame:
    """Boxes of a video's segments from PXX/hand-objects/PXX_YY.pkl; MediaError if the file is missing or damaged.

    Those of a clip are found by the annotated start of its segment.
    """
    path, ahead_s = boxes_path(root, video_id), 0.0
    if recording_of(video_id) != video_id:
        ahead_s = float((rows["start_frame"].iloc[0] - 1) / rows["fps"].iloc[0])
        rows = rows.assign(start_s=rows["start_s"] + ahead_s, stop_s=rows["stop_s"] + ahead_s)
    if _erratum(video_id) and path.exists():
        clock = FrameFiles(path, clock_of(video_id), _erratum(video_id)).clock(len(load_messages(path)))
        rows = rows.assign(fps=clock)
    found = segment_boxes(path, rows, frame_rate)
    return found.assign(time_s=found["time_s"] - ahead_s)


def frame_segments(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Columns video_id, group, start_frame, stop_frame, fps, start_s, stop_s of annotation rows (FRAME_COLUMNS)."""
    need_rows(path, table)
    valid = table["video_id"].str.fullmatch(VIDEO_ID).astype(bool)
    refuse(path, table, ~valid, "video_id is {video_id!r}, expected PXX_YY or PXX_YYY")
    start, stop = (whole_numbers(path, table, column) for column in ("start_frame", "stop_frame"))
    refuse(path, table, start < 1, "start_frame is {start_frame}, frames count from 1")
    refuse(path, table, stop < start, "reversed: start_frame {start_frame} is after stop_frame {stop_frame}")
    refuse(path, table, stop == start, "empty: start_frame and stop_frame are both {start_frame}")
    fps = table["video_id"].map(clock_of)
    return pd.DataFrame(
        {
            "video_id": table["video_id"],
            "group": table["participant_id"],
            "start_frame": start,
            "stop_frame": stop,
            "fps": fps,
            "start_s": (start - 1) / fps,
            "stop_s": stop / fps,
        }
    )


def labels_of(path: Path, table: pd.DataFrame, column: str, count: int) -> pd.Series:
    """The classes in `column`, int64, all in 0..count-1."""
    numbers = whole_numbers(path, table, column)
    unknown = ~numbers.between(0, count - 1)
    refuse(path, table, unknown, f"{column} is {{{column}}}, there are classes 0 to {count - 1}")
    return numbers


def aspects(path: Path | None, name: str) -> dict[str, float]:
    """Width / height by video id (column `name`) from a table of videos; empty without the file.

    A video with a width or height of zero is named in the log and gets 0: its shape is to come from its frames.
    """
    if path is None:
        return {}
    table = read_csv(path, [name, "resolution"])
    size = table["resolution"].str.extract(r"^(\d+)x(\d+)$")
    refuse(path, table, size[0].isna(), "resolution is {resolution!r}, expected like 1920x1080")
    size = size.astype(np.float64)
    empty = (size == 0).any(axis=1)
    for row in table[empty].itertuples():
        log.warning(
            "%s, line %d: %s has the resolution %s; its shape is taken from its frames",
            path, row.Index + HEADER_ROWS, getattr(row, name), row.resolution,
        )  # fmt: skip
    return dict(zip(table[name], (size[0] / size[1]).mask(empty, 0.0), strict=True))
