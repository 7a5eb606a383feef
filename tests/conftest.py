"""Fixtures that several test folders share, and which tests stay together on one of the test runner's processes."""

import os
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# before any test imports torch: two processes with two threads each would keep each other waiting
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"
REALDATA = SHARED / "realdata"
CASES = SHARED / "cases"


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder with copies of public data files (docs/datasets.md); tests that need it are skipped without it."""
    if not REALDATA.is_dir():
        pytest.skip(f"no real data files in {REALDATA}")
    return REALDATA


@pytest.fixture(scope="session")
def cases() -> Path:
    """Folder with generated hostile files and what is right for each; tests that need it are skipped without it."""
    if not CASES.is_dir():
        pytest.skip(f"no hostile files in {CASES}")
    return CASES


# minutes, so they begin first: one process makes the run that the end-to-end tests share, the other has work meanwhile
LONG = ("tests/end_to_end/test_demo.py", "tests/workflow/", "tests/end_to_end/")
TOGETHER = "tests/workflow/"  # shares a run of the workflow


def group_of(nodeid: str) -> str:
    """What a test runs together with, on one process: its file, or its folder."""
    file = nodeid.partition("::")[0]
    return TOGETHER if file.startswith(TOGETHER) else file


class ByGroup(LoadScopeScheduling):
    """Hands out whole groups. The runner's own mark for groups has no effect with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByGroup:
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long groups first, so that no process waits for one at the end."""

    def place(item: pytest.Item) -> int:
        return next((number for number, start in enumerate(LONG) if item.nodeid.startswith(start)), len(LONG))

    items.sort(key=place)
