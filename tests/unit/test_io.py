"""A half-written file never looks whole."""

import errno
import json
import os
import resource
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from egokd.errors import UserError
from egokd.io import (
    atomic_path,
    open_parquet,
    read_json,
    read_parquet,
    reserve,
    write_json,
    write_parquet,
    write_text,
)
from egokd.media.frame_writer import StoreWriter
from egokd.models.files import write_weights
from egokd.training.state import StateFile


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


@contextmanager
def largest_file(size: int):
    """No file may grow beyond `size` bytes: to a program the same as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def a_frame_store(path):
    with StoreWriter(path, ("image",), {}) as writer:
        writer.begin("v")
        for number in range(100):
            writer.add(float(number), image=bytes(1000))
        writer.end({})


WRITERS = {
    "json": lambda path: write_json(path, ["x" * 9000]),
    "text": lambda path: write_text(path, "x" * 9000),
    "parquet": lambda path: write_parquet(path, pd.DataFrame({"a": np.random.default_rng(0).random(9000)})),
    "arrow": a_frame_store,
    "safetensors": lambda path: write_weights(path, {"a": torch.zeros(9000)}),
    "pt": lambda path: StateFile(path.parent, "f").save({"a": torch.zeros(9000)}),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_one_sentence_that_names_the_file(tmp_path, kind):
    path = tmp_path / f"last.{kind}"
    with largest_file(4096), pytest.raises(UserError, match=rf"last\.{kind}: cannot be (used|written).*space"):
        WRITERS[kind](path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UserError, match=r"/results: cannot be used .*move it away"):
        write_json(tmp_path / "results" / "a.json", 1)


def test_an_error_of_reading_is_not_said_of_the_place_that_is_written_to(tmp_path):
    with pytest.raises(UserError, match=r"^/elsewhere/video\.mp4: cannot be used"), atomic_path(tmp_path / "a.json"):
        raise PermissionError(errno.EACCES, "no", "/elsewhere/video.mp4")
