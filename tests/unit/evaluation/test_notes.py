"""Every note under the result table, on numbers made by hand; and none where nothing is wrong."""

import math

import numpy as np
import pytest

from egokd.distillation.ensemble_weights import fit_scale
from egokd.distillation.logit_files import LogitFile, write_logits
from egokd.errors import UserError
from egokd.evaluation.agreement import Agreement, agreement, agreement_of_files
from egokd.evaluation.chance import luck, most_frequent
from egokd.evaluation.notes import as_markdown_list, notes

ROWS = [
    {"model": "baseline_rgb", "input": "rgb", "taught_by": "", "members": []},
    {"model": "baseline_flow", "input": "flow", "taught_by": "", "members": []},
    {"model": "ensemble_heldout", "input": "rgb+flow", "taught_by": "", "members": ["baseline_rgb", "baseline_flow"]},
    {"model": "student_heldout", "input": "rgb", "taught_by": "ensemble_heldout", "members": []},
]
FOLLOWS = {"student_heldout": [(Agreement(80.0, 0.1, 400), Agreement(60.0, 0.5, 400))]}
FITTED = {"ensemble_heldout": [{"scale": {"verb": 1.5, "noun": 0.9}, "random_labels": {"verb": 0.1, "noun": 0.0}}]}


def entry(model: str, action: float = 40.0, verb: float = 60.0, noun: float = 50.0, **changes) -> dict:
    scores = {"verb_top1": verb, "noun_top1": noun, "action_top1": action, "segments": 400}
    return {
        "model": model,
        "seed": 0,
        "clips": 1,
        "crops": 1,
        "segments": 400,
        "without_modality": 0,
        "most_frequent": {"verb": 20.0, "noun": 10.0},
        "subsets": dict.fromkeys(("all", "unseen", "tail_verb", "tail_noun", "tail_action"), scores),
    } | changes


def all_well() -> list[dict]:
    scores = {"baseline_rgb": 40.0, "baseline_flow": 30.0, "ensemble_heldout": 55.0, "student_heldout": 50.0}
    return [entry(model, action) for model, action in scores.items()]


def test_nothing_is_said_where_all_is_well():
    assert notes(all_well(), ROWS, FITTED, FOLLOWS) == []
    assert as_markdown_list([]) == ""


def test_a_teacher_at_chance_is_named_with_its_head():
    # 400 segments and a guess of 20 %: two standard deviations are 2 * sqrt(20 * 80 / 400) = 4 points
    assert luck(20.0, 400) == pytest.approx(4.0)
    metrics = all_well()
    metrics[1] = entry("baseline_flow", 30.0, verb=24.0)
    (note,) = notes(metrics, ROWS, FITTED, FOLLOWS)
    assert note.startswith("`baseline_flow` is at chance on 400 segments") and "noun" not in note
    assert "verb 24.0 % (always the most frequent class: 20.0 ± 4.0)" in note
    metrics[1] = entry("baseline_flow", 30.0, verb=24.1)
    assert notes(metrics, ROWS, FITTED, FOLLOWS) == []


def test_the_most_frequent_class_counts_on_the_evaluated_segments():
    labels = {"verb": np.array([2, 2, 0, 1]), "noun": np.array([5, 5, 5, 0])}
    assert most_frequent(labels) == {"verb": 50.0, "noun": 75.0}


def test_an_ensemble_below_its_best_member_is_named():
    metrics = all_well()
    metrics[2] = entry("ensemble_heldout", 39.9)
    (note,) = notes(metrics, ROWS, FITTED, FOLLOWS)
    assert "`ensemble_heldout` is worse than its best member: action top-1 of 39.9 % against 40.0 %" in note
    assert note.endswith("of `baseline_rgb`.")


def test_the_mean_over_seeds_decides():
    metrics = [*all_well(), *(item | {"seed": 1} for item in all_well())]
    metrics[2] = entry("ensemble_heldout", 30.0)  # 55 with the other seed: 42.5 against 40
    assert notes(metrics, ROWS, FITTED, FOLLOWS) == []


@pytest.mark.parametrize(
    ("own", "noted"),
    [
        (Agreement(60.0, 0.1, 400), True),  # as often the same answer as the baseline
        (Agreement(80.0, 0.5, 400), True),  # as far away as the baseline
        (Agreement(60.1, 0.49, 400), False),
    ],
)
def test_a_student_no_nearer_to_its_teacher_than_the_baseline_is_named(own, noted):
    found = notes(all_well(), ROWS, FITTED, {"student_heldout": [(own, Agreement(60.0, 0.5, 400))]})
    assert len(found) == noted
    if noted:
        assert found[0].startswith("`student_heldout` does not follow its teacher `ensemble_heldout`")
        assert f"{own.same:.1f} %" in found[0] and "against 60.0 % and 0.500 nats" in found[0]


