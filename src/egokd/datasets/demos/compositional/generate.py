"""Writes the compositional demo: clips, labels, split, boxes, and a manifest last of all."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from egokd.datasets.demos.compositional.annotations import annotated_frames, write_annotations
from egokd.datasets.demos.compositional.scene import Seen, Stage
from egokd.datasets.demos.compositional.script import ACTIONS, Clip, plan_clips
from egokd.datasets.demos.compositional.video import write_clip
from egokd.errors import UserError
from egokd.io import write_json
from egokd.runtime import progress

ASPECT = 4 / 3
SUPERSAMPLE = 2
VIDEO_FOLDER = "20bn-something-something-v2"


def generate(
    root: Path,
    seed: int,
    train_clips: int,
    val_clips: int,
    short_side: int,
    correlation: float,
    label_noise: float,
    unannotated_share: float,
    processes: int = 1,
) -> None:
    """Write the whole dataset into `root`; the same arguments give the same annotations, boxes and pixels.

    `short_side` is the height of the videos in pixels. `correlation` (share of training clips that show a favourite
    object of their action), `label_noise` (training only) and `unannotated_share` (of clips, no boxes) are shares in
    0 to 1. `manifest.json` is written last: it lists what is complete.
    """
    check_sizes(train_clips, val_clips, short_side)
    root = Path(root)
    clips = plan_clips(seed, train_clips, val_clips, correlation, label_noise, unannotated_share)
    size = (2 * round(short_side * ASPECT / 2), short_side)
    job = partial(make_clip, root, seed, size=size)
    if processes > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context, initializer=one_thread) as pool:
            boxes = gather(pool.map(job, clips, chunksize=4), clips)
    else:
        one_thread()
        boxes = gather(map(job, clips), clips)
    write_annotations(root, clips, boxes)
    parameters = {
        "seed": seed,
        "train_clips": train_clips,
        "val_clips": val_clips,
        "short_side": short_side,
        "correlation": correlation,
        "label_noise": label_noise,
        "unannotated_share": unannotated_share,
    }
    write_json(root / "manifest.json", {"videos": [clip.clip_id for clip in clips], "parameters": parameters})


def check_sizes(train_clips: int, val_clips: int, side: int) -> None:
    """Refuse sizes that make no dataset (UserError)."""
    if train_clips < len(ACTIONS) or val_clips < 1:
        raise UserError(
            f"demo sizes: {train_clips} training and {val_clips} validation clips; expected at least {len(ACTIONS)} "
            "training clips, one for each class, and one validation clip"
        )
    if side < 16 or side % 2:
        raise UserError(f"demo short_side {side}: expected an even height of 16 or more")


def gather(results: Iterator[list[dict]], clips: list[Clip]) -> dict[str, list[dict]]:
    """Clip id -> its annotated frames, for clips that have any; with progress."""
    done = zip(clips, progress(results, len(clips), "rendering", "clips"), strict=True)
    return {clip.clip_id: frames for clip, frames in done if frames}


def one_thread() -> None:
    """OpenCV's own threads only get in the way of one process per core."""
    cv2.setNumThreads(1)


def make_clip(root: Path, seed: int, clip: Clip, size: tuple[int, int]) -> list[dict]:
    """Write one clip; returns its annotated frames."""
    aspect = size[0] / size[1]
    stage = Stage(seed, clip, aspect, size[1] * SUPERSAMPLE)
    seen: list[list[Seen]] = []
    write_clip(root / VIDEO_FOLDER / f"{clip.clip_id}.webm", draw_frames(stage, size, seen), size)
    return annotated_frames(seed, clip, seen, aspect)


def draw_frames(stage: Stage, size: tuple[int, int], seen: list[list[Seen]]) -> Iterator[np.ndarray]:
    """Yield uint8 RGB frames [h, w, 3]; appends each frame's true boxes to `seen`."""
    for number in range(stage.clip.frames):
        picture, boxes = stage.frame(number)
        seen.append(boxes)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        yield (small * 255 + 0.5).astype(np.uint8)
