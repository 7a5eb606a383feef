"""Running a trained model over views: logits in chunks, every (segment, view) once."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from egokd.device import autocast


def logits_of(
    model: nn.Module, batches: Iterable[tuple[np.ndarray, np.ndarray, dict[str, Tensor]]], device: torch.device
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """(rows, places, inputs on the device) -> (rows, places, {head: float32 [B,K]}), batch by batch.

    The model is put on `device` and into evaluation mode. What is yielded fits `egokd.bank.write_logits`, which checks
    that every pair came exactly once.
    """
    model.to(device).eval()
    for rows, places, inputs in batches:
        with torch.inference_mode(), autocast(device):
            logits = model(inputs)
        yield rows, places, {head: values.float().cpu().numpy() for head, values in logits.items()}
