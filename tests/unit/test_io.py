"""A half-written file never looks whole."""

import pytest

from egokd.errors import UserError
from egokd.io import atomic_path, read_json, read_parquet, write_json


def test_failure_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with pytest.raises(RuntimeError, match="in the middle"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("in the middle")
    assert read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_nan_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"top1": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_are_named(tmp_path):
    broken = tmp_path / "a.json"
    broken.write_text('{"a": ')
    with pytest.raises(UserError, match=r"a\.json: not valid JSON"):
        read_json(broken)
    parquet = tmp_path / "a.parquet"
    parquet.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(UserError, match=r"a\.parquet: not a readable Parquet"):
        read_parquet(parquet)
