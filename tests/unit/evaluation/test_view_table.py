"""The table of test views against numbers worked out by hand."""

import pytest

from egokd.evaluation.view_figure import views
from egokd.evaluation.view_table import as_markdown, build_view_table, slope

ROWS = [
    {"model": "baseline_rgb", "input": "rgb", "taught_by": "", "members": []},
    {"model": "ensemble_all", "input": "rgb+flow", "taught_by": "", "members": ["baseline_rgb", "baseline_flow"]},
    {"model": "student_all", "input": "rgb", "taught_by": "ensemble_all", "members": []},
]
COST = {
    model: {"params_m": 1.0, "gflops_per_view": cost, "clips_per_s": 10.0}
    for model, cost in {"baseline_rgb": 2.0, "baseline_flow": 3.0, "student_all": 2.0}.items()
}
# points of top-1 that four views give beyond one, by model and seed
GAINED = {"baseline_rgb": (8.0, 6.0), "ensemble_all": (2.0, 2.0), "student_all": (4.0, 4.0)}


def metrics(settings=((1, 1), (4, 1))):
    return [
        {
            "dataset": "epic",
            "source": "demo",
            "model": model,
            "seed": seed,
            "clips": clips,
            "crops": crops,
            "segments": 10,
            "subsets": {
                "all": {
                    "action_top1": 40.0 + gained * (clips * crops > 1),
                    "action_nll": 1.0,
                    "action_ece": 5.0 + seed,
                    "segments": 10,
                }
            },
        }
        for clips, crops in settings
        for model, gains in GAINED.items()
        for seed, gained in enumerate(gains)
    ]


def test_slope_is_the_change_per_doubling():
    assert slope([1, 2, 4], [10.0, 13.0, 16.0]) == pytest.approx(3.0)
    # least squares on log2 = 0, 1, 1: means 2/3 and 4; (-2/3 * -2 + 1/3 * 3 + 1/3 * -1) / (2/3)
    assert slope([1, 2, 2], [2.0, 7.0, 3.0]) == pytest.approx((4 / 3 + 1 - 1 / 3) / (2 / 3))
    assert slope([3, 3], [1.0, 2.0]) is None


def test_rows_settings_costs_and_slopes():
    table = build_view_table(metrics(), ROWS, COST)
    assert table[["model", "clips", "views"]].values.tolist() == [
        [model, clips, clips] for model in GAINED for clips in (1, 4)
    ]
    assert table["giga_multiply_adds_per_segment"].tolist() == [2.0, 8.0, 5.0, 20.0, 2.0, 8.0]
    by_model = table.drop_duplicates("model").set_index("model")
    trend = by_model["action_top1_per_doubling"]
    assert trend.tolist() == pytest.approx([3.5, 1.0, 2.0])  # two doublings, mean over both seeds
    assert by_model["action_top1_per_doubling_over_rgb"].tolist() == pytest.approx([0.0, -2.5, -1.5])
    # the baseline's slopes are 4 and 3, so the student's lie 2 and 1 below: paired by seed
    assert by_model.loc["student_all", "action_top1_per_doubling_over_rgb_std"] == pytest.approx(0.5**0.5)
    assert by_model["action_ece_per_doubling"].tolist() == pytest.approx([0, 0, 0])
    assert "| student_all | 40.0 | 44.0 | 5.5 | 5.5 | 2.0 | -1.5 | 0.0 | 0.0 |" in as_markdown(table)


def test_one_setting_has_no_slope_and_one_seed_no_spread():
    table = build_view_table([entry for entry in metrics([(2, 1)]) if entry["seed"] == 0], ROWS, COST)
    empty = [column for column in table if "per_doubling" in column or column.endswith("_std")]
    assert len(empty) == 11 and table[empty].isna().all(axis=None)
    assert "nan" not in as_markdown(table)


def test_the_figure_shows_the_asked_models_at_every_setting():
    table = build_view_table(metrics(), ROWS, COST)
    figure = views(table, ["baseline_rgb", "omnivore", "student_all"])
    axes = figure.axes
    assert [text.get_text() for text in figure.legends[0].texts] == ["RGB baseline", "student (all)"]
    line = axes[1].containers[0].lines[0]
    assert line.get_xdata().tolist() == [2.0, 8.0] and line.get_ydata().tolist() == [40.0, 47.0]
    assert "multiply-adds" in axes[3].get_xlabel() and "ECE" in axes[2].get_ylabel()
