"""Frames as pictures: cropped by the loader, coloured and normalised on the device."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from egokd.config.base import Section
from egokd.sampling.modalities.common import Batch, Item, Paths, Segment, Shared, frames_available, read_crops
from egokd.sampling.views import View

if TYPE_CHECKING:
    import torch

    from egokd.media.frame_store import FrameStore

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Settings(Section):
    """Frames have no settings of their own: `views` says all."""


def open(paths: Paths) -> "FrameStore":
    """The stored frames."""
    from egokd.media.frame_store import FrameStore  # here, as egokd.sampling.modalities.common explains

    return FrameStore(list(paths))


def available(rows: pd.DataFrame, store: "FrameStore") -> np.ndarray:
    """bool [n]: at least one stored frame inside the segment or within one frame distance of it."""
    return frames_available(rows, store)


def read(store: "FrameStore", segment: Segment, view: View, settings: Settings, shared: Shared) -> Item:
    """{"pixels": uint8 [T, S, S, 3], "colour": float32 [3, 4]}; colours are changed later, by `finish`."""
    pixels = np.empty((len(view.times_s), shared.size, shared.size, 3), np.uint8)
    read_crops(store, segment.video_id, view, "image", pixels)
    return {"pixels": pixels, "colour": view.colour}


def as_image(item: Item, size: int) -> Item:
    """The same: frames are pictures."""
    return item


@cache
def _statistics(device: "torch.device") -> tuple["torch.Tensor", "torch.Tensor"]:
    """Mean and spread of ImageNet, float32 [1, 3, 1], copied to a device once: each copy would make a GPU wait."""
    import torch

    mean, std = (torch.tensor(values, device=device).view(1, 3, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return mean, std


def finish(batch: Batch, device: "torch.device | str") -> Batch:
    """{"pixels": float32 [B, 3, T, S, S]}: colours changed, clipped to [0, 1], normalised as for ImageNet."""
    import torch

    pixels = batch["pixels"].to(device, non_blocking=True)
    colour = batch["colour"].to(device, non_blocking=True)
    x_BNC = pixels.flatten(1, 3).float()
    # in full precision even where autocast is on: it is the input
    with torch.autocast(pixels.device.type, enabled=False):
        x_BCN = torch.baddbmm(colour[:, :, 3:], colour[:, :, :3] / 255, x_BNC.transpose(1, 2)).clamp_(0, 1)
    mean, std = _statistics(x_BCN.device)
    return {"pixels": x_BCN.sub_(mean).div_(std).unflatten(2, pixels.shape[1:4])}


def example(batch: int, num_frames: int, size: int, settings: Settings, stored: dict[str, Any]) -> Batch:
    """{"pixels": float32 [B, 3, T, S, S]}."""
    import torch

    return {"pixels": torch.randn(batch, 3, num_frames, size, size)}
