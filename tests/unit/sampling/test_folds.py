"""The held-out fold: its size, its strata, and what it follows from."""

import pytest

from egokd.errors import UserError
from egokd.sampling.folds import assign_fold
from segment_rows import segment_rows


def test_fold_is_stratified_and_of_the_wanted_size():
    rows = segment_rows(n_train=400)
    fold = assign_fold(rows, ["verb", "noun"], 0.25, seed=0)
    assert set(fold[rows["split"] == "val"]) == {""}
    counts = rows[fold == "heldout"].groupby("verb").size()
    assert counts.tolist() == [50, 50]  # a quarter of 200 each


def test_rare_classes_still_give_the_wanted_total():
    rows = segment_rows(n_train=100, n_val=0)
    rows["noun"] = 0
    rows["verb"] = [i // 2 for i in range(100)]  # fifty strata of two
    assert (assign_fold(rows, ["verb", "noun"], 0.15, seed=3) == "heldout").sum() == 15


def test_nothing_to_hold_out_is_an_error():
    rows = segment_rows(n_train=3, n_val=0)
    rows["verb"] = [0, 1, 2]
    with pytest.raises(UserError, match="nothing would be held out"):
        assign_fold(rows, ["verb", "noun"], 0.2, seed=0)


def test_single_segment_of_a_class_stays_in_fit():
    rows = segment_rows(n_train=11, n_val=0)
    rows.loc[10, "noun"] = 1
    for seed in range(20):
        assert assign_fold(rows, ["verb", "noun"], 0.5, seed)[10] == "fit"


def test_fold_follows_from_ids_not_from_order():
    rows = segment_rows()
    first = dict(zip(rows["segment_id"], assign_fold(rows, ["verb", "noun"], 0.3, 1), strict=True))
    shuffled = rows.sample(frac=1, random_state=3)
    second = dict(zip(shuffled["segment_id"], assign_fold(shuffled, ["verb", "noun"], 0.3, 1), strict=True))
    assert first == second
    other = dict(zip(rows["segment_id"], assign_fold(rows, ["verb", "noun"], 0.3, 2), strict=True))
    assert first != other
