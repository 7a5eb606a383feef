"""Optical flow: displacements of the stored flow, cropped like frames and scaled with the crop."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from egokd.config.base import Positive, Section
from egokd.sampling.modalities.common import Batch, Item, Paths, Segment, Shared, frames_available, read_crops
from egokd.sampling.views import IDENTITY_COLOUR, View

if TYPE_CHECKING:
    import torch

    from egokd.media.frame_store import FrameStore

CLIP = 4.0  # in units of `scale`; far outliers of dense flow are errors rather than motion
ZERO, STEPS = 128, 127.5  # the stored code of no motion; codes from there to the store's bound


class Settings(Section):
    """Optical flow as input."""

    scale: Positive
    """Flow in input pixels per frame step that becomes 1.0."""


def open(paths: Paths) -> "FrameStore":
    """The stored flow, in the columns u and v."""
    from egokd.media.frame_store import FrameStore  # here, as egokd.sampling.modalities.common explains

    return FrameStore(list(paths))


def available(rows: pd.DataFrame, store: "FrameStore") -> np.ndarray:
    """bool [n]: at least one stored flow frame inside the segment or within one frame distance of it."""
    return frames_available(rows, store)


def read(store: "FrameStore", segment: Segment, view: View, settings: Settings, shared: Shared) -> Item:
    """{"pixels": uint8 [T, S, S, 2], "gain": float32 []}: u and v as stored codes, cropped and resized.

    (code - 128) * gain is the displacement in input pixels per frame step, divided by `scale`: resizing the crop scales
    its vectors by S / side, and here this factor is part of the gain.
    """
    planes = np.empty((2, len(view.times_s), shared.size, shared.size), np.uint8)
    for plane, column in zip(planes, ("u", "v"), strict=True):
        side = read_crops(store, segment.video_id, view, column, plane)
    gain = store.metadata["bound"] / STEPS * shared.size / side / settings.scale
    return {"pixels": np.stack([*planes], axis=-1), "gain": np.float32(gain)}


def as_image(item: Item, size: int) -> Item:
    """A picture uint8 [T, S, S, 3] of `read`'s item: u and v as 128 + 127 * value / CLIP, and 0."""
    value = np.clip((np.arange(256) - ZERO) * float(item["gain"]), -CLIP, CLIP)
    codes = np.rint(128 + 127 * value / CLIP).astype(np.uint8)[item["pixels"]]
    return {"pixels": np.concatenate([codes, np.zeros_like(codes[..., :1])], axis=-1), "colour": IDENTITY_COLOUR}


def finish(batch: Batch, device: "torch.device | str") -> Batch:
    """{"pixels": float32 [B, 3, T, S, S]}: (u, v, 0) in units of `scale`, clipped."""
    import torch

    pixels = batch["pixels"].to(device, non_blocking=True)
    x_BTHWC = (pixels.float() - ZERO) * batch["gain"].to(device, non_blocking=True).view(-1, 1, 1, 1, 1)
    x_BTHWC = torch.nn.functional.pad(x_BTHWC.clamp_(-CLIP, CLIP), (0, 1))
    return {"pixels": x_BTHWC.permute(0, 4, 1, 2, 3).contiguous()}


def example(batch: int, num_frames: int, size: int, settings: Settings, stored: dict[str, Any]) -> Batch:
    """{"pixels": float32 [B, 3, T, S, S]}; the third channel is 0, as in `finish`."""
    import torch

    pixels = torch.randn(batch, 3, num_frames, size, size)
    pixels[:, 2] = 0
    return {"pixels": pixels}
