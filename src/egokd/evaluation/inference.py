"""Running a trained model over views: logits in chunks, every (segment, view) once."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from egokd.machine.placement import Placement, convert, set_switches


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
    logits shall not depend, in their last bits, on how the work was cut.
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
