"""A map-style dataset of (row, view) pairs. An item follows from its pair alone: nothing here has a state."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from torch.utils.data import Dataset

from egokd.config.views import ViewSettings
from egokd.errors import UserError
from egokd.hashing import generator
from egokd.modalities import PICTURES
from egokd.names import OMNIVORE
from egokd.sampling.batches import Pair
from egokd.sampling.modalities.common import Segment
from egokd.sampling.modalities.opened import OpenModality
from egokd.sampling.views import View, evaluation_views, train_view

Targets = Callable[[str, int], dict[str, np.ndarray]]


def available_rows(rows: pd.DataFrame, opened: Mapping[str, OpenModality]) -> np.ndarray:
    """bool [n]: whether there is anything to read of each segment, in any of the modalities."""
    return np.logical_or.reduce([modality.available(rows) for modality in opened.values()])


class ViewDataset(Dataset):
    """Items by (row, view), as dicts of numpy arrays.

    rows      segments, all of them available in a modality of `opened` (see `available_rows`)
    modality  what a net reads: the name of the one in `opened`, or `omnivore`, which draws one of the segment's
              modalities for each (seed, segment, view) in training, and reads pictures in tests
    train     training views of (seed, segment, view); otherwise view v of the `clips` x `crops` test views
    labels    heads whose classes are wanted, in this order
    targets   further arrays for (segment_id, view), for example a teacher's logits; their key is `target_{name}`

    An item has the entries of the modality's `read`, "labels" int64 [H] and "row" int64 [].
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        modality: str,
        opened: Mapping[str, OpenModality],
        views: ViewSettings,
        seed: int,
        train: bool,
        labels: list[str],
        clips: int = 1,
        crops: int = 1,
        targets: Targets | None = None,
    ):
        self.modality, self.opened, self.targets = modality, dict(opened), targets
        self.views, self.seed = views, seed
        self.train, self.clips, self.crops = train, clips, crops
        # arrays and lists: looking up rows of a data frame would cost more than some inputs do
        self.segment_ids = rows["segment_id"].tolist()
        self.video_ids = rows["video_id"].tolist()
        self.times = rows[["start_s", "stop_s"]].to_numpy(np.float64)
        self.aspects = rows["aspect"].to_numpy(np.float64)
        self.labels = rows[labels].to_numpy(np.int64).reshape(len(rows), len(labels))
        if modality == OMNIVORE:
            self.available = np.stack([each.available(rows) for each in self.opened.values()], axis=1)

    def __len__(self) -> int:
        return len(self.segment_ids)

    def view(self, row: int, view: int) -> View:
        """The view number `view` of the segment in `row`."""
        start_s, stop_s = self.times[row].tolist()
        if self.train:
            return train_view(self.views, self.seed, self.segment_ids[row], view, start_s, stop_s)
        return evaluation_views(self.views, start_s, stop_s, self.clips, self.crops)[view]

    def drawn_modality(self, row: int, view: int) -> str:
        """The modality that is read: drawn among the segment's own for the omnivore in training."""
        if self.modality != OMNIVORE:
            return self.modality
        if not self.train:
            return PICTURES
        among = [name for name, there in zip(self.opened, self.available[row], strict=True) if there]
        if not among:
            raise UserError(f"segment {self.segment_ids[row]!r} has none of the modalities {list(self.opened)}")
        return among[generator("omnivore", self.seed, self.segment_ids[row], view).integers(len(among))]

    def __getitem__(self, pair: Pair) -> dict[str, Any]:
        row, number = pair
        modality = self.opened[self.drawn_modality(row, number)]
        segment = Segment(self.segment_ids[row], self.video_ids[row], float(self.aspects[row]))
        item: dict[str, Any] = modality.read(segment, self.view(row, number))
        if self.modality == OMNIVORE:
            item = modality.as_image(item)
        item = {**item, "labels": self.labels[row], "row": np.int64(row)}
        if self.targets is not None:
            item |= {f"target_{name}": value for name, value in self.targets(self.segment_ids[row], number).items()}
        return item
