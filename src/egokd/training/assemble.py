"""What a training is made of: data, order of batches, net, loss, and the state that it resumes from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from egokd import runtime
from egokd.config.base import Count, NonNegative, Positive, Section
from egokd.config.training import TrainSettings
from egokd.config.views import ViewSlice
from egokd.datasets.segments import read_segments
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.targets import EnsembleTargets
from egokd.errors import UserError
from egokd.io import read_json
from egokd.machine.placement import Placement
from egokd.machine.processes import Group
from egokd.modalities import PICTURES
from egokd.models.build import build_model, start_from_model
from egokd.sampling.batches import EpochBatches
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.loading import finish, loader
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from egokd.sampling.rows import readable, shard_paths, split_available
from egokd.training.loop import Batch, Loss, Schedule, label_loss, student_loss
from egokd.training.state import StateFile, digest_of, fingerprint_of


class Distillation(Section):
    """How a student learns; see `StudentSettings`."""

    tau: Positive
    kd_weight: NonNegative
    ce_weight: NonNegative


class TrainSlice(ViewSlice):
    """`--settings` of the step train."""

    net: str
    options: dict[str, Any]
    train: TrainSettings
    views_per_segment: Count | None
    distill: Distillation | None


@dataclass(frozen=True)
class Files:
    """What a training reads, and where its state is kept; stores and banks by modality and teacher.

    init: at most one model file whose backbone to start from. banks and ensemble: given together, for a student.
    start: a model of the same net whose weights, heads included, a student starts from.
    """

    segments: Path
    skipped: Path
    stores: Mapping[str, list[Path]]
    state: Path
    init: list[Path] = field(default_factory=list)
    banks: Mapping[str, list[Path]] = field(default_factory=dict)
    ensemble: Path | None = None
    start: Path | None = None

    def read(self) -> list[Path]:
        """The data behind a training beside its segments: what its state is tied to."""
        banks = [path for part in self.banks.values() for path in part]
        stores = [path for files in self.stores.values() for path in shard_paths(files)]
        return [*stores, *banks, *(path for path in (self.ensemble, self.start) if path)]


class Training:
    """One training of a net that reads `modality` (or the omnivore's pictures), before it runs.

    code: digest of the code, part of what ties a training state to this run. Raises UserError where no segment can be
    read, or was taught, though the data should have some.
    """

    def __init__(self, files: Files, settings: TrainSlice, modality: str, seed: int, code: str):
        self.files, self.settings, self.modality, self.seed, self.code = files, settings, modality, seed, code
        self.segments = read_segments(files.segments)
        self.heads = list(self.segments.heads)
        self.dataset = self._dataset()

    def _dataset(self) -> ViewDataset:
        """Training views of all segments that can be read (and, for a student, were taught)."""
        files, settings = self.files, self.settings
        paths = {name: shard_paths(stores) for name, stores in files.stores.items()}
        opened = open_modalities(settings.inputs, paths, Shared(settings.size, settings.frame_rate))
        rows, _ = split_available(readable(self.segments, "fit", files.skipped), opened, "training")
        targets = None
        if files.banks:
            targets = self._targets(rows)
            taught = targets.covered(rows["segment_id"].tolist())
            runtime.log.info("%d segments without any teacher are left out", (~taught).sum())
            rows = rows[taught].reset_index(drop=True)
        if rows.empty and (files.banks or PICTURES in opened):
            names = " or ".join(opened)
            raise UserError(f"{files.segments}: no training segment can be read as {names}; see {files.skipped}")
        return ViewDataset(rows, self.modality, opened, settings.views, self.seed, True, self.heads, targets=targets)

    def _targets(self, rows: pd.DataFrame) -> EnsembleTargets:
        """The combined logits of the teachers on all training views."""
        epochs, most = self.settings.train.epochs, self.settings.views_per_segment
        views = list(range(min(epochs, most or epochs)))
        if self.files.ensemble is None:
            raise ValueError("banks are given without ensemble weights")
        ensemble = read_json(self.files.ensemble)
        banks = {name: LogitFile(paths) for name, paths in self.files.banks.items()}
        for bank in banks.values():
            bank.check(rows["segment_id"].tolist(), views, self.segments.num_classes)
        labels = None
        if ensemble["scheme"] == "per_sample":
            labels = rows.set_index("segment_id")[self.heads].to_dict("index")
        weights, temperature = ensemble["weights"], ensemble["weights_temperature"]
        return EnsembleTargets(banks, weights, ensemble["combine"], labels, temperature, ensemble["scale"])

    def build(self) -> tuple[nn.Module, dict[str, Any]]:
        """The net with its first weights, and its description as it stands in config.json."""
        settings = self.settings
        build: dict[str, Any] = {
            "net": settings.net,
            "modality": self.modality,
            "heads": self.segments.num_classes,
            "num_frames": settings.views.num_frames,
            "size": settings.size,
        }
        torch.manual_seed(self.seed)
        init: dict[str, Any] = {"init": str(self.files.init[0])} if self.files.init else {}
        model = build_model(**build, **settings.options, **init)
        if self.files.start:
            start_from_model(model, self.files.start)
        description = {**build, "options": settings.options, "classes": self.segments.heads}
        description |= {"start": str(self.files.start)} if self.files.start else {}
        description |= {"source": self.segments.source, "seed": self.seed, "epochs": settings.train.epochs}
        count = len(self.dataset)
        if count == 1 and any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules()):
            raise UserError(
                f"{self.files.segments}: one training segment can be read as {self.modality}, and the net "
                f"{settings.net!r} has batch normalisation, which cannot learn from one; see {self.files.skipped}"
            )
        return model, {**description, "segments": count, "trained": count > 0}

    def loss(self) -> Loss:
        """Cross-entropy with the labels, or for a student its mix with the distillation loss."""
        smoothing, distill = self.settings.train.label_smoothing, self.settings.distill
        if distill is None:
            return label_loss(self.heads, smoothing)
        return student_loss(self.heads, **distill.model_dump(), label_smoothing=smoothing)

    def order(self, group: Group) -> EpochBatches:
        """The order of batches, this process's share of them."""
        goal, most = self.settings.train, self.settings.views_per_segment
        share = {"rank": group.rank, "world": group.world}
        return EpochBatches(len(self.dataset), goal.batch_size, self.seed, views_per_segment=most, **share)

    def schedule(self, steps_per_epoch: int) -> Schedule:
        """Length and step sizes of the run."""
        goal = self.settings.train
        return Schedule(
            epochs=goal.epochs,
            steps_per_epoch=steps_per_epoch,
            warmup_steps=round(goal.warmup_epochs * steps_per_epoch),
            lr=goal.lr,
            weight_decay=goal.weight_decay,
            clip_norm=goal.clip_norm,
            seed=self.seed,
        )

    def state(self, device: torch.device) -> StateFile:
        """The training state, tied to all that decides the outcome."""
        labels = [" ".join(map(str, row)) for row in self.dataset.labels.tolist()]
        decides = {
            **self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "input": self.modality,
            "heads": self.segments.heads,
            "device": device.type,
            "segments": digest_of([*self.dataset.segment_ids, *labels]),
        }
        return StateFile(self.files.state, fingerprint_of(decides, self.files.read() + self.files.init, self.code))


def epoch_batches(
    dataset: ViewDataset, order: EpochBatches, threads: int, placement: Placement, heads: list[str]
) -> Callable[[int, int], Iterator[Batch]]:
    """The function that `egokd.training.loop.train` asks for the batches of an epoch."""
    data, where = loader(dataset, order, threads - 1, placement.pinned), placement.device

    def batches(epoch: int, skip: int) -> Iterator[Batch]:
        order.epoch, order.skip_batches = epoch, skip
        for batch in data:
            teacher = None
            if dataset.targets is not None:
                teacher = {head: batch[f"target_{head}"].to(where, non_blocking=True) for head in heads}
            yield Batch(finish(batch, dataset.modality, where), batch["labels"].to(where, non_blocking=True), teacher)

    return batches
