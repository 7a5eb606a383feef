"""The processes of a run of the workflow, found by a mark in their environment, and what each of them is.

The mark reaches all that a call starts, also what outlives it or begins a session of its own (torchrun does).
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "EGOKD_KILL_MARK"
# Snakemake itself; a job's shell; the step; a process that loads or renders for it; one of those that train together
KINDS = ("workflow", "shell", "job", "loader", "rank")


@dataclass(frozen=True)
class Process:
    """One process as it was when it was found."""

    pid: int
    parent: int
    command: tuple[str, ...]

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)


def running(mark: Path) -> list[Process]:
    """Live processes with this mark, zombies left out."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if state != "Z":
                found.append(Process(int(folder.name), int(parent), tuple(word for word in words if word)))
    return found


def _command_of(pid: int) -> str:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    return ""


def kind_of(process: Process, workflow: int) -> str:
    """One of KINDS; `other` for tee, torchrun and what Python starts for itself."""
    words, line = process.command, " ".join(process.command)
    above = _command_of(process.parent)
    if process.pid == workflow:
        return "workflow"
    if not words or "resource_tracker" in line or "torch.distributed.run" in line or Path(words[0]).name == "tee":
        return "other"
    if Path(words[0]).name in ("bash", "sh"):
        return "shell"
    if "torch.distributed.run" in above:
        return "rank"
    if "egokd.steps." in above and "python" in above.split(" ")[0]:
        return "loader"
    return "job" if "egokd.steps." in line else "other"
