"""From items to batches on the way to the device: workers, collation, and what a modality finishes there."""

import atexit
import multiprocessing
import signal
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from egokd.modalities import PICTURES, load
from egokd.names import OMNIVORE
from egokd.sampling.batches import EpochBatches, OrderedBatches
from egokd.sampling.dataset import ViewDataset


def finish(batch: dict[str, torch.Tensor], modality: str, device: torch.device | str) -> dict[str, torch.Tensor]:
    """What a net of `modality` (or the omnivore) reads, on `device`, from a collated batch."""
    return load(PICTURES if modality == OMNIVORE else modality).finish(batch, device)


def collate(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Stack items, key by key."""
    return {key: torch.from_numpy(np.stack([item[key] for item in items])) for key in items[0]}


def _quiet_worker(worker: int) -> None:
    # only the main process answers SIGTERM and Ctrl-C: all get them, and a dead worker would end the run
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    # workers share the job's cores: threads inside each of them would only fight
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _end_workers() -> None:
    """At the end of this process, end its workers.

    Python sends them SIGTERM and waits. They ignore it, so that a training that ended with an unexpected error would
    wait for ever.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else PyTorch complains here about workers that were killed
    for process in multiprocessing.active_children():
        process.kill()


def loader(
    dataset: ViewDataset,
    batches: EpochBatches | OrderedBatches,
    workers: int,
    pinned: bool = False,
    prefetch: int = 2,
) -> DataLoader:
    """Batches as dicts of tensors, made by `workers` processes (0: by this one), in page-locked memory if `pinned`.

    Workers ignore SIGTERM and Ctrl-C, and live as long as the loader: use one loader for all epochs and set
    `batches.epoch` between them.
    """
    if workers:
        atexit.unregister(_end_workers)  # once, and before what multiprocessing itself does at the end
        atexit.register(_end_workers)
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pinned,
        persistent_workers=workers > 0,
        prefetch_factor=prefetch if workers > 0 else None,
        worker_init_fn=_quiet_worker,
        # its own, unused: by default every pass would draw from the global generator, and dropout would depend on it
        generator=torch.Generator(),
    )
