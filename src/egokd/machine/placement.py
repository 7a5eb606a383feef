"""Where nets run, in which precision, and how repeatably: all that differs between a CPU and a GPU is one value.

Code that trains or runs a net takes what it needs from a `Placement` and asks for no device type of its own. The value
is plain data, so that tests can run the CPU with the placement of a GPU (tests/unit/machine/test_rehearsal.py).
"""

import os
from dataclasses import dataclass

import torch
from torch import nn

COMPILES_FROM = (7, 0)  # compute capability that the kernels of torch.compile need
BFLOAT16_FROM = (8, 0)


@dataclass(frozen=True)
class Placement:
    """How nets run on one device.

    half           type that autocast computes in; None: full precision
    scaled         whether the loss is scaled, so that small gradients do not vanish in float16
    memory_format  of the kernels of image convolutions, which are the parameters of rank 4
    fused          whether the optimiser updates all parameters in one kernel
    repeatable     whether PyTorch is asked for operations that repeat bit by bit
    tf32           whether what autocast leaves in float32 may be multiplied as TF32
    pinned         whether batches wait in page-locked memory, from which the device copies by itself
    compiles       whether torch.compile has a backend for the device
    """

    device: torch.device
    half: torch.dtype | None = None
    scaled: bool = False
    memory_format: torch.memory_format = torch.preserve_format
    fused: bool = True
    repeatable: bool = False
    tf32: bool = False
    pinned: bool = False
    compiles: bool = True

    def autocast(self) -> torch.autocast:
        """Half precision where the device has it, full precision elsewhere."""
        return torch.autocast(self.device.type, dtype=self.half, enabled=self.half is not None)

    def loss_scaler(self) -> torch.amp.GradScaler:
        """The scaler of losses and gradients; it does nothing unless `scaled`."""
        return torch.amp.GradScaler(self.device.type, enabled=self.scaled)


def placement_of(device: torch.device) -> Placement:
    """The placement for a device: bfloat16 from Ampere on, scaled float16 on older GPUs, full precision on a CPU.

    A CPU needs no switch to repeat itself: with the one thread that steps give it, PyTorch always adds in the same
    order.
    """
    if device.type != "cuda":
        return Placement(device)
    capability = torch.cuda.get_device_capability(device)
    half = torch.bfloat16 if capability >= BFLOAT16_FROM else torch.float16
    return Placement(
        device,
        half=half,
        scaled=half is torch.float16,
        memory_format=torch.channels_last,  # GPUs convolve images faster so
        repeatable=True,
        tf32=True,
        pinned=True,
        compiles=capability >= COMPILES_FROM,
    )


def pick_device() -> torch.device:
    """A GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def set_switches(placement: Placement) -> None:
    """Set PyTorch's switches for this process as the placement says; call before anything runs on a GPU.

    Where an operation has no repeatable form PyTorch warns and goes on.
    """
    if placement.repeatable:  # the switch alone imports PyTorch's compiler: seconds in every job
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # costs time; nothing here reads such memory (set by name: the module makes its attributes by itself)
        setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010
        torch.backends.cudnn.benchmark = False
    if placement.tf32:
        torch.set_float32_matmul_precision("high")  # repeats as well
        torch.backends.cudnn.allow_tf32 = True


def convert(model: nn.Module, placement: Placement) -> nn.Module:
    """Move `model` to the placement's device and lay out its kernels, in place; returns it.

    Only parameters of rank 4 take the memory format: `nn.Module.to` would ask it of rank 5 as well, and a Conv3d, which
    every Video Swin starts with, cannot have `channels_last`.
    """
    model.to(placement.device)
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=placement.memory_format)
    return model
