"""Running a trained model without gradients: over batches, and over views of the segments of one split."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from egokd import runtime
from egokd.config.views import ViewSlice
from egokd.datasets.segments import Segments, read_segments
from egokd.distillation.logit_files import write_logits
from egokd.errors import UserError
from egokd.machine.placement import Placement, convert, placement_of, set_switches
from egokd.machine.processes import one_device
from egokd.models.build import load_model
from egokd.models.files import was_trained
from egokd.names import OMNIVORE
from egokd.sampling.batches import OrderedBatches
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.loading import finish, loader
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from egokd.sampling.rows import part_of, readable, shard_paths, split_available

BATCH = 32  # clips per pass where nothing is trained
Chunk = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]  # rows, places of views, logits by head


@dataclass(frozen=True)
class ModelRun:
    """A trained model on views of the segments of one split or fold.

    name      of the model, in the log
    modality  what it reads, from the shards `stores`
    part      (I, N): the I-th of N nearly equal parts of the segments
    """

    name: str
    model: Path
    segments: Path
    skipped: Path
    split: str
    modality: str
    stores: list[Path]
    settings: ViewSlice
    seed: int
    part: tuple[int, int]
    gpus: int
    threads: int


def write_views(
    run: ModelRun, out: Path, views: list[int], metadata: dict[str, Any], dtype: str, **kind_of_view: Any
) -> None:
    """Write the logits of a model on `views` of every segment that can be read, and mark the others as not available.

    metadata      of the file, beside source, seed and whether the model was trained
    kind_of_view  train, clips and crops of `ViewDataset`
    """
    segments = read_segments(run.segments)
    model, description = load_model(run.model)
    check_model(description, run.model, segments, run.modality, run.settings)
    trained = was_trained(description)  # else no training segment had this modality, and the teacher is left out
    rows = part_of(readable(segments, run.split, run.skipped), *run.part)
    shared = Shared(run.settings.size, run.settings.frame_rate)
    opened = open_modalities(run.settings.inputs, {run.modality: shard_paths(run.stores)}, shared)
    present, available = split_available(rows, opened, run.split, trained)
    heads = list(segments.heads)
    dataset = ViewDataset(present, run.modality, opened, run.settings.views, run.seed, labels=heads, **kind_of_view)
    metadata = {**metadata, "source": segments.source, "seed": run.seed, "trained": int(trained)}
    ids, places = rows["segment_id"].tolist(), np.flatnonzero(available)
    with one_device(run.gpus) as device:
        placement = placement_of(device)
        chunks = run_over_views(model, dataset, places, views, run.threads, placement, f"{run.name} on {run.split}")
        write_logits(out, ids, views, segments.num_classes, available, chunks, metadata, dtype=dtype)


def run_over_views(
    model: nn.Module,
    dataset: ViewDataset,
    places: np.ndarray,
    views: list[int],
    threads: int,
    placement: Placement,
    name: str,
) -> Iterator[Chunk]:
    """Logits of all (row, view) of `dataset`, as `egokd.distillation.logit_files.write_logits` takes them.

    places  int64 [rows of the dataset], their rows in the file that is written
    """
    order = OrderedBatches(len(dataset), views, BATCH)
    data = loader(dataset, order, threads - 1, placement.pinned)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, Tensor]]]:
        steps = runtime.progress(zip(order, data, strict=True), len(order), name, f"batches of {BATCH}")
        for pairs, batch in steps:
            rows, numbers = np.array(pairs).T
            if not np.array_equal(rows, batch["row"].numpy()):
                raise RuntimeError("the loader changed the order of the batches")
            yield places[rows], np.searchsorted(views, numbers), finish(batch, dataset.modality, placement.device)

    return logits_of(model, batches(), placement, BATCH)


def check_model(description: dict, path: Path, segments: Segments, modality: str, settings: ViewSlice) -> None:
    """Raise UserError unless a model was trained for these classes, this input and these views."""
    expected = {
        "heads": segments.num_classes,
        "num_frames": settings.views.num_frames,
        "size": settings.size,
    }
    for key, value in expected.items():
        if description[key] != value:
            raise UserError(f"{path}: trained with {key} {description[key]}, but now it is {value}; train it again")
    if description["modality"] not in (modality, OMNIVORE):
        raise UserError(f"{path}: reads {description['modality']}, not {modality}")


def logits_of(
    model: nn.Module,
    batches: Iterable[tuple[np.ndarray, np.ndarray, dict[str, Tensor]]],
    placement: Placement,
    size: int = 0,
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """(rows, places, inputs on the device) -> (rows, places, {head: float32 [B,K]}), batch by batch.

    The model is put on the device and into evaluation mode. What is yielded fits
    `egokd.distillation.logit_files.write_logits`, which checks that every pair came exactly once. Batches of fewer than
    `size` clips are filled up for the pass: libraries choose their kernels by the batch size, and
    logits must not depend, in their last bits, on how the work was cut.
    """
    set_switches(placement)
    convert(model, placement).eval()
    for rows, places, inputs in batches:
        with torch.inference_mode(), placement.autocast():
            logits = model({name: _filled(values, size) for name, values in inputs.items()})
        yield rows, places, {head: values[: len(rows)].float().cpu().numpy() for head, values in logits.items()}


def _filled(values_B: Tensor, size: int) -> Tensor:
    """At least `size` along the first axis, by repeating the first entry."""
    lacking = size - len(values_B)
    return values_B if lacking <= 0 else torch.cat([values_B, values_B[:1].expand(lacking, *values_B.shape[1:])])
