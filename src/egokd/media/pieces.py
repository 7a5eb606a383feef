"""One video in pieces, read as one: when each piece is on show, and which stretches no piece holds.

A piece begins at the second in its name and is on show until the next one begins, or until it ends. Its own time stamps
count from its first picture, as everywhere (`egokd.media.probe`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from egokd.media.errors import MediaError
from egokd.media.skipped import Skip, uncovered
from egokd.media.sources import Pieces

# between the end of a piece and the start of the next; pieces begin at whole seconds: one that is missing leaves more
JOIN_S = 0.5
END_S = 0.1  # a segment that goes on for longer after the last piece belongs to one that is missing


@dataclass(frozen=True)
class Hole:
    """[start_s, stop_s) of a video's time that cannot be read."""

    start_s: float
    stop_s: float
    reason: str


def stop_of(source: Pieces, number: int) -> float:
    """When the next piece takes over, in s; infinity for the last."""
    return float(source.files[number + 1][0]) if number + 1 < len(source.files) else float("inf")


def length_of(source: Pieces) -> int:
    """Seconds from one piece to the next; 0 for a single piece."""
    return min(
        (later[0] - earlier[0] for earlier, later in zip(source.files, source.files[1:], strict=False)), default=0
    )


def find_holes(source: Pieces, lengths_s: Sequence[float | MediaError]) -> tuple[list[Hole], float]:
    """(what the pieces leave out, end of the last readable one in s); `lengths_s` as their headers give them.

    MediaError if no piece is readable: the first one's.
    """
    holes: list[Hole] = []
    ends: list[float] = []
    done = 0.0  # what is before is read, or known to be a hole
    for number, ((start, _), length) in enumerate(zip(source.files, lengths_s, strict=True)):
        if start > done + JOIN_S:
            holes.append(Hole(done, start, f"{source.path}: no piece holds {done:.2f} to {start} s"))
        if isinstance(length, MediaError):
            holes.append(Hole(start, stop_of(source, number), str(length)))
            done = stop_of(source, number)
        else:
            done = start + length
            ends.append(done)
    if not ends:
        raise next(length for length in lengths_s if isinstance(length, MediaError))
    holes.append(Hole(ends[-1] + END_S, float("inf"), f"{source.path}: the last piece ends at {ends[-1]:.2f} s"))
    return holes, ends[-1]


def pieces_at(source: Pieces, times_s: np.ndarray) -> list[int]:
    """Rising numbers of the pieces that are on show at these times, or take over right after one of them."""
    starts = np.array([start for start, _ in source.files])
    places = np.concatenate([np.searchsorted(starts, times_s + ahead, side="right") - 1 for ahead in (0.0, END_S)])
    return np.unique(places[places >= 0]).tolist()


def outside(times_s: np.ndarray, holes: Iterable[Hole]) -> np.ndarray:
    """bool: times that lie in no hole."""
    there = np.ones(len(times_s), bool)
    for hole in holes:
        there &= (times_s < hole.start_s) | (times_s >= hole.stop_s)
    return there


def touching(rows: pd.DataFrame, holes: Sequence[Hole], end_s: float, step: str, what: str) -> list[Skip]:
    """Segments that touch a hole, and those of which the `what`, which ends at `end_s`, holds less than half."""
    skips = {skip.segment_id: skip for skip in uncovered(rows, end_s, step, what)}
    for row in rows.itertuples() if holes else ():
        for hole in holes:
            if hole.start_s < row.stop_s and row.start_s < hole.stop_s:
                skips[row.segment_id] = Skip(row.video_id, row.segment_id, step, hole.reason)
                break
    return list(skips.values())
