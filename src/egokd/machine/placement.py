"""Where nets run, in which precision, and how repeatably."""

import ctypes
import os
import sys

import torch

# options of glibc's mallopt(3), by their numbers in <malloc.h>
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3


def pick_device() -> torch.device:
    """A GPU where there is one, else the CPU, where freed memory is kept from now on."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    keep_freed_memory()
    return torch.device("cpu")


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next step; does nothing where it has no such switch.

    On a CPU every step asks for the same hundred tensors of some megabytes. glibc would return each to the system and
    fetch it again page by page, which costs a twentieth to a fifth of a step of the demo (docs/lab-notes.md). Results
    stay the same.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the largest that glibc documents
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_TOP_PAD, 64 << 20)


def make_deterministic() -> None:
    """Ask PyTorch for operations that repeat bit by bit, the fast ones among them; call before anything runs on a GPU.

    Where an operation has no such form PyTorch warns and goes on. On a CPU nothing needs to be asked: with the one
    thread that steps give it, PyTorch always adds in the same order.
    """
    if not torch.cuda.is_available():
        return  # the switch alone imports PyTorch's compiler: seconds in every job
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time; nothing here reads such memory
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("high")  # TF32 for what autocast leaves in float32; repeats as well
    torch.backends.cudnn.allow_tf32 = True


def half_type(device: torch.device) -> torch.dtype | None:
    """The half precision a device computes in: bfloat16 from Ampere on, float16 on older GPUs, None on a CPU."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def autocast(device: torch.device) -> torch.autocast:
    """Half precision where the device has it, full precision elsewhere."""
    half = half_type(device)
    return torch.autocast(device.type, dtype=half, enabled=half is not None)


def loss_scaler(device: torch.device) -> torch.amp.GradScaler:
    """Keeps small gradients of float16 from vanishing; does nothing where another type is used."""
    return torch.amp.GradScaler(device.type, enabled=half_type(device) is torch.float16)
