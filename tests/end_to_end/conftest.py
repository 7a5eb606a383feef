"""The cut-down demo, run once for all end-to-end tests."""

from pathlib import Path

import pytest

from smoke import copy_workflow, snakemake


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A copy of the workflow in which the cut-down demo has been run."""
    path = tmp_path_factory.mktemp("demo") / "work"
    copy_workflow(path)
    snakemake(path, "results/tables/smoke.csv")
    return path
