"""Training state on disk, so that a killed run goes on exactly where it was.

`last.pt` holds weights, optimiser, position, history and a fingerprint of everything that decides the outcome. It lies
outside the outputs that Snakemake knows, because Snakemake deletes those when a job fails.
"""

import json
import os
import pickle
import struct
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from egokd.errors import UserError
from egokd.hashing import digest
from egokd.io import atomic_path
from egokd.runtime import log

NAME = "last.pt"
# what a damaged file makes of readers that expect another one
DAMAGE = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError, OverflowError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error),
)
WAIT_S = 60.0  # a job that was told to stop may still be saving while its retry starts


@contextmanager
def only_writer(folder: str | Path, held: bool = False) -> Iterator[None]:
    """Inside, no other job uses this folder of training state; UserError if one does.

    held  the process that started this one has the lock already
    """
    if held:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    lock = FileLock(Path(folder) / "lock", timeout=WAIT_S)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"{folder}: another job is training this model; wait for it, or stop it and run this again"
        ) from None
    except NotImplementedError:
        log.warning(
            "%s: this file system has no locks; make sure that only one job at a time trains this model", folder
        )
    try:
        yield
    finally:
        lock.release()


def fingerprint_of(settings: dict[str, Any], files: Iterable[str | Path] = (), code: str = "") -> str:
    """JSON of what a run depends on: plain settings, data files by path, size and time, a digest of the code.

    Not the number of threads nor the place of the state: these may change from one try of a job to the next.
    """
    data = {str(path): [os.stat(path).st_size, os.stat(path).st_mtime_ns] for path in files}
    versions = {"torch": torch.__version__}
    parts = {"settings": settings, "files": data, "code": code, "versions": versions}
    return json.dumps(parts, sort_keys=True)


def digest_of(ids: Iterable[str]) -> str:
    """A short digest of a list of ids, in their order."""
    return digest("\n".join(ids), 16).hex()


def on_host(value: Any) -> Any:
    """A copy of nested dicts and lists that shares nothing with `value`; tensors are copied to the host's memory."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: on_host(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(on_host(inner) for inner in value)
    return value


class StateFile:
    """The state of one run in `folder`, tied to a fingerprint. Use by one process at a time.

    As a context it waits at its end for what `save_behind` writes.

    took_s  seconds that the last save in the background took, its copy included; 0 before there was one
    """

    def __init__(self, folder: str | Path, fingerprint: str):
        self.path = Path(folder) / NAME
        self.fingerprint = fingerprint
        self.took_s = 0.0
        self._writer = ThreadPoolExecutor(1, "training-state")  # starts its thread with the first save
        self._saving: Future[None] | None = None

    def __enter__(self) -> "StateFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def save(self, state: dict[str, Any]) -> None:
        """Write `state` (tensors, numbers, strings, lists, dicts) atomically."""
        with atomic_path(self.path) as temporary:
            torch.save({**state, "fingerprint": self.fingerprint}, temporary)

    def save_behind(self, state: dict[str, Any]) -> None:
        """Copy `state` to the host's memory and write it as `save` does, in a thread, while the caller goes on.

        Waits for the save before this one, so that there is never more than one copy. Raises what that one raised.
        """
        self.wait()
        began = time.monotonic()
        copied = on_host(state)

        def write() -> None:
            self.save(copied)
            self.took_s = time.monotonic() - began

        self._saving = self._writer.submit(write)

    def wait(self) -> None:
        """Return when nothing is being written; raises the error that ended the last save, if one did."""
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def load(self) -> dict[str, Any] | None:
        """The saved state, on the CPU; None where there is none of this run.

        A state of another configuration, or one that is damaged, is kept under another name and not used.
        """
        if not self.path.exists():
            return None
        try:
            check_archive(self.path)
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if not isinstance(state, dict):
                raise ValueError(f"it holds no state but {type(state).__name__}")
        except PermissionError:
            raise
        except DAMAGE as error:
            self._set_aside("damaged", (str(error) or type(error).__name__).splitlines()[0])
            return None
        if state.get("fingerprint") != self.fingerprint:
            self._set_aside(
                "stale", f"it was made with other {_difference(state.get('fingerprint'), self.fingerprint)}"
            )
            return None
        return state

    def remove(self) -> None:
        """Delete the state: the run is over, so that a later run starts from scratch."""
        self.path.unlink(missing_ok=True)

    def _set_aside(self, kind: str, reason: str) -> None:
        aside = self.path.with_name(f"{kind}.pt")
        os.replace(self.path, aside)
        log.warning(
            "training state %s is not used: %s; kept as %s, training starts from scratch", self.path, reason, aside.name
        )


def check_archive(path: Path) -> None:
    """Hold every record of a file of `torch.save` against its CRC-32, which PyTorch writes and does not look at.

    The file is a zip archive, whose own checksums are enough: what they do not cover, its reader does not use. Raises
    BadZipFile, and whatever else `zipfile` raises for damaged archives.
    """
    with zipfile.ZipFile(path) as archive:
        if (record := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"record {record} does not match its checksum")


def _difference(old: object, new: str) -> str:
    """Which parts of two fingerprints differ, for the log."""
    try:
        before = dict(json.loads(str(old or "{}")))
    except (ValueError, TypeError):
        before = {}
    now = json.loads(new)
    names = [name for name in now if before.get(name) != now[name] and name != "settings"]
    ours, theirs = now["settings"], before.get("settings", {})
    names += [f"settings.{key}" for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
    return ", ".join(names)
