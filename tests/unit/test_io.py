"""A half-written file never looks whole."""

import errno
import json
import os
import resource

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from egokd.errors import UserError
from egokd.io import atomic_path, open_parquet, read_json, read_parquet, reserve, write_json, write_parquet


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


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"segments\.parquet: no such table"):
        read_parquet(tmp_path / "segments.parquet")


def test_flipped_bits_of_tables_and_json_are_named(tmp_path):
    table = pd.DataFrame({"id": ["a", "b"], "label": [0, 1]})
    write_parquet(tmp_path / "t.parquet", table, {"heads": ["verb"]})
    write_json(tmp_path / "w.json", {"weights": {"rgb": 0.25}}, sealed=True)
    assert read_parquet(tmp_path / "t.parquet").equals(table)
    assert open_parquet(tmp_path / "t.parquet")[1] == {"heads": ["verb"]}
    assert read_json(tmp_path / "w.json") == {"weights": {"rgb": 0.25}}
    for name, read in (("t.parquet", read_parquet), ("w.json", read_json)):
        path = tmp_path / name
        content = path.read_bytes()
        for byte in np.linspace(0, len(content) - 1, 50).astype(int):
            path.write_bytes(content[:byte] + bytes([content[byte] ^ 4]) + content[byte + 1 :])
            if b"egokd-crc32:" in path.read_bytes() or name == "w.json":
                with pytest.raises(UserError, match=rf"{name}: (damaged|not UTF-8|not valid)"):
                    read(path)
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(UserError, match=rf"{name}: (damaged|not)"):
            read(path)


def test_tables_and_json_from_before_are_read(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "old.parquet")
    (tmp_path / "old.json").write_text(json.dumps({"weights": 1}))
    assert read_parquet(tmp_path / "old.parquet")["id"].tolist() == ["a"]
    assert read_json(tmp_path / "old.json") == {"weights": 1}


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_parquet(tmp_path / name, pd.DataFrame({"x": [1.5, 2.5]}), {"k": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_room_is_one_sentence_before_anything_is_written(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # as if there were no more on the disk
    try:
        with (tmp_path / "a").open("wb") as handle, pytest.raises(UserError, match=r"bank: no room for its 0.1 MB"):
            reserve(handle, 100_000, tmp_path / "bank")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_room_is_made_where_the_file_system_cannot_reserve_it(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with (tmp_path / "a").open("wb") as handle:
        handle.write(b"head")
        reserve(handle, 3 * 2**20 + 1, tmp_path / "a")
    content = (tmp_path / "a").read_bytes()
    assert content[:4] == b"head" and content[4:] == bytes(3 * 2**20 - 3)
