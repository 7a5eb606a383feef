"""From segments to batches: a map-style dataset of (row, view) pairs, pure batch order, workers.

Nothing here has state that matters: the order of rows follows from (seed, epoch), views from (seed, segment, view), so
a run that stopped goes on with exactly the batches it would have had, and several processes share one order.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset

from egokd.errors import UserError
from egokd.hashing import generator
from egokd.media.audio_store import AudioStore
from egokd.media.frame_store import FrameStore
from egokd.media.objects import ObjectStore
from egokd.sampling import inputs
from egokd.sampling.inputs import InputSpec
from egokd.sampling.views import View, ViewSpec, evaluation_views, train_view, view_index

STORES = {"rgb": FrameStore, "flow": FrameStore, "audio": AudioStore, "obj": ObjectStore}
OMNIVORE = "omnivore"
Pair = tuple[int, int]  # row of the segment table, number of the view
Targets = Callable[[str, int], dict[str, np.ndarray]]


def open_stores(modality: str, paths: dict[str, list[Path]]) -> dict[str, Any]:
    """The stores that inputs of `modality` read, by modality; the omnivore reads all that `paths` names."""
    wanted = [name for name in STORES if name in paths] if modality == OMNIVORE else [modality]
    return {name: STORES[name](paths[name]) for name in wanted}


def available_rows(rows: pd.DataFrame, modality: str, stores: dict[str, Any]) -> np.ndarray:
    """bool [n]: whether there is anything to read for each segment; for the omnivore, in any of its modalities.

    Frames and flow: at least one stored frame inside the segment or within one frame distance of it.
    """
    if modality == OMNIVORE:
        return np.logical_or.reduce([available_rows(rows, name, stores) for name in stores])
    store = stores[modality]
    if modality in ("audio", "obj"):
        return np.array([store.has(segment_id) for segment_id in rows["segment_id"]], bool)
    known, near_s = set(store.videos), 1.0 / store.metadata.get("frame_rate", 1.0)
    out = np.zeros(len(rows), bool)
    for video_id, places in rows.groupby("video_id", sort=False).indices.items():
        if video_id in known:
            times, part = store.times(video_id), rows.iloc[places]
            first = np.searchsorted(times, part["start_s"].to_numpy() - near_s)
            out[places] = np.searchsorted(times, part["stop_s"].to_numpy() + near_s) > first
    return out


class ViewDataset(Dataset):
    """Items by (row, view), as dicts of numpy arrays.

    rows: segments, all of them available in `modality` (see `available_rows`). stores: by modality.
    train: training views of (seed, segment, view); otherwise view v of the `clips` x `crops` test views. labels: heads
    whose classes are wanted, in this order. targets: further arrays for (segment_id, view), for example a teacher's
    logits; they come under the key `target_{name}`. `omnivore` draws one of the segment's modalities for each (seed,
    segment, view) in training, and reads RGB in tests.

    An item has the entries of `egokd.sampling.inputs`, "labels" int64 [H] and "row" int64 []. Raises UserError where
    a view needs the frame's aspect and the segment table does not know it, ValueError where `input_spec` lacks a value.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        modality: str,
        stores: dict[str, Any],
        view_spec: ViewSpec,
        input_spec: InputSpec,
        seed: int,
        train: bool,
        labels: list[str],
        clips: int = 1,
        crops: int = 1,
        targets: Targets | None = None,
    ):
        self.modality, self.stores, self.targets = modality, stores, targets
        self.view_spec, self.input_spec, self.seed = view_spec, input_spec, seed
        self.train, self.clips, self.crops = train, clips, crops
        # arrays and lists: looking up rows of a data frame would cost more than some inputs do
        self.segment_ids = rows["segment_id"].tolist()
        self.video_ids = rows["video_id"].tolist()
        self.times = rows[["start_s", "stop_s"]].to_numpy(np.float64)
        self.aspects = rows["aspect"].to_numpy(np.float64)
        self.labels = rows[labels].to_numpy(np.int64).reshape(len(rows), len(labels))
        self.modalities = [name for name in STORES if name in stores] if modality == OMNIVORE else [modality]
        if lacking := [name for m in self.modalities for name in input_spec.lacking(m)]:
            raise ValueError(f"inputs of {self.modalities} need {lacking} in the input spec")
        if modality == OMNIVORE:
            masks = [available_rows(rows, name, stores) for name in self.modalities]
            self.available = np.stack(masks, axis=1)
        if "obj" in self.modalities and np.isnan(self.aspects).any():
            first = self.segment_ids[int(np.isnan(self.aspects).argmax())]
            raise UserError(
                f"segment {first!r}: the segment table does not know the width and height of its video, and boxes "
                "cannot be cropped without; add the video's size to the annotations (EPIC: EPIC_100_video_info.csv)"
            )

    def __len__(self) -> int:
        return len(self.segment_ids)

    def view(self, row: int, view: int) -> View:
        """The view number `view` of the segment in `row`."""
        start_s, stop_s = self.times[row].tolist()
        if self.train:
            return train_view(self.view_spec, self.seed, self.segment_ids[row], view, start_s, stop_s)
        return evaluation_views(self.view_spec, start_s, stop_s, self.clips, self.crops)[view]

    def drawn_modality(self, row: int, view: int) -> str:
        """The modality that is read: drawn among the segment's own for the omnivore in training."""
        if self.modality != OMNIVORE:
            return self.modality
        if not self.train:
            return "rgb"
        among = [name for name, there in zip(self.modalities, self.available[row], strict=True) if there]
        if not among:
            raise UserError(f"segment {self.segment_ids[row]!r} has none of the modalities {self.modalities}")
        return among[generator("omnivore", self.seed, self.segment_ids[row], view).integers(len(among))]

    def inputs(self, row: int, view: View, modality: str) -> dict[str, np.ndarray]:
        """The arrays of one modality."""
        spec, store = self.input_spec, self.stores[modality]
        if modality == "rgb":
            return inputs.rgb_input(store, self.video_ids[row], view, spec.size)
        if modality == "flow":
            return inputs.flow_input(store, self.video_ids[row], view, spec.size, spec.flow_scale)
        if modality == "audio":
            return inputs.audio_input(store, self.segment_ids[row], view, spec.audio)
        aspect, segment_id = float(self.aspects[row]), self.segment_ids[row]
        return inputs.obj_input(store, segment_id, view, spec.size, spec.max_boxes, aspect, spec.box_tolerance_s)

    def __getitem__(self, pair: Pair) -> dict[str, Any]:
        row, number = pair
        modality = self.drawn_modality(row, number)
        item = self.inputs(row, self.view(row, number), modality)
        if self.modality == OMNIVORE:
            item = inputs.as_image(item, modality, self.input_spec.size)
        item = {**item, "labels": self.labels[row], "row": np.int64(row)}
        if self.targets is not None:
            item |= {f"target_{name}": value for name, value in self.targets(self.segment_ids[row], number).items()}
        return item


