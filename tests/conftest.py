"""Fixtures that several test folders share."""

from pathlib import Path

import pytest

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
