"""Fixtures that several test folders share."""

from pathlib import Path

import pytest

REALDATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder with copies of public data files (docs/datasets.md); tests that need it are skipped without it."""
    if not REALDATA.is_dir():
        pytest.skip(f"no real data files in {REALDATA}")
    return REALDATA
