"""What both demo worlds do with a finished script: draw it in several processes, and list what is complete."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from egokd.io import write_json
from egokd.runtime import progress

ASPECT = 4 / 3  # width / height of the pictures
SUPERSAMPLE = 2  # pictures are drawn so many times larger, then shrunk

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_thread() -> None:
    """OpenCV's own threads only get in the way of one process per core."""
    cv2.setNumThreads(1)


def render(
    job: Callable[[Item], Result], items: Sequence[Item], processes: int, unit: str, chunksize: int = 1
) -> list[Result]:
    """`job(item)` of every item, in their order, by `processes` processes, with progress.

    unit       what an item is, for the progress line
    chunksize  items that a process is given at a time
    """
    if processes == 1:
        one_thread()
        return list(progress(map(job, items), len(items), "rendering", unit))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=one_thread) as pool:
        return list(progress(pool.map(job, items, chunksize=chunksize), len(items), "rendering", unit))


def picture_size(height: int) -> tuple[int, int]:
    """(width, height) in pixels, the width even as video codecs want it."""
    return 2 * round(height * ASPECT / 2), height


def shrink(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 RGB in 0 to 1 -> uint8 RGB [h, w, 3] of `size` (width, height)."""
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return (small * 255 + 0.5).astype(np.uint8)


def write_manifest(root: Path, videos: list[str], world: Any) -> None:
    """Write `manifest.json`, last of all: the finished videos, and the parameters of the world (a dataclass)."""
    write_json(root / "manifest.json", {"videos": videos, "parameters": asdict(world)})
