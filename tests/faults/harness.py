"""What the harnesses share: a folder with an undisturbed run, the config of both runs, and the log."""

import json
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "helpers"), str(TESTS.parent / "src")]

import yaml  # noqa: E402

from artefacts import artefacts  # noqa: E402
from disturbed import Run  # noqa: E402
from smoke import SMOKE, copy_workflow  # noqa: E402

TABLE = "results/tables/smoke.csv"
STUDENT = "results/metrics/smoke/student_heldout/seed0/1x1.json"  # made from the student's predictions


class Harness:
    """`folder` with the runs `reference` and `work`, and log.jsonl."""

    config = "disturbed.yaml"

    def __init__(self, folder: Path):
        self.folder, self.reference, self.work = folder, folder / "reference", folder / "work"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.jsonl").unlink(missing_ok=True)
        # children of a shell's background job would else ignore it
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def log(self, entry: dict) -> None:
        line = json.dumps(entry)
        with (self.folder / "log.jsonl").open("a") as handle:
            handle.write(line + "\n")
        print(line, flush=True)

    def write_config(self, folder: Path) -> None:
        """The cut-down demo with trainings of two processes, loading processes and more epochs to be disturbed in."""
        config = yaml.safe_load((folder / SMOKE).read_text())
        smoke = config["datasets"]["smoke"]
        smoke["compute"]["threads"] = 2
        # the file writes some sections once and names them several times: these are one object here
        smoke["teachers"]["rgb"] = {**smoke["teachers"]["rgb"], "gpus": 2}
        smoke["students"]["heldout"]["gpus"] = 2
        smoke["teachers"]["rgb"]["train"]["epochs"] = 6
        (folder / self.config).write_text(yaml.safe_dump(config))

    def prepare(self) -> None:
        """A fresh `work`, with the code of the reference: somebody may be working in the repository."""
        shutil.rmtree(self.work, ignore_errors=True)
        copy_workflow(self.work, self.reference)
        self.write_config(self.work)

    def prepare_student(self) -> None:
        """A `work` in which all is done but the student."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.reference, self.work, symlinks=True)
        self.write_config(self.work)
        for kind in ("models", "predictions", "metrics"):
            shutil.rmtree(self.work / "results" / kind / "smoke/student_heldout")

    def compare(self, run: Run, times: int, prepare: Callable[[], None]) -> int:
        """Runs that are disturbed so often in all, each compared with the reference; returns the exit code."""
        if not (self.reference / TABLE).exists():
            shutil.rmtree(self.reference, ignore_errors=True)
            copy_workflow(self.reference)
            self.write_config(self.reference)
            undisturbed = Run(self.reference, self.config, log=self.log)
            undisturbed.until_done(0)
        run.rounds(times, prepare, artefacts(self.reference / "results"))
        self.log({"counts": dict(run.counts), "faults": run.faults, "left": run.left})
        return 1 if run.faults or run.left else 0
