"""Writes the demo dataset: videos, annotations, hand-object detections, and a manifest last of all."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from egokd.datasets.demos.kitchen.annotations import write_annotations
from egokd.datasets.demos.kitchen.detections import detect
from egokd.datasets.demos.kitchen.imu import write_imu
from egokd.datasets.demos.kitchen.scene import Seen, Stage
from egokd.datasets.demos.kitchen.script import VideoPlan, plan_videos
from egokd.datasets.demos.kitchen.sound import soundtrack
from egokd.datasets.demos.kitchen.video import write_video
from egokd.errors import UserError
from egokd.io import atomic_path, write_json
from egokd.runtime import progress

ASPECT = 4 / 3
SUPERSAMPLE = 2


def generate(
    root: Path,
    seed: int,
    train_kitchens: int,
    val_only_kitchens: int,
    train_segments: int,
    val_segments: int,
    frame_rate: float,
    short_side: int,
    label_noise: float,
    habits: float,
    silent_share: float,
    missed_box_share: float,
    imu: bool = False,
    processes: int = 1,
    segments_per_video: int = 12,
    scale: int = 1,
) -> None:
    """Write the whole dataset into `root`; the same arguments give the same annotations, boxes and pixels.

    `frame_rate` is that of the video files (the annotated frame numbers follow the fixed clocks of 50 and 60);
    `short_side` is the picture's height in pixels, multiplied by `scale`, which draws the same world larger.
    `label_noise` (training only), `habits` (see `plan_videos`), `silent_share` (of videos) and `missed_box_share` are
    shares in 0 to 1. At least one video is silent when the share is above zero. `imu` adds accelerometer files.
    `manifest.json` is written last: it lists what is complete.
    """
    check_sizes(train_kitchens, val_only_kitchens, train_segments, val_segments, short_side, frame_rate)
    root = Path(root)
    plans = plan_videos(
        seed,
        train_kitchens,
        val_only_kitchens,
        train_segments,
        val_segments,
        segments_per_video,
        label_noise,
        habits,
        silent_share,
    )
    height = short_side * scale
    size = (2 * round(height * ASPECT / 2), height)
    job = partial(make_video, root, seed, frame_rate=frame_rate, size=size, missed_box_share=missed_box_share)
    if processes > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context, initializer=one_thread) as pool:
            drain(pool.map(job, plans, chunksize=1), len(plans))
    else:
        one_thread()
        drain(map(job, plans), len(plans))
    write_annotations(root, plans, frame_rate, size)
    if imu:
        write_imu(root, seed, plans)
    manifest = {
        "videos": [p.video_id for p in plans],
        "parameters": {
            "seed": seed,
            "train_kitchens": train_kitchens,
            "val_only_kitchens": val_only_kitchens,
            "train_segments": train_segments,
            "val_segments": val_segments,
            "segments_per_video": segments_per_video,
            "frame_rate": frame_rate,
            "short_side": short_side,
            "scale": scale,
            "label_noise": label_noise,
            "habits": habits,
            "silent_share": silent_share,
            "missed_box_share": missed_box_share,
        },
    }
    write_json(root / "manifest.json", manifest)


def check_sizes(
    train_kitchens: int, val_only_kitchens: int, train_segments: int, val_segments: int, side: int, rate: float
) -> None:
    """Refuse sizes that make no dataset (UserError)."""
    if train_kitchens < 1 or train_segments < train_kitchens or val_segments < 1 or val_only_kitchens < 0:
        raise UserError(
            f"demo sizes: {train_segments} training segments over {train_kitchens} kitchens, {val_segments} validation "
            f"segments, {val_only_kitchens} kitchens for validation only; expected at least one training kitchen, one "
            "training segment for each, and one validation segment"
        )
    if side < 16 or side % 2 or rate <= 0:
        raise UserError(
            f"demo short_side {side}, frame_rate {rate}: expected an even height of 16 or more and a rate above 0"
        )


def drain(jobs: Iterator[None], total: int) -> None:
    """Run the jobs to the end, with progress."""
    for _ in progress(jobs, total, "rendering", "videos"):
        pass


def one_thread() -> None:
    """OpenCV's own threads only get in the way of one process per core."""
    cv2.setNumThreads(1)


def make_video(
    root: Path, seed: int, plan: VideoPlan, frame_rate: float, size: tuple[int, int], missed_box_share: float
) -> None:
    """Write one video and its detections."""
    stage = Stage(seed, plan, size[0] / size[1], size[1] * SUPERSAMPLE)
    times = np.arange(int(plan.duration_s * frame_rate)) / frame_rate
    boxes: list[list[Seen]] = []
    folder = root / plan.participant
    sound = None if plan.silent else soundtrack(seed, plan, stage.scripts)
    pictures = draw_frames(stage, times, size, boxes)
    write_video(folder / "videos" / f"{plan.video_id}.MP4", pictures, frame_rate, size, sound)
    data = detect(seed, plan, times, boxes, size[0] / size[1], missed_box_share)
    with atomic_path(folder / "hand-objects" / f"{plan.video_id}.pkl") as temporary:
        temporary.write_bytes(data)


def draw_frames(stage: Stage, times_s: np.ndarray, size: tuple[int, int], boxes: list) -> Iterator[np.ndarray]:
    """Yield uint8 RGB frames [h, w, 3]; appends each frame's true boxes to `boxes`."""
    for time in times_s:
        picture, seen = stage.frame(float(time))
        boxes.append(seen)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        yield (small * 255 + 0.5).astype(np.uint8)