def test_an_empty_subset_is_named():
    metrics = all_well()
    for item in metrics:
        item["subsets"] = {name: scores for name, scores in item["subsets"].items() if name not in ("unseen",)}
    (note,) = notes(metrics, ROWS, FITTED, FOLLOWS)
    assert note == "No validation segment is in these subsets, so they have no columns: `unseen`."


def test_a_single_head_has_no_joint_subset():
    scores = {"action_top1": 50.0, "segments": 400}
    metrics = [entry("baseline_rgb") | {"subsets": {"all": scores}, "most_frequent": {"action": 1.0}}]
    (note,) = notes(metrics, ROWS[:1], {}, {})
    assert note.endswith("no columns: `unseen`, `tail_action`.")


def test_a_model_without_input_is_named():
    metrics = all_well()
    metrics[1] = entry("baseline_flow", 30.0, without_modality=400)
    (note,) = notes(metrics, ROWS, FITTED, FOLLOWS)
    assert note.startswith("`baseline_flow` is not in the table: none of the 400 validation segments")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_calibration_at_its_bound_is_named(sign):
    # a teacher that is always right with hardly any margin, or always wrong: the best factor is beyond the bound
    logits = np.tile([0.01 * sign, 0.0], (50, 1)).astype(np.float64)
    scale, _ = fit_scale(logits, np.zeros(50, np.int64), False)
    fitted = {"ensemble_heldout": [{"scale": {"verb": scale, "noun": 1.0}, "random_labels": {}}]}
    (note,) = notes(all_well(), ROWS, fitted, FOLLOWS)
    assert "`ensemble_heldout`: the calibration of verb ended at the bound of its search in 1 of 1 seed(s)" in note
    assert f"a factor of {10.0 if sign > 0 else 0.1:.3g} on" in note


def test_random_labels_at_their_bound_are_named():
    fitted = {"ensemble_heldout": [{"scale": {"verb": 1.0}, "random_labels": {"verb": 0.3}}]}
    (note,) = notes(all_well(), ROWS, fitted, FOLLOWS)
    assert "held-out labels of verb that look random is at its bound of 30 %" in note


def test_notes_are_a_list_below_the_table():
    assert as_markdown_list(["one.", "two."]) == "\n**Notes**\n\n- one.\n- two.\n"


def test_agreement_of_two_heads():
    teacher = {"verb": np.log([[0.5, 0.5], [0.9, 0.1]]), "noun": np.log([[0.8, 0.2], [0.7, 0.3]])}
    model = {"verb": np.log([[0.75, 0.25], [0.9, 0.1]]), "noun": np.log([[0.8, 0.2], [0.3, 0.7]])}
    found = agreement(teacher, model)
    # verb: 0.5 ln(0.5/0.75) + 0.5 ln(0.5/0.25) in the first row; noun: 0.7 ln(7/3) + 0.3 ln(3/7) in the second
    first = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(2)
    second = 0.4 * math.log(7 / 3)
    assert found.kl == pytest.approx((first + second) / 2)
    assert found.same == 50.0 and found.segments == 2
    assert agreement(teacher, teacher).kl == pytest.approx(0.0, abs=1e-12)


def write(path, ids, logits, available=None):
    present = np.ones(len(ids), bool) if available is None else np.array(available)
    rows = np.flatnonzero(present)
    chunk = (rows, np.zeros(len(rows), np.int64), {"action": np.asarray(logits, np.float32)[rows]})
    write_logits(path, ids, [0], {"action": 2}, present, [chunk], {}, dtype="float32")
    return LogitFile([path])


def test_predictions_are_joined_by_id_and_not_by_place(tmp_path):
    teacher = write(tmp_path / "t.safetensors", ["a", "b", "c"], [[2, 0], [0, 2], [3, 0]])
    turned = write(tmp_path / "s.safetensors", ["c", "b", "a"], [[3, 0], [0, 2], [2, 0]])
    assert agreement_of_files(teacher, turned).kl == pytest.approx(0.0, abs=1e-9)
    assert agreement_of_files(teacher, turned).same == 100.0


def test_segments_without_an_answer_are_not_compared(tmp_path):
    teacher = write(tmp_path / "t.safetensors", ["a", "b"], [[2, 0], [0, 0]], [True, False])
    own = write(tmp_path / "s.safetensors", ["a", "b"], [[2, 0], [5, 0]])
    assert agreement_of_files(teacher, own).segments == 1
    silent = write(tmp_path / "n.safetensors", ["a", "b"], [[0, 0], [5, 0]], [False, True])
    assert agreement_of_files(teacher, silent) is None


def test_predictions_of_other_segments_are_refused(tmp_path):
    teacher = write(tmp_path / "t.safetensors", ["a", "b"], [[2, 0], [0, 2]])
    other = write(tmp_path / "s.safetensors", ["a", "c"], [[2, 0], [0, 2]])
    with pytest.raises(UserError, match=r"not of the same segments: 'b' is in one of them only"):
        agreement_of_files(teacher, other)
