"""Fixtures that several test folders share, and which tests stay together on one of the test runner's processes."""

import os
from pathlib import Path

import pytest

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


EXPENSIVE = ("folder", "finished")  # fixtures of a session that take a minute; those of a module are made once per file


@pytest.hookimpl(tryfirst=True)  # before xdist, which looks at the marks here
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share an expensive fixture run on one process and first, the others file by file."""

    def group(item: pytest.Item) -> str:
        return next((name for name in EXPENSIVE if name in getattr(item, "fixturenames", ())), str(item.path))

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    first = {name: place for place, name in enumerate(EXPENSIVE)}
    items.sort(key=lambda item: first.get(group(item), len(first)))
