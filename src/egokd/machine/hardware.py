"""Names of the processors that numbers were computed on. Free of torch."""

import platform
from pathlib import Path


def cpu_name(file: Path = Path("/proc/cpuinfo")) -> str:
    """The CPU's model, as the system names it."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        lines = []
    found = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return found or platform.processor() or platform.machine()


def gpu_names(folder: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """Models of this machine's NVIDIA GPUs, as the driver names them; empty without a driver."""
    lines = [line for file in sorted(folder.glob("*/information")) for line in file.read_text().splitlines()]
    return [line.split(":", 1)[1].strip() for line in lines if line.startswith("Model:")]