class EpochBatches:
    """Batches of one training epoch, as lists of (row, view): a permutation that follows from (seed, epoch).

    batch_size counts the segments of a step over all processes; process `rank` of `world` takes every world-th of each
    batch, so that all together have the batches that one process would have. A single segment left over joins the batch
    before it, because batch normalisation cannot learn from one. skip_batches leaves out the first batches, to go on in
    the middle of an epoch. `epoch` and `skip_batches` may be set between epochs, which lets a loader keep its workers.
    Raises UserError where the last batch would leave a process without a segment.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        seed: int,
        epoch: int = 0,
        views_per_segment: int | None = None,
        skip_batches: int = 0,
        rank: int = 0,
        world: int = 1,
    ):
        rest = num_rows % batch_size
        if batch_size < world or num_rows < world or 1 < rest < world:
            raise UserError(
                f"batch_size {batch_size}: the last batch of {num_rows} segments has {rest}, too few for {world} "
                "processes; choose another batch size"
            )
        self.num_rows, self.batch_size, self.seed = num_rows, batch_size, seed
        self.epoch, self.views_per_segment = epoch, views_per_segment
        self.skip_batches, self.rank, self.world = skip_batches, rank, world

    @property
    def whole(self) -> int:
        """Batches of a whole epoch."""
        full, rest = divmod(self.num_rows, self.batch_size)
        return max(1, full + int(rest > 1))

    def __len__(self) -> int:
        return max(0, self.whole - self.skip_batches)

    def __iter__(self) -> Iterator[list[Pair]]:
        order = generator("order", self.seed, self.epoch).permutation(self.num_rows).tolist()
        view = view_index(self.epoch, self.views_per_segment)
        for batch in range(self.skip_batches, self.whole):
            end = (batch + 1) * self.batch_size if batch < self.whole - 1 else None
            rows = order[batch * self.batch_size : end]
            yield [(row, view) for row in rows[self.rank :: self.world]]


class OrderedBatches:
    """Batches of all pairs of `num_rows` rows and `views`, row by row: for predictions and for the logit bank."""

    def __init__(self, num_rows: int, views: list[int], batch_size: int):
        self.num_rows, self.views, self.batch_size = num_rows, views, batch_size

    def __len__(self) -> int:
        return -(-self.num_rows * len(self.views) // self.batch_size)

    def __iter__(self) -> Iterator[list[Pair]]:
        total = self.num_rows * len(self.views)
        for first in range(0, total, self.batch_size):
            pairs = [divmod(place, len(self.views)) for place in range(first, min(first + self.batch_size, total))]
            yield [(row, self.views[view]) for row, view in pairs]


def collate(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Stack items, key by key."""
    return {key: torch.from_numpy(np.stack([item[key] for item in items])) for key in items[0]}


def _one_thread(worker: int) -> None:
    # workers share the job's cores: threads inside each of them would only fight
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def loader(
    dataset: ViewDataset,
    batches: EpochBatches | OrderedBatches,
    workers: int,
    pinned: bool = False,
    prefetch: int = 2,
) -> DataLoader:
    """Batches as dicts of tensors, made by `workers` processes (0: by this one), in page-locked memory if `pinned`.

    Workers live as long as the loader: use one loader for all epochs and set `batches.epoch` between them.
    """
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pinned,
        persistent_workers=workers > 0,
        prefetch_factor=prefetch if workers > 0 else None,
        worker_init_fn=_one_thread,
        # its own, unused: by default every pass would draw from the global generator, and dropout would depend on it
        generator=torch.Generator(),
    )
