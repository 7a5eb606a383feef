"""What a hostile input is: something to make, steps to try it on, and what is right to come out."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from view_settings import PLAIN

RIGHT, SKIP, SENTENCE = "right", "skip", "sentence"
Arguments = list[str]

FRAME_RATE = 12.5
FRAMES = {"reader": "decord", "frame_rate": FRAME_RATE, "short_side": 64, "jpeg_quality": 92}
OWN = {"annotations": "annotations.csv", "heads": ["action"], "val_share": 0.25, "split_seed": 0}
LONGEST_SENTENCE = 1500  # characters; what is longer was not written for a reader
OUT = Path("results")  # the only folder, below the working directory, in which a step may leave anything


@dataclass
class Plan:
    """What to run on an input that stands ready.

    runs     sequences of (step, arguments), each tried on its own and ended by its first failure
    verify   says what is wrong with results that came out without an error; None where they are right
    """

    runs: dict[str, list[tuple[str, Arguments]]]
    verify: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Case:
    """One hostile input.

    make     writes the input below the folder that it is given (its parent's `templates` hold whole files to spoil)
    outcome  right: as if nothing were wrong; skip: recorded, the rest goes on; sentence: refused
    says     a pattern that the sentence, or the recorded reason, must hold
    """

    kind: str
    name: str
    make: Callable[[Path], Plan]
    outcome: str
    says: str = ""
    needs: str = ""  # `torch`: run after all others, since importing it takes seconds; `root`: only where root runs it

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass
class Table:
    """Cases of one kind, entered one by one."""

    kind: str
    cases: list[Case] = field(default_factory=list)

    def add(self, name: str, make: Callable[[Path], Plan], outcome: str, says: str = "", needs: str = "") -> None:
        self.cases.append(Case(self.kind, name, make, outcome, says, needs))


def data_steps(root: Path, form: str, options: dict, sound: bool, boxes: str) -> list[tuple[str, Arguments]]:
    """The steps from a data folder to its stores; `boxes`: none, files (one a video) or index (few large files)."""
    there = ["--root", str(root), "--format", form]
    shard = ["--segments", f"{OUT}/annotations.parquet", "--shard", "0", "--threads", "1", *there]
    tables = ["rgb", "flow"] + ["audio"] * sound + ["obj"] * (boxes != "none")

    def store(name: str, suffix: str = "arrow") -> Arguments:
        return ["--out", f"{OUT}/{name}/0.{suffix}", "--skipped", f"{OUT}/{name}/0.skipped.csv"]

    index = [*there, "--dataset", "x", "--source", "s", "--shards", "1", "--options", json.dumps(options)]
    steps = [("index_segments", [*index, "--out", f"{OUT}/annotations.parquet"])]
    if boxes == "index":
        steps.append(("index_boxes", [*there, "--out", f"{OUT}/boxes_index.parquet"]))
    steps.append(("extract_frames", [*shard, "--settings", json.dumps(FRAMES), *store("rgb")]))
    flow = json.dumps({"source": "computed", "preset": "ultrafast", "bound": 8.0})
    steps.append(
        ("extract_flow", ["--frames", f"{OUT}/rgb/0.arrow", "--settings", flow, "--threads", "1", *store("flow")])
    )
    if sound:
        settings = json.dumps({"sample_rate": 8000, "margin_s": 0.1})
        steps.append(("extract_audio", [*shard, "--settings", settings, *store("audio")]))
    if boxes != "none":
        where = ["--index", f"{OUT}/boxes_index.parquet"] if boxes == "index" else []
        settings = json.dumps({"frame_rate": FRAME_RATE})
        steps.append(("extract_objects", [*shard, *where, "--settings", settings, *store("obj", "parquet")]))
    skipped = [f"{OUT}/{name}/0.skipped.csv" for name in tables]
    limit = ["--skipped", *skipped, "--max-share", "0.99", "--dataset", "x", "--out", f"{OUT}/skipped.csv"]
    return [*steps, ("collect_skipped", ["--segments", f"{OUT}/annotations.parquet", *limit])]


def check_step(root: Path, form: str, options: dict, modalities: list[str]) -> tuple[str, Arguments]:
    """The step that looks at a data folder before any work."""
    settings: dict[str, Any] = {"modalities": modalities, "flow": "computed", "frame_rate": FRAME_RATE}
    settings |= {"short_side": 64, "sample_rate": 8000, "max_share": 0.99, "jobs": {}, "views": PLAIN, "clips": [1]}
    there = ["--root", str(root), "--format", form, "--dataset", "x", "--options", json.dumps(options)]
    return ("check", [*there, "--settings", json.dumps(settings), "--threads", "1", "--out", f"{OUT}/check"])


def data_plan(
    root: Path,
    form: str,
    options: dict,
    verify: Callable[[], str | None] = lambda: None,
    sound: bool = False,
    boxes: str = "none",
) -> Plan:
    """Look at a data folder with `check`, and make its stores."""
    modalities = ["rgb", "flow"] + ["audio"] * sound + ["obj"] * (boxes != "none")
    look = [check_step(root, form, options, modalities)]
    return Plan({"check": look, "run": data_steps(root, form, options, sound, boxes)}, verify)


def copy_templates(folder: Path, name: str) -> Path:
    """A copy of the whole data folder `name` that the harness made once."""
    target = folder / "data"
    shutil.copytree(folder.parent / "templates" / name, target)
    return target


def one_sentence(text: str) -> str | None:
    """What is wrong with the end of a step that refused its input: it must say one `error: ...` and nothing raw."""
    if "Traceback (most recent call last)" in text:
        return "traceback"
    lines = [line for line in text.splitlines() if re.match(r"(\w+: )?error: ", line)]
    if len(lines) != 1:
        return f"{len(lines)} sentences"
    return f"a sentence of {len(text)} characters" if len(text) > LONGEST_SENTENCE else None
