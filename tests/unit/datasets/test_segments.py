"""The segment table: shards, checks and its file."""

import pandas as pd
import pytest

from egokd.datasets.segments import (
    Segments,
    check_segments,
    read_segments,
    select,
    shard_of,
    write_segments,
)
from egokd.errors import UserError
from segment_rows import segment_rows

HEADS = {"verb": ["take", "put"], "noun": ["cup", "pan", "lid"]}


def test_shard_is_stable():
    # fixed numbers: stores made by one version must be found by the next
    assert [shard_of(video, 8) for video in ("P01_01", "P01_101", "P37_103")] == [5, 7, 0]
    spread = {shard_of(f"P{i:02d}_101", 4) for i in range(50)}
    assert spread == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("segment_id", "P01_101_1", "duplicate segment_id"),
        ("split", "dev", "split is not one of"),
        ("stop_s", -1.0, "stop time not after start"),
        ("noun", 3, "outside 0..2"),
        ("noun", -1, "no label for head 'noun'"),
    ],
)
def test_bad_rows_are_named(column, value, words):
    rows = segment_rows()
    rows.loc[2, column] = value
    with pytest.raises(UserError, match=words):
        check_segments(Segments(rows, HEADS, "demo"), "train.csv")


def test_file_round_trip(tmp_path):
    path = tmp_path / "segments.parquet"
    write_segments(path, Segments(segment_rows(), HEADS, "demo"))
    back = read_segments(path)
    assert back.heads == HEADS
    assert back.source == "demo"
    pd.testing.assert_frame_equal(back.table, segment_rows(), check_dtype=False)
    assert not list(tmp_path.glob(".*part*"))


def test_select_knows_its_splits_and_folds():
    rows = segment_rows().assign(fold="")
    rows.loc[:59, "fold"] = ["heldout"] * 10 + ["fit"] * 50
    assert [len(select(rows, part)) for part in ("fit", "heldout", "train", "val", "test")] == [50, 10, 60, 10, 0]
    with pytest.raises(UserError, match="unknown split 'dev'"):
        select(rows, "dev")
