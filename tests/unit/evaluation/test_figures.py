"""Figures: pooled bins by hand, and that every figure is drawn with labels, caption and both file formats."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from egokd.evaluation import figures
from egokd.evaluation.tables import build_table


def bins(count: list[int], confidence: list[float], accuracy: list[float]) -> dict:
    return {"count": count, "confidence": confidence, "accuracy": accuracy}


def entry(model: str, seed: int) -> dict:
    subset = {"segments": 10, "action_top1": 50.0 + seed, "action_ece": 12.0}
    return {
        "dataset": "epic",
        "source": "demo",
        "model": model,
        "seed": seed,
        "clips": 1,
        "crops": 1,
        "segments": 10,
        "skipped": 0,
        "subsets": {"all": subset, "unseen": {**subset, "action_top1": 30.0}},
        "reliability": {"all": {"action": bins([4, 6], [0.3, 0.9], [0.25, 0.5])}},
    }


MODELS = ["baseline_rgb", "ensemble_heldout", "student_heldout"]
ROWS = [{"model": m, "input": "rgb", "taught_by": "", "members": []} for m in MODELS]


def texts(figure) -> str:
    """All text in a figure: titles, labels, captions."""
    parts = [figure.get_supxlabel()]
    for axis in figure.axes:
        parts += [axis.get_title(), axis.get_xlabel(), axis.get_ylabel(), *(t.get_text() for t in axis.texts)]
    return "\n".join(parts)


def test_bins_of_two_seeds_are_weighted_by_their_counts():
    pooled = figures.pool_bins([bins([1, 0], [0.2, 0], [1.0, 0]), bins([3, 2], [0.4, 0.8], [0.0, 0.5])])
    assert pooled["count"].tolist() == [4, 2]
    assert pooled["confidence"].tolist() == pytest.approx([0.35, 0.8])
    assert pooled["accuracy"].tolist() == pytest.approx([0.25, 0.5])


def test_reliability_names_data_and_error(tmp_path):
    figure = figures.reliability({model: [entry(model, 0), entry(model, 1)] for model in MODELS})
    found = texts(figure)
    assert "source: demo" in found
    assert "2 seed(s) pooled" in found
    assert "student (heldout), action: ECE 12.0 %" in found
    figures.save(figure, tmp_path / "a.svg", tmp_path / "a.png")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_accuracy_shows_unseen_and_spread():
    figure = figures.accuracy(build_table([entry(m, s) for m in MODELS for s in (0, 1)], ROWS))
    found = texts(figure)
    assert "unseen participants" in found
    assert "action top-1 accuracy, %" in found
    assert "50.5" in found
    assert "bars: standard deviation" in found
    single = figures.accuracy(build_table([entry(m, 0) for m in MODELS], ROWS))
    assert "one seed, no spread" in texts(single)


def test_weights_and_curves_name_their_data():
    weights = [{"ensemble": "heldout", "seed": "seed0", "weights": {"noun": {"rgb": 0.7, "flow": 0.3}}}]
    assert "epic (source: demo)" in texts(figures.ensemble_weights(weights, "epic (source: demo)"))
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0]})
    figure = figures.training_curves({"baseline_rgb": [history], "student_heldout": [history]}, "epic (source: demo)")
    assert "epic (source: demo)" in texts(figure)
    assert [len(axis.lines) for axis in figure.axes] == [1, 1]


def test_same_figure_gives_the_same_svg(tmp_path):
    for name in ("a", "b"):
        figure = figures.reliability({model: [entry(model, 0)] for model in MODELS})
        figures.save(figure, tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_dollars_in_a_source_are_no_formula(tmp_path):
    figure = Figure()
    figures.write_caption(figure, r"mine (source: $a$ {x} $\frac$)")
    figures.save(figure, tmp_path / "a.svg", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
