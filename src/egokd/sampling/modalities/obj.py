"""Boxes of hands and objects, cropped and clipped with the view."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from egokd.config.base import Count, Section
from egokd.errors import UserError
from egokd.sampling.modalities.common import Batch, Item, Paths, Segment, Shared, segments_available
from egokd.sampling.views import IDENTITY_COLOUR, View

if TYPE_CHECKING:
    import torch

    from egokd.media.objects import ObjectStore

TIME_TOLERANCE_S = 1e-6  # far below any frame distance, far above rounding errors of k / rate
FIELDS = ("boxes", "category", "score", "side", "state")
PAD, OBJECT, HAND = 0, 1, 2
SIDES, STATES = 3, 6  # "none" included, as 0
OUTLINES = {OBJECT: (255, 0, 0), HAND: (0, 0, 255)}  # RGB


class Settings(Section):
    """Boxes as input."""

    max_boxes: Count
    """Boxes per frame; the highest scores are kept."""


def open(paths: Paths) -> "ObjectStore":
    """The stored boxes, all of them in memory, which loading processes share with the one that starts them."""
    from egokd.media.objects import ObjectStore  # here, as egokd.sampling.modalities.common explains

    store = ObjectStore(list(paths))
    store.preload()
    return store


def available(rows: pd.DataFrame, store: "ObjectStore") -> np.ndarray:
    """bool [n]: whether the segment has any box.

    Raises UserError where it has and the segment table does not know the aspect of the video.
    """
    found = segments_available(rows, store)
    unknown = rows["segment_id"][found & rows["aspect"].isna().to_numpy()]
    if len(unknown):
        raise UserError(
            f"segment {unknown.iloc[0]!r}: the segment table does not know the width and height of its video, and "
            "boxes cannot be cropped without; add the video's size to the annotations (EPIC: EPIC_100_video_info.csv)"
        )
    return found


def crop_boxes(boxes: np.ndarray, view: View, aspect: float) -> np.ndarray:
    """Boxes [n, 4] (x1, y1, x2, y2 in shares of the frame) in shares of the view's crop, clipped to it.

    aspect: width / height of the frame.
    """
    side = view.scale * min(aspect, 1.0)
    corner = np.array([view.cx * (aspect - side), view.cy * (1.0 - side)] * 2)
    return np.clip((boxes * [aspect, 1.0, aspect, 1.0] - corner) / side, 0.0, 1.0)


def read(store: "ObjectStore", segment: Segment, view: View, settings: Settings, shared: Shared) -> Item:
    """The boxes of each frame, highest scores first, padded with zeros.

    {"boxes": float32 [T, N, 4] in shares of the crop, "category": int64 [T, N] (0 pad, 1 object, 2 hand), "score":
    float32 [T, N], "side": int64 [T, N] (0 none, 1 left, 2 right), "state": int64 [T, N] (0 none, 1..5)}. Boxes are
    stored at the rate of the frames, so a frame takes those of the nearest annotated frame inside the segment if it is
    within one frame distance, else it has none. A box with less than one pixel left in the crop, in width or height, is
    dropped.
    """
    rows = _inside(store.rows(segment.segment_id), view)
    out = _no_boxes(len(view.times_s), settings.max_boxes)
    if len(time_s := rows["time_s"]) == 0:
        return out
    boxes = crop_boxes(np.stack([rows[name] for name in ("x1", "y1", "x2", "y2")], axis=1), view, segment.aspect)
    seen = ((boxes[:, 2:] - boxes[:, :2]) * shared.size >= 1).all(axis=1)
    fields = {
        "boxes": boxes,
        "category": np.where(rows["category"] == "hand", HAND, OBJECT),
        "score": rows["score"],
        "side": rows["side"] + 1,
        "state": rows["state"] + 1,
    }
    moments = np.unique(time_s)
    after = np.searchsorted(moments, view.times_s)
    left, right = moments[np.maximum(after - 1, 0)], moments[np.minimum(after, len(moments) - 1)]
    nearest = np.where(abs(right - view.times_s) < abs(view.times_s - left), right, left)
    near = np.abs(nearest - view.times_s) <= 1 / shared.frame_rate + TIME_TOLERANCE_S
    first, stop = np.searchsorted(time_s, nearest, "left"), np.searchsorted(time_s, nearest, "right")
    for t in np.flatnonzero(near):
        chosen = first[t] + np.flatnonzero(seen[first[t] : stop[t]])
        chosen = chosen[np.argsort(-rows["score"][chosen], kind="stable")][: settings.max_boxes]
        for name, values in fields.items():
            out[name][t, : len(chosen)] = values[chosen]
    return out


def _inside(rows: dict[str, np.ndarray], view: View) -> dict[str, np.ndarray]:
    """Rows of frames inside [start_s, stop_s): what lies around the segment is not shown in other modalities either."""
    low, high = np.searchsorted(rows["time_s"], np.array([view.start_s, view.stop_s]) - TIME_TOLERANCE_S)
    return {name: column[low:high] for name, column in rows.items()}


def _no_boxes(frames: int, max_boxes: int) -> Item:
    """What `read` gives without any box."""
    shape = (frames, max_boxes)
    out = {name: np.zeros(shape, np.float32 if name == "score" else np.int64) for name in FIELDS[1:]}
    return {**out, "boxes": np.zeros((*shape, 4), np.float32)}


def as_image(item: Item, size: int) -> Item:
    """A picture uint8 [T, S, S, 3]: outlines two pixels wide on white, hands blue, objects red; high scores on top."""
    canvas = np.full((len(item["category"]), size, size, 3), 255, np.uint8)
    corners = np.rint(item["boxes"] * size).astype(int)
    for t, n in np.argwhere(item["category"] != PAD)[::-1].tolist():
        x1, y1, x2, y2 = corners[t, n].tolist()
        part = canvas[t, y1:y2, x1:x2]
        colour = OUTLINES[int(item["category"][t, n])]
        part[:2], part[-2:], part[:, :2], part[:, -2:] = colour, colour, colour, colour
    return {"pixels": canvas, "colour": IDENTITY_COLOUR}


def finish(batch: Batch, device: "torch.device | str") -> Batch:
    """The five tensors of `read`: boxes [B, T, N, 4], category, score, side and state [B, T, N]."""
    return {name: batch[name].to(device, non_blocking=True) for name in FIELDS}


def example(batch: int, num_frames: int, size: int, settings: Settings, stored: dict[str, Any]) -> Batch:
    """The tensors of `finish` with every place taken: the dearest clip."""
    import torch

    shape = (batch, num_frames, settings.max_boxes)
    return {
        "boxes": torch.rand(*shape, 2, 2).sort(dim=-2).values.flatten(-2),
        "category": torch.randint(OBJECT, HAND + 1, shape),
        "score": torch.rand(shape),
        "side": torch.randint(0, SIDES, shape),
        "state": torch.randint(0, STATES, shape),
    }
