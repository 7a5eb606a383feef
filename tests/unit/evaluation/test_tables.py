"""The result table against numbers worked out by hand."""

import math

import pytest

from egokd.errors import UserError
from egokd.evaluation.tables import as_markdown, build_table

ROWS = [
    {"model": "baseline_rgb", "input": "rgb", "taught_by": "", "members": []},
    {"model": "baseline_flow", "input": "flow", "taught_by": "", "members": []},
    {"model": "ensemble_heldout", "input": "rgb+flow", "taught_by": "", "members": ["baseline_rgb", "baseline_flow"]},
    {"model": "student_heldout", "input": "rgb", "taught_by": "ensemble_heldout", "members": []},
]
COST = {
    "baseline_rgb": {"params_m": 1.0, "gflops_per_view": 2.0, "clips_per_s": 10.0},
    "baseline_flow": {"params_m": 3.0, "gflops_per_view": 4.0, "clips_per_s": 40.0},
    "student_heldout": {"params_m": 1.0, "gflops_per_view": 2.0, "clips_per_s": 10.0},
}


def entry(model: str, seed: int, top1: float, unseen: float = 10.0) -> dict:
    return {
        "dataset": "epic",
        "source": "demo",
        "model": model,
        "seed": seed,
        "clips": 2,
        "crops": 1,
        "segments": 100,
        "skipped": 3,
        "subsets": {
            "all": {"segments": 100, "verb_top1": top1 + 1, "action_top1": top1, "action_nll": 2.0},
            "unseen": {"segments": 40, "action_top1": unseen},
        },
    }


def metrics(seeds: int) -> list[dict]:
    found = []
    for seed in range(seeds):
        for model, top1 in {
            "baseline_rgb": 40,
            "baseline_flow": 30,
            "ensemble_heldout": 60,
            "student_heldout": 55,
        }.items():
            found.append(entry(model, seed, top1 + 2.0 * seed * (model == "student_heldout")))
    return found


def test_mean_spread_and_gain():
    table = build_table(metrics(2), ROWS, COST).set_index("model")
    student = table.loc["student_heldout"]
    assert student["seeds"] == 2
    assert student["action_top1"] == pytest.approx(56.0)
    assert student["action_top1_std"] == pytest.approx(math.sqrt(2))  # of 55 and 57
    assert student["gain_over_rgb"] == pytest.approx(16.0)
    assert student["teacher_gain_kept"] == pytest.approx(100 * 16 / 20)
    assert student["unseen_action_top1"] == pytest.approx(10.0)
    assert table.loc["baseline_rgb", "gain_over_rgb"] == 0
    assert math.isnan(table.loc["ensemble_heldout", "teacher_gain_kept"])


def test_ensemble_costs_the_sum_of_its_members():
    ensemble = build_table(metrics(1), ROWS, COST).set_index("model").loc["ensemble_heldout"]
    assert ensemble["params_m"] == 4.0
    assert ensemble["gflops_per_view"] == 6.0
    assert ensemble["clips_per_s"] == pytest.approx(8.0)  # 1 / (1/10 + 1/40)


def test_one_seed_has_no_spread():
    table = build_table(metrics(1), ROWS, COST)
    assert table["action_top1_std"].isna().all()
    assert "±" not in as_markdown(table).split("|", 1)[1]


def test_column_order():
    columns = list(build_table(metrics(2), ROWS, COST).columns)
    assert columns[:8] == ["dataset", "source", "model", "input", "taught_by", "seeds", "clips", "crops"]
    assert columns[8:14] == [
        "verb_top1",
        "verb_top1_std",
        "action_top1",
        "action_top1_std",
        "action_nll",
        "action_nll_std",
    ]
    assert columns[14:16] == ["unseen_action_top1", "unseen_action_top1_std"]
    assert columns[16:] == [
        "gain_over_rgb",
        "gain_over_rgb_std",
        "teacher_gain_kept",
        "params_m",
        "gflops_per_view",
        "clips_per_s",
        "segments",
        "skipped",
    ]


def test_markdown_says_where_the_numbers_come_from():
    text = as_markdown(build_table(metrics(2), ROWS, COST))
    assert "source of the data: **demo**" in text
    assert "2 training seed(s)" in text
    assert "| student_heldout | rgb | ensemble_heldout |" in text
    assert "56.0 ± 1.4" in text


def test_missing_model_and_uneven_seeds_are_refused():
    with pytest.raises(UserError, match="student_heldout are missing"):
        build_table([e for e in metrics(1) if e["model"] != "student_heldout"], ROWS, COST)
    with pytest.raises(UserError, match="same seeds"):
        build_table(metrics(2)[:-1], ROWS, COST)


def test_models_evaluated_on_other_segments_are_refused():
    found = metrics(1)
    for item in found:
        item["segment_ids"] = "one"
    found[2]["segment_ids"] = "other"
    with pytest.raises(UserError, match="ensemble_heldout, seed 0, was evaluated on other segments than baseline_rgb"):
        build_table(found, ROWS, COST)
