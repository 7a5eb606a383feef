"""Checksums: a bit that a disk, a cable or a memory chip flips is named when its file is read, not hidden in results.

CRC-32 finds every flipped bit and every burst of up to 32 bits, and misses other damage once in four thousand million
times. It is meant for accidents, not for people who alter files, and runs at 1 to 3 GB/s on one core, where the slower
digests of Python's library manage 0.2 to 0.5 GB/s (docs/reliability.md).

Bytes that are read as a whole (weights, tables, JSON, the metadata of stores) carry a mark among their own metadata:
`egokd-crc32:` and eight hexadecimal digits, the sum of everything with zeros in the place of these digits. What is read
in pieces (frames, waveforms, rows of logits) has a sum for each piece.
"""

import logging
import mmap
import multiprocessing
from pathlib import Path
from zlib import crc32

from egokd.errors import UserError
from egokd.makers import again

log = logging.getLogger("egokd")

KEY = "checksum"  # where a format keeps names and values, the mark is the value of this name
MARK = b"egokd-crc32:"
DIGITS = 8
BLANK = MARK.decode() + "0" * DIGITS  # what a writer puts in before `seal`

_unchecked: set[str] = set()  # kinds of files that were said to be old


def _sum(data: bytes | mmap.mmap, place: int) -> bytes:
    view = memoryview(data)
    try:
        before = crc32(b"0" * DIGITS, crc32(view[:place]))
        return b"%08x" % crc32(view[place + DIGITS :], before)
    finally:
        view.release()


def seal(data: bytes) -> bytes:
    """The same bytes with the digits of their sum in the last `BLANK`. ValueError without one: a bug of the writer."""
    place = data.rfind(BLANK.encode())
    if place < 0:
        raise ValueError("no place for a checksum")
    place += len(MARK)
    return data[:place] + _sum(data, place) + data[place + DIGITS :]


def intact(data: bytes | mmap.mmap) -> bool | None:
    """Whether marked bytes are as they were written; None without a mark: they were written before there were any."""
    place = data.rfind(MARK)
    if place < 0:
        return None
    place += len(MARK)
    return data[place : place + DIGITS] == _sum(data, place)


def damaged(path: str | Path, what: str) -> UserError:
    """The error of a file whose bytes are not those that were written: which, `what` of it, and what to do."""
    return UserError(f"{path}: damaged ({what}). {again(path)}")


def check(path: str | Path, data: bytes | mmap.mmap, kind: str) -> None:
    """UserError unless marked bytes of the file are intact; without a mark, `say_unchecked`."""
    whole = intact(data)
    if whole is None:
        say_unchecked(path, kind)
    elif not whole:
        raise damaged(path, "its content does not match its checksum")


def check_file(path: str | Path, kind: str) -> None:
    """`check` a whole file. An empty one is left to its reader. Raises OSError where it cannot be opened."""
    with Path(path).open("rb") as handle:
        if handle.seek(0, 2):
            with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
                check(path, data, kind)


def say_unchecked(path: str | Path, kind: str) -> None:
    """Say once for each kind of file (in the plural) that some have no checksums: they are read all the same."""
    if kind not in _unchecked and multiprocessing.parent_process() is None:
        _unchecked.add(kind)
        log.info("%s: made before %s had checksums, read without a check", path, kind)
