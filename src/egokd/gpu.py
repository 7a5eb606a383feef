"""Which GPUs this machine offers, without importing torch (the Snakefile asks at every parse)."""

import os
import re
from pathlib import Path


def visible_gpus() -> int:
    """Number of NVIDIA devices a process started here would see: CUDA_VISIBLE_DEVICES if set, else device files."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return len([device for device in chosen.split(",") if device.strip() and device.strip() != "-1"])
    return sum(bool(re.fullmatch(r"nvidia\d+", path.name)) for path in Path("/dev").glob("nvidia*"))
