"""Writes the demo dataset: videos, annotations, hand-object detections, and finally a manifest."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from egokd.datasets.demos.kit.render import SUPERSAMPLE, picture_size, render, shrink, write_manifest
from egokd.datasets.demos.kitchen.annotations import write_annotations
from egokd.datasets.demos.kitchen.detections import detect
from egokd.datasets.demos.kitchen.imu import write_imu
from egokd.datasets.demos.kitchen.scene import Seen, Stage
from egokd.datasets.demos.kitchen.script import VideoPlan, World, plan_videos
from egokd.datasets.demos.kitchen.sound import soundtrack
from egokd.datasets.demos.kitchen.video import write_video
from egokd.errors import UserError
from egokd.io import atomic_path


def generate(root: Path, world: World, processes: int = 1) -> None:
    """Write the whole dataset into `root`; the same world gives the same annotations, boxes and pixels.

    `manifest.json` is written last: it lists what is complete.
    """
    check_sizes(world)
    root = Path(root)
    plans = plan_videos(world)
    render(partial(make_video, root, world), plans, processes, "videos")
    write_annotations(root, plans, world.frame_rate, picture_size(world.short_side * world.scale))
    if world.imu:
        write_imu(root, world.seed, plans)
    write_manifest(root, [plan.video_id for plan in plans], world)


def check_sizes(world: World) -> None:
    """Refuse sizes that make no dataset (UserError)."""
    kitchens, train, val = world.train_kitchens, world.train_segments, world.val_segments
    if kitchens < 1 or train < kitchens or val < 1 or world.val_only_kitchens < 0:
        raise UserError(
            f"demo sizes: {train} training segments over {kitchens} kitchens, {val} validation segments, "
            f"{world.val_only_kitchens} kitchens for validation only; expected at least one training kitchen, one "
            "training segment for each, and one validation segment"
        )
    side, rate = world.short_side, world.frame_rate
    if side < 16 or side % 2 or rate <= 0:
        raise UserError(
            f"demo short_side {side}, frame_rate {rate}: expected an even height of 16 or more and a rate above 0"
        )


def make_video(root: Path, world: World, plan: VideoPlan) -> None:
    """Write one video and its detections."""
    size = picture_size(world.short_side * world.scale)
    width = size[0] / size[1]
    stage = Stage(world.seed, plan, width, size[1] * SUPERSAMPLE)
    times = np.arange(int(plan.duration_s * world.frame_rate)) / world.frame_rate
    boxes: list[list[Seen]] = []
    folder = root / plan.participant
    sound = None if plan.silent else soundtrack(world.seed, plan, stage.scripts)
    pictures = draw_frames(stage, times, size, boxes)
    write_video(folder / "videos" / f"{plan.video_id}.MP4", pictures, world.frame_rate, size, sound)
    data = detect(world.seed, plan, times, boxes, width, world.missed_box_share)
    with atomic_path(folder / "hand-objects" / f"{plan.video_id}.pkl") as temporary:
        temporary.write_bytes(data)


def draw_frames(stage: Stage, times_s: np.ndarray, size: tuple[int, int], boxes: list) -> Iterator[np.ndarray]:
    """Yield uint8 RGB frames [h, w, 3]; appends each frame's true boxes to `boxes`."""
    for time in times_s:
        picture, seen = stage.frame(float(time))
        boxes.append(seen)
        yield shrink(picture, size)
