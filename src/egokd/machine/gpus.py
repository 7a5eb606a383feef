"""Which GPUs a job may use. Free of torch: the Snakefile asks at every parse, and devices are chosen before CUDA is up.

Snakemake counts GPUs but hands out no device numbers, so that two jobs side by side would both take device 0. Here each
local job takes free devices under a file lock, which the system drops with the process, however it ends. Slurm does
hand out devices: a job then chooses among those of its allocation, which it may share with others of its bundle.
"""

import getpass
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from egokd.errors import UserError

log = logging.getLogger("egokd")

VISIBLE = "CUDA_VISIBLE_DEVICES"
CPU_ONLY = "EGOKD_DEVICE"  # set to `cpu`, it keeps every job off the GPUs
POLL_S = 1.0


def installed_gpus() -> list[str]:
    """Numbers of this machine's NVIDIA devices, by their device files."""
    names = (path.name for path in Path("/dev").glob("nvidia*"))
    return sorted((m.group(1) for name in names if (m := re.fullmatch(r"nvidia(\d+)", name))), key=int)


def cpu_only() -> bool:
    """Whether the user keeps this job off the GPUs."""
    return os.environ.get(CPU_ONLY) == "cpu"


def allowed_gpus() -> list[str]:
    """Devices that a process started here may use: those of CUDA_VISIBLE_DEVICES if it is set, else all."""
    if cpu_only():
        return []
    chosen = os.environ.get(VISIBLE)
    if chosen is None:
        return installed_gpus()
    devices = [device.strip() for device in chosen.split(",")]
    # CUDA itself stops reading at the first -1
    return [device for device in devices[: devices.index("-1") if "-1" in devices else None] if device]


def visible_gpus() -> int:
    """Number of devices that jobs started here may use."""
    return len(allowed_gpus())


@contextmanager
def claim(wanted: int, folder: Path | None = None) -> Iterator[list[str]]:
    """Inside, CUDA sees `wanted` devices that no other job beside this one has; yields them, empty for the CPU.

    Waits until enough of them are free. wanted 0 hides all GPUs. One GPU asked for where there is none means the CPU
    and a line in the log; several where there are fewer is a UserError, because a run meant for several GPUs would not
    end in its time. With EGOKD_DEVICE=cpu any number means the CPU. Call before anything starts CUDA.

    folder  of the lock files, see `lock_folder`
    """
    devices = allowed_gpus()
    if wanted > max(len(devices), 1) and not cpu_only():
        raise UserError(
            f"this job asks for {wanted} GPUs and there are {len(devices)} here"
            f"{f' ({VISIBLE}={os.environ[VISIBLE]})' if VISIBLE in os.environ else ''}: lower `gpus` in the config, or "
            "submit to a machine that has them (workflow/profiles/README.md)"
        )
    count = min(wanted, len(devices))
    with free(devices, count, folder or lock_folder()) as taken, _environment(taken):
        if wanted and not taken:
            log.info("no GPU here: running on the CPU")
        yield taken


def lock_folder() -> Path:
    """Folder of the lock files: one per user, in a cluster's job one of its own.

    Where a cluster confines devices, every job calls its own device 0: with a common folder, jobs would wait for each
    other. Jobs of a bundle share one allocation, and with it the folder.
    """
    job = os.environ.get("SLURM_JOB_ID")
    return Path(tempfile.gettempdir()) / f"egokd-gpus-{getpass.getuser()}{f'-job{job}' if job else ''}"


@contextmanager
def free(devices: list[str], count: int, folder: Path) -> Iterator[list[str]]:
    """Hold the locks of `count` of the devices as soon as that many are free; yields which.

    All or none at a time: two jobs that each held half of what they need would wait for each other for ever.
    """
    if count == 0:
        yield []
        return
    folder.mkdir(parents=True, exist_ok=True)
    said = False
    while True:
        with ExitStack() as held:
            taken = _lock_some(held, devices, count, folder)
            if len(taken) == count:
                yield taken
                return
        if not said:
            log.info("waiting for %d free GPU(s) of %s; locks are in %s", count, ",".join(devices), folder)
            said = True
        time.sleep(POLL_S)


def _lock_some(held: ExitStack, devices: list[str], count: int, folder: Path) -> list[str]:
    """Lock up to `count` devices until `held` closes."""
    taken: list[str] = []
    for device in devices:
        if len(taken) < count:
            # a closed context gives the lock back; so does the end of the process, however it comes
            lock = FileLock(folder / f"{device.replace('/', '_')}.lock", timeout=0)
            with suppress(Timeout):
                held.enter_context(lock)
                taken.append(device)
    return taken


@contextmanager
def _environment(devices: list[str]) -> Iterator[None]:
    """CUDA sees these devices only, numbered as the driver does."""
    values = {VISIBLE: ",".join(devices), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
