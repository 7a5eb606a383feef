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


def units_of(rows, fold, column):
    """The videos or groups in each fold of the train split."""
    train = rows[rows["split"] == "train"]
    return [set(train.loc[fold[train.index] == name, column]) for name in ("fit", "heldout")]


@pytest.mark.parametrize(("whole", "column"), [("video", "video_id"), ("group", "group")])
def test_a_video_or_a_participant_is_held_out_as_a_whole(whole, column):
    rows = segment_rows(n_train=400)
    rows["group"] = [f"P{i % 10:02d}" for i in range(len(rows))]
    rows["video_id"] = [f"{group}_{i % 40}" for i, group in enumerate(rows["group"])]
    fold = assign_fold(rows, ["verb", "noun"], 0.2, seed=0, whole=whole)
    fit, heldout = units_of(rows, fold, column)
    assert fit and heldout and not fit & heldout
    assert (fold == "heldout").sum() == 80  # two participants of 40 segments, or eight videos of 10
    assert set(fold[rows["split"] == "val"]) == {""}
    shuffled = rows.sample(frac=1, random_state=3)
    assert assign_fold(shuffled, ["verb", "noun"], 0.2, 0, whole).sort_index().equals(fold)
    assert not assign_fold(rows, ["verb", "noun"], 0.2, 1, whole).equals(fold)


def test_whole_videos_are_chosen_for_their_labels():
    # of four videos only `both` shows the labels as the whole does: half `take`, half `put`
    rows = segment_rows(n_train=40, n_val=0).assign(noun=0)
    rows["video_id"] = ["take"] * 10 + ["put"] * 10 + ["both"] * 10 + ["more"] * 10
    rows["verb"] = [0] * 10 + [1] * 10 + [0, 1] * 5 + [0] * 7 + [1] * 3
    for seed in range(5):
        fold = assign_fold(rows, ["verb", "noun"], 0.25, seed, "video")
        assert set(rows.loc[fold == "heldout", "video_id"]) == {"both"}


def test_units_that_are_too_large_or_unknown_are_an_error():
    rows = segment_rows(n_train=40, n_val=0)  # five videos of 8, one participant
    with pytest.raises(UserError, match=r"smallest of 5 videos has 8 of 40 .* less than twice the share"):
        assign_fold(rows, ["verb", "noun"], 0.1, 0, "video")
    assert (assign_fold(rows, ["verb", "noun"], 0.11, 0, "video") == "heldout").sum() == 8
    with pytest.raises(UserError, match=r"smallest of 1 groups has 40 of 40"):
        assign_fold(rows, ["verb", "noun"], 0.5, 0, "group")
    rows.loc[3, "group"] = ""
    with pytest.raises(UserError, match=r"the group of 1 of 40 training segments is not known.*P01_101_3"):
        assign_fold(rows, ["verb", "noun"], 0.2, 0, "group")
