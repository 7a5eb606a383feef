"""What a net costs: parameters, multiply-accumulates, clips per second.

Convention of the papers: "FLOPs" there are multiply-accumulates of matrix products and convolutions, each
counted once, attention's two products included; norms, activations and softmax are not counted.
`gflops_per_view` follows it, so that Swin-T at 32x224x224 gives the published 87.9.
"""

import statistics
import time
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

WARM_UP = 3  # runs before the clock starts: memory pools, kernel selection, compilation


def count_parameters(model: nn.Module) -> int:
    """Number of weights, heads included, buffers not."""
    return sum(parameter.numel() for parameter in model.parameters())


def gflops_per_view(model: nn.Module, inputs: dict[str, Tensor]) -> float:
    """Multiply-accumulates, in units of 10^9, of one clip through `model`.

    `inputs` is a batch of any size; the count is divided by it. Nothing is computed: weights and inputs are
    replaced by shapes ("meta" tensors), so a large net takes no more than its weights' memory and a second.
    """
    tensors = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers())
    shapes = {name: tensor.detach().to("meta") for name, tensor in tensors.items()}
    clip = {name: tensor.to("meta") for name, tensor in inputs.items()}
    training = model.training
    model.eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), _plain_transformer_layers(), counter:
        torch.func.functional_call(model, shapes, (clip,))
    model.train(training)
    batch = len(next(iter(inputs.values())))
    return counter.get_total_flops() / 2 / batch / 1e9  # the counter takes a multiply-accumulate for two


def clips_per_second(model: nn.Module, inputs: dict[str, Tensor], repeats: int) -> float:
    """Clips per second of the forward pass without gradients: batch size over the median time of `repeats`
    runs.

    Model and inputs lie on the device that is measured; precision is the caller's (autocast).
    """
    device = next(iter(inputs.values())).device
    seconds = []
    with torch.no_grad():
        for run in range(WARM_UP + repeats):
            began = _now(device)
            model(inputs)
            if run >= WARM_UP:
                seconds.append(_now(device) - began)
    return len(next(iter(inputs.values()))) / statistics.median(seconds)


def _now(device: torch.device) -> float:
    """The time when all work given to `device` so far is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@contextmanager
def _plain_transformer_layers():
    """Turn off PyTorch's one-kernel transformer layer, which the counter cannot look into."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
