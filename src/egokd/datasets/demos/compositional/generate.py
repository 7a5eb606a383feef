"""Writes the compositional demo: clips, labels, split, boxes, and finally a manifest."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from egokd.datasets.demos.compositional.annotations import annotated_frames, write_annotations
from egokd.datasets.demos.compositional.scene import Seen, Stage
from egokd.datasets.demos.compositional.script import ACTIONS, Clip, World, plan_clips
from egokd.datasets.demos.compositional.video import write_clip
from egokd.datasets.demos.kit.render import SUPERSAMPLE, picture_size, render, shrink, write_manifest
from egokd.errors import UserError

VIDEO_FOLDER = "20bn-something-something-v2"


def generate(root: Path, world: World, processes: int = 1) -> None:
    """Write the whole dataset into `root`; the same world gives the same annotations, boxes and pixels.

    `manifest.json` is written last: it lists what is complete.
    """
    check_sizes(world)
    root = Path(root)
    clips = plan_clips(world)
    annotated = render(partial(make_clip, root, world), clips, processes, "clips", chunksize=4)
    boxes = {clip.clip_id: frames for clip, frames in zip(clips, annotated, strict=True) if frames}
    write_annotations(root, clips, boxes)
    write_manifest(root, [clip.clip_id for clip in clips], world)


def check_sizes(world: World) -> None:
    """Refuse sizes that make no dataset (UserError)."""
    if world.train_clips < len(ACTIONS) or world.val_clips < 1:
        raise UserError(
            f"demo sizes: {world.train_clips} training and {world.val_clips} validation clips; expected at least "
            f"{len(ACTIONS)} training clips, one for each class, and one validation clip"
        )
    if world.short_side < 16 or world.short_side % 2:
        raise UserError(f"demo short_side {world.short_side}: expected an even height of 16 or more")


def make_clip(root: Path, world: World, clip: Clip) -> list[dict]:
    """Write one clip; returns its annotated frames."""
    size = picture_size(world.short_side)
    aspect = size[0] / size[1]
    stage = Stage(world.seed, clip, aspect, size[1] * SUPERSAMPLE)
    seen: list[list[Seen]] = []
    write_clip(root / VIDEO_FOLDER / f"{clip.clip_id}.webm", draw_frames(stage, size, seen), size)
    return annotated_frames(world.seed, clip, seen, aspect)


def draw_frames(stage: Stage, size: tuple[int, int], seen: list[list[Seen]]) -> Iterator[np.ndarray]:
    """Yield uint8 RGB frames [h, w, 3]; appends each frame's true boxes to `seen`."""
    for number in range(stage.clip.frames):
        picture, boxes = stage.frame(number)
        seen.append(boxes)
        yield shrink(picture, size)
