"""Where the gain comes from, against numbers worked out by hand."""

import numpy as np
import pytest

from egokd.evaluation.gain_report import as_markdown, figure_of_classes
from egokd.evaluation.gains import Compared, by_class, by_length, confusions, predicted_classes, share_in_view

WHO = Compared("baseline_rgb", "ensemble_all", "student_all", ["baseline_rgb", "baseline_flow"])
NAMES = ["take", "put", "wash", "never seen"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTED = {  # two seeds each
    "baseline_rgb": [np.array([0, 0, 1, 1, 1, 0, 2, 2]), np.array([0, 0, 1, 1, 1, 0, 2, 2])],
    "ensemble_all": [np.array([0, 0, 0, 0, 1, 1, 2, 2])] * 2,
    "student_all": [np.array([0, 0, 0, 0, 1, 0, 2, 1]), np.array([0, 0, 0, 1, 1, 0, 2, -1])],
    "baseline_flow": [np.array([0, 0, 0, 1, 0, 0, 0, 0])] * 2,
}


def test_a_tie_or_a_missing_modality_predicts_nothing():
    assert predicted_classes(np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])).tolist() == [1, -1, -1]


def test_classes_by_the_students_change_with_the_best_teacher():
    table = by_class(PREDICTED, LABELS, NAMES, WHO).set_index("class")
    assert table.index.tolist() == ["take", "put", "wash"]  # the class without segments has no row
    assert table["segments"].tolist() == [4, 2, 2]
    assert table["baseline_rgb_top1"].tolist() == [50, 50, 100]
    assert table["student_all_top1"].tolist() == [87.5, 50, 50]
    assert table["change"].tolist() == [37.5, 0, -50]
    assert table.loc["take", "change_std"] == pytest.approx(np.std([50, 25], ddof=1))
    assert table["best_teacher"].tolist() == ["baseline_flow", "baseline_rgb", "baseline_rgb"]


def test_pairs_untangled_come_first_and_new_confusions_last():
    pairs = confusions(PREDICTED, LABELS, NAMES, WHO)
    rows = pairs[["class", "taken_for", "baseline_rgb_segments", "student_all_segments", "change"]].values.tolist()
    assert rows == [["take", "put", 2, 0.5, -1.5], ["put", "take", 1, 1, 0], ["wash", "put", 0, 0.5, 0.5]]


def test_lengths_are_cut_into_groups_of_equal_number():
    right = {model: [classes == LABELS for classes in found] for model, found in PREDICTED.items()}
    length_s = np.array([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    in_view = share_in_view(length_s, "dense", 8, 0.25)  # a clip spans two seconds
    table = by_length(right, length_s, in_view, WHO)
    assert table["shortest_s"].tolist() == [1, 3, 5, 7] and table["segments"].tolist() == [2, 2, 2, 2]
    assert table["share_in_view"].tolist() == pytest.approx(
        [100, 50 * (2 / 3 + 1 / 2), 50 * (2 / 5 + 1 / 3), 50 * (2 / 7 + 1 / 4)]
    )
    assert table["baseline_rgb_top1"].tolist() == [100, 50, 0, 100]
    assert table["change"].tolist() == [-50, 0, 75, 0]
    assert share_in_view(length_s, "uniform", 8, 0.25).tolist() == [1.0] * 8


def test_text_and_figure_hold_the_classes():
    classes = by_class(PREDICTED, LABELS, NAMES, WHO).assign(head="verb")
    pairs = confusions(PREDICTED, LABELS, NAMES, WHO).assign(head="verb")
    right = {model: [classes == LABELS for classes in found] for model, found in PREDICTED.items()}
    lengths = by_length(right, np.arange(1.0, 9.0), np.ones(8), WHO)
    text = as_markdown(classes, pairs, lengths, WHO, "epic (source: demo)")
    assert "| take | 4 | 50 | 100 | 87.5 | 37.5 | baseline_flow |" in text
    assert "| wash | put | 0 | 0.5 | 0.5 |" in text and "nan" not in text
    axis = figure_of_classes(classes, WHO, "epic").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["take (4)", "put (2)", "wash (2)"]
