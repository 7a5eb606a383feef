"""The segment table: folds, shards, checks and its file."""

import pandas as pd
import pytest

from egokd.errors import UserError
from egokd.sampling.segments import (
    Segments,
    assign_fold,
    check_segments,
    read_segments,
    select,
    shard_of,
    write_segments,
)

HEADS = {"verb": ["take", "put"], "noun": ["cup", "pan", "lid"]}


def table(n_train: int = 60, n_val: int = 10) -> pd.DataFrame:
    n = n_train + n_val
    return pd.DataFrame(
        {
            "segment_id": [f"P01_101_{i}" for i in range(n)],
            "video_id": [f"P01_10{i % 5}" for i in range(n)],
            "group": "P01",
            "start_frame": range(n),
            "stop_frame": range(100, 100 + n),
            "fps": 50.0,
            "start_s": [i / 50 for i in range(n)],
            "stop_s": [(100 + i) / 50 for i in range(n)],
            "verb": [i % 2 for i in range(n)],
            "noun": [0 if i < n - 1 else 2 for i in range(n)],
            "split": ["train"] * n_train + ["val"] * n_val,
            "unseen": False,
            "tail_verb": False,
            "tail_noun": False,
            "aspect": 1.78,
            "shard": 0,
        }
    )


def test_fold_is_stratified_and_of_the_wanted_size():
    rows = table(n_train=400)
    fold = assign_fold(rows, ["verb", "noun"], 0.25, seed=0)
    assert set(fold[rows["split"] == "val"]) == {""}
    counts = rows[fold == "heldout"].groupby("verb").size()
    assert counts.tolist() == [50, 50]  # a quarter of 200 each


def test_rare_classes_still_give_the_wanted_total():
    rows = table(n_train=100, n_val=0)
    rows["noun"] = 0
    rows["verb"] = [i // 2 for i in range(100)]  # fifty strata of two
    assert (assign_fold(rows, ["verb", "noun"], 0.15, seed=3) == "heldout").sum() == 15


def test_nothing_to_hold_out_is_an_error():
    rows = table(n_train=3, n_val=0)
    rows["verb"] = [0, 1, 2]
    with pytest.raises(UserError, match="nothing would be held out"):
        assign_fold(rows, ["verb", "noun"], 0.2, seed=0)


def test_single_segment_of_a_class_stays_in_fit():
    rows = table(n_train=11, n_val=0)
    rows.loc[10, "noun"] = 1
    for seed in range(20):
        assert assign_fold(rows, ["verb", "noun"], 0.5, seed)[10] == "fit"


def test_fold_follows_from_ids_not_from_order():
    rows = table()
    first = dict(zip(rows["segment_id"], assign_fold(rows, ["verb", "noun"], 0.3, 1), strict=True))
    shuffled = rows.sample(frac=1, random_state=3)
    second = dict(zip(shuffled["segment_id"], assign_fold(shuffled, ["verb", "noun"], 0.3, 1), strict=True))
    assert first == second
    other = dict(zip(rows["segment_id"], assign_fold(rows, ["verb", "noun"], 0.3, 2), strict=True))
    assert first != other


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
    rows = table()
    rows.loc[2, column] = value
    with pytest.raises(UserError, match=words):
        check_segments(Segments(rows, HEADS, "demo"), "train.csv")


def test_file_round_trip(tmp_path):
    path = tmp_path / "segments.parquet"
    write_segments(path, Segments(table(), HEADS, "demo"))
    back = read_segments(path)
    assert back.heads == HEADS
    assert back.source == "demo"
    pd.testing.assert_frame_equal(back.table, table(), check_dtype=False)
    assert not list(tmp_path.glob(".*part*"))


def test_select_knows_its_parts():
    rows = table().assign(fold="")
    rows.loc[:59, "fold"] = ["heldout"] * 10 + ["fit"] * 50
    assert [len(select(rows, part)) for part in ("fit", "heldout", "train", "val", "test")] == [50, 10, 60, 10, 0]
    with pytest.raises(UserError, match="unknown part 'dev'"):
        select(rows, "dev")
