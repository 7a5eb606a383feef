"""The cut-down demo, run once for all end-to-end tests, whichever of the test runner's processes they are on."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from smoke import copy_workflow, snakemake


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A copy of the workflow in which the cut-down demo has been run: each process has its own copy of the one run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared_demo"
    with FileLock(f"{shared}.lock"):
        if not (shared / "finished").exists():
            shutil.rmtree(shared, ignore_errors=True)  # of a process whose run failed
            copy_workflow(shared / "work")
            snakemake(shared / "work", "results/tables/smoke.csv")
            (shared / "finished").touch()
    path = tmp_path_factory.mktemp("demo") / "work"
    shutil.copytree(shared / "work", path, symlinks=True)
    return path
