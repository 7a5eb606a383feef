"""What modality modules share: how a segment and its inputs are described, and the geometry of a view's crop.

Every module egokd.sampling.modalities.{name} offers

- `Settings`, the section `inputs.{name}` of the config; without keys where there is nothing to set;
- `open(paths)`, a store over the shards `paths`, which may be handed to worker processes;
- `available(rows, store)`, bool [n]: which segments of a table there is anything to read of;
- `read(store, segment, view, settings, shared)`, small numpy arrays by name: the segment as the view shows it;
- `as_image(item, size)`, what `read` gave in the form of the modality rgb, for the omnivore;
- `finish(batch, device)`, what nets read, on the device, from a collated batch of what `read` gave. Other entries of
  the batch are left out;
- `example(batch, num_frames, size, settings, stored)`, random inputs of nets in their true shape. `stored` is the
  section of the same name under `media` as a dict, empty without.

Modules are imported by the Snakefile and by processes that draw or tabulate, so what takes long to import (torch,
pyarrow behind the stores) is imported inside the functions that use it.

Legend: B segments, T frames, S side of the input in pixels, N boxes per frame, M mel bands, W columns, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd

from egokd.errors import UserError
from egokd.sampling.views import View

if TYPE_CHECKING:
    import torch

    from egokd.media.frame_store import FrameStore

Item = dict[str, Any]  # numpy arrays and numbers
Batch = dict[str, "torch.Tensor"]
Paths = Sequence[str | Path]


@dataclass(frozen=True)
class Segment:
    """What a modality is told about the segment it reads. aspect: width / height of the video, NaN if unknown."""

    segment_id: str
    video_id: str
    aspect: float


@dataclass(frozen=True)
class Shared:
    """What all modalities of an experiment share. size: S. frame_rate: stored frames per second."""

    size: int
    frame_rate: float


def crop_box(view: View, width: int, height: int) -> tuple[int, int, int]:
    """(left, top, side) of the view's square crop, in whole pixels of a stored frame."""
    side = max(1, round(view.scale * min(width, height)))
    return round(view.cx * (width - side)), round(view.cy * (height - side)), side


def read_crops(store: "FrameStore", video_id: str, view: View, column: str, out: np.ndarray) -> int:
    """Fill `out` uint8 [T, S, S, 3] or, one channel, [T, S, S]; returns the crop's side in stored pixels.

    Raises UserError where the store has no frame of the video or a damaged one.
    """
    info = store.info(video_id)
    left, top, side = crop_box(view, info["width"], info["height"])
    colours, size = ("RGB" if out.ndim == 4 else "GRAY"), out.shape[1]
    # linear interpolation aliases once it skips pixels
    method = cv2.INTER_AREA if side > 1.5 * size else cv2.INTER_LINEAR
    rows = store.nearest(video_id, view.times_s, view.start_s, view.stop_s).tolist()
    for t, row in enumerate(rows):
        if t and row == rows[t - 1]:  # a short segment shows a frame several times
            out[t] = out[t - 1]
            continue
        try:
            frame = store.decoded(row, column, colours)
        except UserError:
            raise
        except ValueError as error:
            raise UserError(
                f"video {video_id!r}: the stored frame near {view.times_s[t]:.2f} s is damaged ({error}); "
                "delete its shard and run the workflow again"
            ) from None
        cv2.resize(frame[top : top + side, left : left + side], (size, size), dst=out[t], interpolation=method)
    return side


def frames_available(rows: pd.DataFrame, store: "FrameStore") -> np.ndarray:
    """bool [n]: whether a frame is stored inside the segment or within one frame distance of it."""
    known, near_s = set(store.videos), 1.0 / store.metadata.get("frame_rate", 1.0)
    out = np.zeros(len(rows), bool)
    for video_id, places in rows.groupby("video_id", sort=False).indices.items():
        if video_id in known:
            times, part = store.times(video_id), rows.iloc[places]
            first = np.searchsorted(times, part["start_s"].to_numpy() - near_s)
            out[places] = np.searchsorted(times, part["stop_s"].to_numpy() + near_s) > first
    return out


def segments_available(rows: pd.DataFrame, store: Any) -> np.ndarray:
    """bool [n]: whether a store that is asked by segment has each of them."""
    return np.array([store.has(segment_id) for segment_id in rows["segment_id"]], bool)
