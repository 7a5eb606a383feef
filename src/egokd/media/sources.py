"""Where the pictures of a video come from: a video file, its pieces in a folder, or numbered JPEG or PNG files in a tar
or in a folder.

Names end with the number: 000001.jpg, frame_0000000001.jpg, img_00001.jpg, image_00001.jpg, frame-000001.png, or the
video's id before it (78687_000001.jpg). Files of one video have one name and lie in one folder; which of two would be
meant is not guessed. Flow lies in folders `u` and `v`. Tars are read in place: the headers are walked through once,
then files are read at their offsets. Nothing is unpacked.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egokd.media.errors import MediaError
from egokd.media.opening import is_file

NUMBERED = re.compile(r"^((?:.*/)?)([^/]*?)([0-9]+)\.(?:jpe?g|png)$", re.IGNORECASE)
PIECE = re.compile(r"([0-9]{1,6})\.(?:mp4|mkv|mov|webm|avi)", re.IGNORECASE)
COLUMN_FOLDER = re.compile(r"(?:^|(?<=/))([uv])/$", re.IGNORECASE)
USUAL_NAMES = ("", "frame", "img", "image")  # before the number; where they are, files of other names are others
VIDEO_SUFFIXES = frozenset(
    f".{name}" for name in ["3gp", "avi", "flv", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "ts", "webm", "wmv"]
)  # how files are called that are looked for in folders; any file may be named
MAX_DIGITS = 12  # leading zeros included; more are no frame numbers


@dataclass(frozen=True)
class VideoFile:
    """A video with its own time stamps."""

    path: Path


@dataclass(frozen=True)
class Pieces:
    """A video in pieces: a folder with files named by the second at which each begins (0.MP4, 15.MP4, ...).

    `files`: (start in s, file), rising, at least one. How they are joined: `egokd.media.pieces`.
    """

    path: Path
    files: tuple[tuple[int, Path], ...]


@dataclass(frozen=True)
class FrameFiles:
    """Frames extracted at a fixed rate: file number n, counted from 1, is on show from (n - 1) / rate until n / rate.

    `other_clock` (count, rate): if there are at least `count` files, they were extracted at that rate instead (a faulty
    release that can be told by its number of files). `video`: the video itself, or the folder of its pieces, where it
    is there too; it is read in place of frames that are not all there.
    """

    path: Path
    rate: float
    other_clock: tuple[int, float] | None = None
    video: Path | None = None

    def clock(self, count: int) -> float:
        """Frames per second of the files, of which there are `count`."""
        return self.other_clock[1] if self.other_clock and count >= self.other_clock[0] else self.rate


@dataclass(frozen=True)
class FlowFiles:
    """Published flow, u and v as 8-bit images: file f belongs to frame (f - 1) * stride + 1 of the clock of `files`.

    A code c means (c - 128) * bound / 127.5 pixels of displacement over `dilation` frames.
    """

    files: FrameFiles
    stride: int
    dilation: int
    bound: float


Source = VideoFile | Pieces | FrameFiles


def moving(path: Path | None) -> VideoFile | Pieces | None:
    """The video at `path`, in one file or in a folder of pieces; None where there is neither."""
    if path is None or is_file(path):
        return VideoFile(path) if path else None
    try:
        found = [(int(match[1]), file) for file in path.iterdir() if (match := PIECE.fullmatch(file.name))]
    except (OSError, ValueError):
        return None
    files = dict(sorted(found, reverse=True))  # of 15.MP4 and 15.mp4, the first by name
    return Pieces(path, tuple(sorted(files.items()))) if files else None


Place = tuple[int, int] | Path


def _by_folder(path: Path) -> dict[tuple[str, str], dict[str, dict[int, tuple[str, Place]]]]:
    """{(folder, what stands before the number): {column: {number: (name, place)}}}; MediaError for absurd numbers."""
    found: dict[tuple[str, str], dict[str, dict[int, tuple[str, Place]]]] = {}
    for name, place in _tar_members(path) if path.is_file() else _folder_members(path):
        match = NUMBERED.match(name.removeprefix("./"))
        if not match or match[2].startswith("."):  # copies that macOS makes of every file
            continue
        folder, prefix, digits = match[1], match[2].lower(), match[3]
        column = COLUMN_FOLDER.search(folder)
        if len(digits) > MAX_DIGITS:
            raise MediaError(f"{path}: {name} is numbered with {len(digits)} digits, which cannot be a frame's number")
        folder = folder[: column.start()] if column else folder
        numbers = found.setdefault((folder, prefix), {}).setdefault(column[1].lower() if column else "", {})
        if numbers.get(int(digits), (name,))[0] != name:
            raise MediaError(f"{path}: {numbers[int(digits)][0]} and {name} have the same number")
        numbers[int(digits)] = (name, place)
    return found


class NumberedFiles:
    """Numbered image files of a tar or folder; `columns` are "" for frames, "u" and "v" for flow.

    MediaError if there is no such file, the tar is compressed or cut off, nothing in it is numbered, or frames of two
    videos are in it.
    """

    def __init__(self, path: Path):
        self.path = path
        found = _by_folder(path)
        usual = {key: columns for key, columns in found.items() if key[1].strip("_-. ") in USUAL_NAMES}
        found = usual or found
        if not found:
            raise MediaError(f"{path}: holds no numbered JPEG files (expected names like frame_0000000001.jpg)")
        if len(found) > 1:
            first, second = (f"{folder}{prefix}..." for folder, prefix in sorted(found)[:2])
            raise MediaError(f"{path}: holds frames of two kinds, {first} and {second}; keep those of one video")
        (columns,) = found.values()
        self._places = {column: {n: place for n, (_, place) in files.items()} for column, files in columns.items()}
        self._numbers = {column: np.array(sorted(files), np.int64) for column, files in self._places.items()}

    @property
    def columns(self) -> list[str]:
        """What there is."""
        return sorted(self._numbers)

    def numbers(self, column: str = "") -> np.ndarray:
        """int64, rising: numbers of the files, counted from 1 (also where the files themselves count from 0)."""
        if column not in self._numbers:
            raise MediaError(f"{self.path}: has no files for {column!r}; it has {self.columns}")
        return self._numbers[column] + self._shift(column)

    def _shift(self, column: str) -> int:
        return int(self._numbers[column][0] == 0)

    def read(self, number: int, column: str = "") -> bytes:
        """The bytes of a file by its number, counted from 1."""
        place = self._places[column][int(number) - self._shift(column)]
        if isinstance(place, Path):
            return place.read_bytes()
        offset, size = place
        with self.path.open("rb") as handle:
            handle.seek(offset)
            return handle.read(size)


def _tar_members(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    size = path.stat().st_size
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.isfile():
                    if member.offset_data + member.size > size:
                        raise MediaError(f"{path}: cut off inside {member.name}; download it again")
                    yield member.name, (member.offset_data, member.size)
    except (tarfile.TarError, OSError) as error:
        raise MediaError(f"{path}: not a plain, whole tar file ({error})") from None


def _folder_members(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        raise MediaError(f"{path}: no such file or folder")
    try:
        for file in sorted(path.iterdir()):
            if file.is_dir():
                yield from ((f"{file.name}/{inner.name}", inner) for inner in file.iterdir())
            else:
                yield file.name, file
    except OSError as error:
        raise MediaError(f"{path}: cannot be listed ({error})") from None
