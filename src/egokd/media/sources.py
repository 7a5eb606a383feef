"""Where the pictures of a video come from: a video file, or numbered JPEG files in a tar or in a folder.

Tars are read in place: the headers are walked through once, then files are read at their offsets. Nothing is unpacked.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egokd.media.errors import MediaError

# {number}.jpg, frame_{number}.jpg, img_{number}.jpg; flow: in folders u and v
NUMBERED = re.compile(r"^(?:.*?/)??(?:([uv])/)?(?:frame_|img_)?(\d+)\.jpe?g$", re.IGNORECASE)


@dataclass(frozen=True)
class VideoFile:
    """A video with its own time stamps."""

    path: Path


@dataclass(frozen=True)
class FrameFiles:
    """Frames extracted at a fixed rate: file number n, counted from 1, is on show from (n - 1) / rate until n / rate.

    `other_clock` (count, rate): if there are at least `count` files, they were extracted at that rate instead (a faulty
    release that can be told by its number of files).
    """

    path: Path
    rate: float
    other_clock: tuple[int, float] | None = None

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


Source = VideoFile | FrameFiles


class NumberedFiles:
    """Numbered JPEG files of a tar or folder; `columns` are "" for frames, "u" and "v" for flow.

    MediaError if there is no such file, the tar is compressed or cut off, or nothing in it is numbered.
    """

    def __init__(self, path: Path):
        self.path = path
        self._places: dict[str, dict[int, tuple[int, int] | Path]] = {}
        for name, place in _tar_members(path) if path.is_file() else _folder_members(path):
            match = NUMBERED.match(name)
            if match:
                self._places.setdefault((match[1] or "").lower(), {})[int(match[2])] = place
        if not self._places:
            raise MediaError(f"{path}: holds no numbered JPEG files (expected names like frame_0000000001.jpg)")
        self._numbers = {column: np.array(sorted(found), np.int64) for column, found in self._places.items()}

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
    except tarfile.TarError as error:
        raise MediaError(f"{path}: not a plain, whole tar file ({error})") from None


def _folder_members(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        raise MediaError(f"{path}: no such file or folder")
    for file in path.iterdir():
        if file.is_dir():
            yield from ((f"{file.name}/{inner.name}", inner) for inner in file.iterdir())
        else:
            yield file.name, file
