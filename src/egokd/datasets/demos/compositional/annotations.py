"""The official files: labels and lists of Something-Something V2, the compositional split, and the boxes.

Boxes are in pixels of a frame 240 high, as officially, whatever the height of the rendered videos. A frame is
{"name": "{id}/0001.jpg", "labels": [...], "gt_placeholders": [...], "nr_instances": n}.
"""

from pathlib import Path

import numpy as np

from egokd.datasets.demos.compositional.scene import HAND, Seen
from egokd.datasets.demos.compositional.script import ACTIONS, Clip
from egokd.hashing import world_generator
from egokd.io import write_json

HEIGHT = 240  # pixels, of the frames that the official boxes were drawn on
JITTER = 0.008  # standard deviation of a drawn edge, picture heights
LEAST_VISIBLE = 0.25  # share of a box that must lie in the picture for somebody to draw it
BOX_FILES = 2  # the official boxes come in four
TEMPLATES = tuple(action.template for action in ACTIONS)


def plain(template: str) -> str:
    """A template as the label files write it: without square brackets."""
    return template.replace("[", "").replace("]", "")


def write_annotations(root: Path, clips: list[Clip], boxes: dict[str, list[dict]]) -> None:
    """Write every JSON file; `boxes` are the annotated frames of the clips that have any."""
    official = {name: str(number) for number, name in enumerate(sorted(map(plain, TEMPLATES)))}
    # the split's own file numbers the same templates differently, as the published one does
    other = {name: str(len(official) - 1 - int(number)) for name, number in official.items()}
    for folder, labels in ((root / "labels", official), (root / "dataset_splits" / "compositional", other)):
        write_json(folder / "labels.json", labels)
        for split, name in (("train", "train"), ("val", "validation")):
            write_json(folder / f"{name}.json", [entry(clip) for clip in clips if clip.split == split])
    ids = sorted(boxes, key=int)
    for part in range(BOX_FILES):
        own = {clip_id: boxes[clip_id] for clip_id in ids[part::BOX_FILES]}
        write_json(root / f"bounding_box_smthsmth_part{part + 1}.json", own)


def entry(clip: Clip) -> dict:
    """A clip's entry in the list of its split."""
    action = ACTIONS[clip.label]
    # a wrong label may name more objects than the clip shows
    names = [clip.things[min(k, len(clip.things) - 1)].name for k in range(action.things)]
    label = action.template.lower()
    for name in names:
        label = label.replace("[something]", name, 1)
    return {"id": clip.clip_id, "label": label, "template": action.template, "placeholders": names}


def annotated_frames(seed: int, clip: Clip, seen: list[list[Seen]], aspect: float) -> list[dict]:
    """The official annotation of a clip's first frames; `seen` holds the true boxes of every frame."""
    rng = world_generator(seed, "boxes", clip.clip_id)
    frames = []
    for number, items in enumerate(seen[: clip.annotated_frames], 1):
        labels = [label for item in items if (label := drawn(clip, item, aspect, rng))]
        names = [thing.name for thing in clip.things]
        frame = {"name": f"{clip.clip_id}/{number:04d}.jpg", "labels": labels}
        frames.append(frame | {"gt_placeholders": names, "nr_instances": len(labels)})
    return frames


def drawn(clip: Clip, item: Seen, aspect: float, rng: np.random.Generator) -> dict | None:
    """A box as a person would draw it: a little off, cut at the picture's edge; None where hardly anything is in it."""
    noise = rng.normal(0, JITTER, 4)
    x1, y1, x2, y2 = np.array(item.box) + noise
    left, right, top, bottom = max(x1, 0), min(x2, aspect), max(y1, 0), min(y2, 1)
    inside = max(right - left, 0) * max(bottom - top, 0)
    if inside < LEAST_VISIBLE * (x2 - x1) * (y2 - y1):
        return None
    thing = None if isinstance(item.what, str) else item.what
    corners = {"x1": left, "y1": top, "x2": right, "y2": bottom}
    return {
        "box2d": {key: round(float(value) * HEIGHT, 2) for key, value in corners.items()},
        "category": HAND if thing is None else clip.things[thing].name,
        "standard_category": HAND if thing is None else f"{thing:04d}",
    }
