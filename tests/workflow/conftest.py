"""A finished workspace without the work: real Snakemake, real rules, and a `python` that only touches the outputs.

What is tested is the DAG and its rerun rules; the steps themselves are tested elsewhere.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from paths import REPOSITORY

PARTS = ("Snakefile", "config.yaml", "profiles", "workflow", "src", "envs")

TOUCHING_PYTHON = """#!{python}
import pathlib, sys
OUTPUTS = ("--out", "--skipped", "--history", "--manifest", "--csv", "--md", "--provenance", "--svg", "--png")
OUTPUTS += ("--stages", "--confusions", "--lengths")
step = sys.argv[sys.argv.index("-m") + 1].rsplit(".", 1)[1]
for option, value in zip(sys.argv, sys.argv[1:]):
    if option in OUTPUTS and not (step in ("train", "bank", "predict", "collect_skipped") and option == "--skipped"):
        path = pathlib.Path(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step)
        if step == "train" and option == "--out":
            path.with_name("config.json").write_text(step)
"""


class Workspace:
    """A copy of the workflow in which Snakemake can be called."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def snakemake(self, *arguments: str, check: bool = True, real: bool = False) -> str:
        """Run Snakemake with the touching python, or with the real one; returns stdout and stderr."""
        environment = {**os.environ, "EGOKD_BIN": str(self.path / "bin"), "PYTHONHASHSEED": "0"}
        if real:
            environment |= {"EGOKD_BIN": str(Path(sys.executable).parent), "PYTHONPATH": str(self.path / "src")}
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        output = done.stdout + done.stderr
        assert not check or done.returncode == 0, output[-3000:]
        return output

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs of a dry run: rule -> count; empty when there is nothing to do."""
        output = self.snakemake("-n", "--cores", "2", *(arguments or ("results/tables/epic.csv",)))
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:")[1].split("\n\n")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)}
        jobs.pop("total")
        return jobs

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in a file; the text must be there."""
        path = self.path / name
        text = path.read_text()
        assert old in text, f"{name} does not contain {old!r}"
        path.write_text(text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        with (self.path / name).open("a") as handle:
            handle.write(text)


def new_workspace(path: Path) -> Workspace:
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            path.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, path / part)
    fake = path / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text(TOUCHING_PYTHON.format(python=sys.executable))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    return Workspace(path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Workspace:
    """The demo's workspace after a full run."""
    workspace = new_workspace(tmp_path_factory.mktemp("finished") / "work")
    workspace.snakemake("--cores", "2", "results/tables/epic.csv")
    return workspace


@pytest.fixture
def workspace(finished, tmp_path) -> Workspace:
    """An own copy of the finished workspace, to change as a test likes."""
    shutil.copytree(finished.path, tmp_path / "work", symlinks=True)
    return Workspace(tmp_path / "work")


@pytest.fixture
def fresh(tmp_path) -> Workspace:
    """A workspace in which nothing has been run."""
    return new_workspace(tmp_path / "work")
