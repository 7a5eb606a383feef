"""Places where nothing can be written: a full disk, a read-only one, no right to write, a file in a folder's place."""

import contextlib
import importlib
import io
import os
from collections.abc import Callable
from pathlib import Path

from hostile import OUT, OWN, SENTENCE, Case, Plan, Table, copy_templates, data_steps

FULL = r"results.*(No space left|full)"


def place(prepare: Callable[[Path], None], step: str) -> Callable[[Path], Plan]:
    """`step` of own videos, whose results up to there are made first; then `prepare` changes the place."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        work = folder / "work"
        os.chdir(work)
        steps = data_steps(root, "folder", OWN, sound=True, boxes="none")
        names = [name for name, _ in steps]
        with contextlib.redirect_stderr(io.StringIO()):
            for name, arguments in steps[: names.index(step)]:
                importlib.import_module(f"egokd.steps.{name}").main(arguments)
        prepare(work)
        return Plan({"run": [steps[names.index(step)]]})

    return make


def _folder_of(step: str) -> str:
    return {"extract_frames": "rgb", "extract_flow": "flow", "extract_audio": "audio"}.get(step, ".")


def mount(path: Path, options: str) -> None:
    """A small file system of its own, gone when this process is."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, private = 0x00020000, 0x00040000 | 0x4000
    if libc.unshare(new_mounts) or libc.mount(b"none", b"/", None, private, None):
        raise OSError(ctypes.get_errno(), "no mounts of one's own")
    path.mkdir(parents=True, exist_ok=True)
    flags = 1 if options == "ro" else 0
    text = b"size=4k" if options == "ro" else options.encode()
    if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, text):
        raise OSError(ctypes.get_errno(), f"cannot mount {path}")


def full(step: str, size: str) -> Callable[[Path], None]:
    return lambda work: (
        mount(work / OUT / _folder_of(step), f"size={size}")
        if step != "index_segments"
        else mount(work / OUT, f"size={size}")
    )


def _no_right(step: str) -> Callable[[Path], None]:
    def prepare(work: Path) -> None:
        target = work / OUT / _folder_of(step)
        target.mkdir(parents=True, exist_ok=True)
        os.chmod(target, 0o555)
        os.setresuid(65534, 65534, 65534)

    return prepare


def _in_the_way(step: str) -> Callable[[Path], None]:
    def prepare(work: Path) -> None:
        (work / OUT).mkdir(exist_ok=True)
        (work / OUT / _folder_of(step)).write_text("a file")

    return prepare


def cases() -> list[Case]:
    table = Table("places")
    for step in ("extract_frames", "extract_flow", "extract_audio"):
        table.add(f"{step}: full disk", place(full(step, "64k"), step), SENTENCE, FULL, "root")
        table.add(f"{step}: full from the start", place(full(step, "4k"), step), SENTENCE, FULL, "root")
        table.add(
            f"{step}: read-only disk",
            place(lambda w, s=step: mount(w / OUT / _folder_of(s), "ro"), step),
            SENTENCE,
            "results.*(read-only|Read-only)",
            "root",
        )
        table.add(f"{step}: a file in the way", place(_in_the_way(step), step), SENTENCE, "results")
    table.add(
        "index_segments: full disk", place(full("index_segments", "4k"), "index_segments"), SENTENCE, FULL, "root"
    )
    table.add(
        "index_segments: read-only disk",
        place(lambda w: mount(w / OUT, "ro"), "index_segments"),
        SENTENCE,
        "results.*ead-only",
        "root",
    )
    return table.cases
