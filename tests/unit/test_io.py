"""A half-written file never looks whole."""

import errno
import resource
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch

from egokd.errors import UserError
from egokd.io import atomic_path, read_json, read_parquet, write_json, write_parquet, write_text
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
