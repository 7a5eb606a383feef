"""Which parts of which videos are asked about: whole files, a time range, a list of segments, a sliding window.

All of these become a table of segments of one video, with the columns that modalities read: `segment_id`, `video_id`,
`start_s`, `stop_s`, `aspect`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.annotation_files import need_rows, read_csv, refuse, seconds
from egokd.errors import UserError
from egokd.media.sources import VIDEO_SUFFIXES

ROUNDING = 1e-9  # of a window: a whole number of windows leaves no sliver at the end


@dataclass(frozen=True)
class Window:
    """A window of `length_s` seconds that moves by `step_s`."""

    length_s: float
    step_s: float

    def __post_init__(self) -> None:
        if not (0 < self.step_s <= self.length_s):
            raise UserError(
                f"a window of {self.length_s:g} s every {self.step_s:g} s: both must be above 0, and the step no "
                "longer than the window, or parts of the video are not seen"
            )

    def intervals(self, start_s: float, stop_s: float) -> np.ndarray:
        """float64 [n, 2] that cover [start_s, stop_s); the last one ends there, so it may overlap more than others."""
        total = stop_s - start_s
        if total <= self.length_s * (1 + ROUNDING):
            return np.array([[start_s, stop_s]])
        steps = int(np.ceil((total - self.length_s) / self.step_s - ROUNDING))
        starts = np.minimum(np.arange(steps + 1) * self.step_s, total - self.length_s) + start_s
        return np.stack([starts, starts + self.length_s], axis=1)


@dataclass(frozen=True)
class Request:
    """Parts of one video. `intervals`: (id, start in s, stop in s or NaN for its end); `window` cuts each of them."""

    video: Path
    intervals: list[tuple[str, float, float]] = field(default_factory=lambda: [("", 0.0, np.nan)])
    window: Window | None = None

    def rows(self, duration_s: float, aspect: float) -> tuple[pd.DataFrame, list[tuple[str, float, float, str]]]:
        """The segments, for a video as long and as wide (width / height) as given; and (id, start, stop, reason) of
        what is not inside it.
        """
        found: list[tuple[str, float, float]] = []
        outside: list[tuple[str, float, float, str]] = []
        for name, start_s, asked_s in self.intervals:
            stop_s = duration_s if np.isnan(asked_s) else asked_s
            if not 0 <= start_s < min(stop_s, duration_s):
                outside.append((name, start_s, stop_s, f"not inside the video, which ends at {duration_s:.2f} s"))
            elif self.window is None:
                found.append((name, start_s, stop_s))
            else:
                found += [(name, *part) for part in self.window.intervals(start_s, min(stop_s, duration_s)).tolist()]
        table = pd.DataFrame(found, columns=["name", "start_s", "stop_s"])
        ids = [str(number) for number in range(len(table))]
        return table.assign(segment_id=ids, video_id=str(self.video), aspect=aspect), outside


def whole_files(videos: Iterable[Path], start_s: float, stop_s: float, window: Window | None) -> list[Request]:
    """One request for each video, or for each video file below a folder; UserError where there is none."""
    found = [file for video in videos for file in _files(video)]
    if not found:
        raise UserError("no video is given; name video files, or a folder that holds some")
    return [Request(file, [("", start_s, stop_s)], window) for file in found]


def _files(video: Path) -> Iterator[Path]:
    """A file itself, whatever it is; of a folder the files with the name of a video, or itself if it has none: it may
    hold frames.
    """
    inside = video.rglob("*") if video.is_dir() else ()
    yield from sorted(file for file in inside if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file()) or [video]


def listed_segments(path: Path, window: Window | None = None) -> list[Request]:
    """Requests from a CSV: the columns `file` (beside the CSV, or in `videos` beside it), and if they are there `start`
    and `stop` in seconds (empty: the video's beginning and end) and `segment_id`. Other columns are ignored, so an
    annotation file of own videos is such a list.

    UserError names the file and line of what is missing or wrong.
    """
    table = read_csv(path, ["file"])
    need_rows(path, table)
    refuse(path, table, table["file"].str.strip() == "", "file is empty")
    start = seconds(path, table, "start").fillna(0.0) if "start" in table else pd.Series(0.0, table.index)
    stop = seconds(path, table, "stop") if "stop" in table else pd.Series(np.nan, table.index)
    refuse(path, table, (start < 0) | (stop <= start), "its start must be 0 or more, and its stop later")
    names = table["segment_id"] if "segment_id" in table else pd.Series("", table.index)
    found: dict[Path, list[tuple[str, float, float]]] = {}
    for file, name, start_s, stop_s in zip(table["file"].str.strip(), names, start, stop, strict=True):
        beside, inside = path.parent / file, path.parent / "videos" / file
        video = inside if inside.exists() and not beside.exists() else beside
        found.setdefault(video, []).append((name, float(start_s), float(stop_s)))
    return [Request(video, intervals, window) for video, intervals in found.items()]
