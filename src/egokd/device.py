"""Where nets run, in which precision, and how repeatably."""

import os

import torch


def pick_device() -> torch.device:
    """A GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_deterministic() -> None:
    """Ask PyTorch for operations that repeat bit by bit; call before anything runs on a GPU.

    Where an operation has no such form PyTorch warns and goes on.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time; nothing here reads such memory
    torch.backends.cudnn.benchmark = False


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on GPUs that have it, full precision elsewhere."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
