"""Ensembles against numbers worked out by hand, and against brute force."""

import itertools
import math

import numpy as np
import pytest

from egokd.distillation.ensemble import combine, sample_weights, softmin
from egokd.distillation.ensemble_weights import combination_nll, fit_weights
from egokd.errors import UserError

TEACHERS = ["rgb", "flow", "audio"]


def world(teachers=3, segments=60, classes=5, missing=0.2, seed=0):
    """Teachers that know more or less about random labels; the first one sees everything."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, segments)
    logits = random.normal(size=(teachers, segments, classes)) * 1.5
    for m in range(teachers):
        logits[m, np.arange(segments), labels] += 2.0 / (m + 1)
    available = random.random((teachers, segments)) >= missing
    available[0] = True
    return logits, labels, available


def fit(logits, labels, available, scheme, temperature=1.0, how="logits"):
    names = TEACHERS[: len(logits)]
    return fit_weights({"verb": logits}, {"verb": labels}, available, names, scheme, temperature, how)["verb"]


def test_weighted_mean_of_logits():
    logits = np.array([[[2.0, 0.0]], [[0.0, 4.0]]])
    assert combine(logits, np.array([0.75, 0.25]), np.ones((2, 1))).tolist() == [[1.5, 1.0]]


def test_probabilities_give_log_of_the_mean():
    logits = np.log(np.array([[[0.8, 0.2]], [[0.4, 0.6]]]))
    mixed = combine(logits + 3, np.array([0.5, 0.5]), np.ones((2, 1)), "probabilities")
    assert mixed == pytest.approx(np.log([[0.6, 0.4]]))


@pytest.mark.parametrize("how", ["logits", "probabilities"])
def test_a_missing_teacher_drops_out_and_the_rest_is_renormalised(how):
    logits, _, _ = world(segments=4)
    weights = np.array([0.5, 0.3, 0.2])
    available = np.ones((3, 4), bool)
    available[1] = False
    broken = logits.copy()
    broken[1] = np.nan
    expected = combine(logits[[0, 2]], np.array([5 / 7, 2 / 7]), np.ones((2, 4)), how)
    assert combine(broken, weights, available, how) == pytest.approx(expected)


def test_only_teachers_of_weight_zero_share_equally():
    logits = np.array([[[9.0, 9.0]], [[2.0, 0.0]], [[0.0, 4.0]]])
    found = combine(logits, np.array([1.0, 0.0, 0.0]), np.array([[False], [True], [True]]))
    assert found.tolist() == [[1.0, 2.0]]


def test_a_segment_without_teacher_is_named():
    available = np.ones((2, 3), bool)
    available[:, 2] = False
    with pytest.raises(UserError, match="row 2"):
        combine(np.zeros((2, 3, 4)), np.array([0.5, 0.5]), available)


def test_softmin_worked_out():
    # losses 1 and 1 + log 3: weights 3/4, 1/4; at half the temperature 9/10, 1/10
    losses = np.array([1.0, 1.0 + math.log(3)])
    assert softmin(losses, 1.0) == pytest.approx([3 / 4, 1 / 4])
    assert softmin(losses, 0.5) == pytest.approx([9 / 10, 1 / 10])
    assert softmin(np.array([1.0, np.inf]), 1.0) == pytest.approx([1, 0])


def test_heldout_weights_come_from_each_teachers_own_segments():
    # teacher 0: p(true) = 3/4 and 3/4. teacher 1: 1/4, and missing on the second
    logits = np.log(np.array([[[0.75, 0.25], [0.75, 0.25]], [[0.25, 0.75], [0.99, 0.01]]]))
    available = np.array([[True, True], [True, False]])
    found = fit(logits, np.array([0, 0]), available, "heldout")
    assert found.teacher_nll == pytest.approx([-math.log(0.75), -math.log(0.25)])
    assert found.weights == pytest.approx([0.75, 0.25])


def test_temperature_runs_from_best_to_uniform():
    logits, labels, available = world()
    assert fit(logits, labels, available, "heldout", 1e4).weights == pytest.approx([1 / 3] * 3, abs=1e-3)
    cold = fit(logits, labels, available, "heldout", 1e-3)
    assert cold.weights.max() == pytest.approx(1) and cold.weights.argmax() == cold.teacher_nll.argmin()


def test_sample_weights_follow_each_segments_own_loss():
    logits = np.log(np.array([[[0.75, 0.25], [0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]]))
    found = sample_weights(logits, np.array([0, 1]), np.array([[True, True], [True, False]]), 1.0)
    assert found == pytest.approx(np.array([[0.75, 1.0], [0.25, 0.0]]))


@pytest.mark.parametrize("how", ["logits", "probabilities"])
def test_gradient_of_the_nll_equals_differences(how):
    logits, labels, available = world()
    weights = np.array([0.5, 0.3, 0.2])
    _, gradient = combination_nll(weights, logits, labels, available, how)
    for m in range(3):
        step = np.zeros(3)
        step[m] = 1e-6
        above = combination_nll(weights + step, logits, labels, available, how)[0]
        below = combination_nll(weights - step, logits, labels, available, how)[0]
        assert gradient[m] == pytest.approx((above - below) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("how", ["logits", "probabilities"])
@pytest.mark.parametrize("teachers", [2, 3])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_fitted_weights_equal_brute_force(how, teachers, missing):
    logits, labels, available = world(teachers=teachers, missing=missing)
    found = fit(logits, labels, available, "fitted", how=how)
    parts = 50
    grid = [
        np.array([*cut, parts - sum(cut)]) / parts
        for cut in itertools.product(range(parts + 1), repeat=teachers - 1)
        if sum(cut) <= parts
    ]
    best = min(grid, key=lambda w: combination_nll(np.maximum(w, 1e-9), logits, labels, available, how)[0])
    lowest = combination_nll(np.maximum(best, 1e-9), logits, labels, available, how)[0]
    assert found.ensemble_nll <= lowest + 1e-7
    assert found.weights == pytest.approx(best, abs=1.5 / parts)


@pytest.mark.parametrize("seed", range(8))
def test_fitted_is_not_worse_than_uniform_heldout_or_the_best_teacher(seed):
    logits, labels, available = world(seed=seed, missing=0.0)
    fitted = fit(logits, labels, available, "fitted")
    assert fitted.weights.sum() == pytest.approx(1) and (fitted.weights >= 0).all()
    for scheme in ("uniform", "heldout"):
        assert fitted.ensemble_nll <= fit(logits, labels, available, scheme).ensemble_nll + 1e-9
    assert fitted.ensemble_nll <= fitted.teacher_nll.min() + 1e-6


@pytest.mark.parametrize("scheme", ["uniform", "heldout", "per_sample", "fitted"])
def test_order_of_teachers_and_segments_does_not_matter(scheme):
    logits, labels, available = world()
    first = fit(logits, labels, available, scheme)
    turn, order = [2, 0, 1], np.random.default_rng(5).permutation(len(labels))
    second = fit(logits[turn][:, order], labels[order], available[turn][:, order], scheme)
    assert second.weights == pytest.approx(first.weights[turn], abs=1e-4)
    assert second.ensemble_nll == pytest.approx(first.ensemble_nll, abs=1e-7)


def test_a_teacher_that_is_always_wrong_gets_nothing():
    _, labels, available = world(teachers=2, missing=0.0)
    right = np.eye(5)[labels]
    logits = np.stack([right, -right])
    assert fit(logits, labels, available, "fitted").weights == pytest.approx([1, 0], abs=1e-4)


def test_refusals_name_what_is_wrong():
    logits, labels, available = world()
    with pytest.raises(UserError, match="unknown scheme 'best'"):
        fit(logits, labels, available, "best")
    available[2] = False
    with pytest.raises(UserError, match="'audio' lacks its modality in all"):
        fit(logits, labels, available, "uniform")


def test_calibration_finds_the_scale_that_was_taken_away():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (1, 4000, 5))
    chances = np.exp(logits[0]) / np.exp(logits[0]).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in chances])
    there = np.ones((1, 4000), bool)
    flat = {"verb": logits / 3}  # under-confident by a known factor
    found = fit_weights(flat, {"verb": labels}, there, ["rgb"], "uniform", 1.0, calibrate=True)["verb"]
    assert found.scale == pytest.approx(3, rel=0.1)
    plain = fit_weights(flat, {"verb": labels}, there, ["rgb"], "uniform", 1.0)["verb"]
    assert plain.scale == 1.0
    assert found.ensemble_nll < plain.ensemble_nll


def calibrated(logits, labels, noisy_labels=True):
    there, logits, labels = np.ones((1, len(labels)), bool), {"verb": logits[None]}, {"verb": labels}
    return fit_weights(logits, labels, there, ["rgb"], "uniform", 1.0, "logits", True, noisy_labels)["verb"]


def test_wrong_labels_do_not_make_the_ensemble_doubt():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 4, (4000, 5))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in chances])
    wrong = np.where(rng.uniform(size=4000) < 0.1, rng.integers(0, 5, 4000), labels)
    clean, found, doubting = (
        calibrated(logits / 2, labels),
        calibrated(logits / 2, wrong),
        calibrated(logits / 2, wrong, False),
    )
    assert clean.scale == pytest.approx(2, rel=0.1) and clean.random_labels < 0.01
    assert found.scale == pytest.approx(2, rel=0.1) and found.random_labels == pytest.approx(0.1, abs=0.02)
    assert doubting.scale < 1.4 and doubting.random_labels == 0


def test_mistakes_made_with_confidence_are_taken_for_wrong_labels():
    """The limit of it: labels are right here, and an ensemble so calibrated is over-confident."""
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(0, 1, (2000, 5)), rng.integers(0, 5, 2000)
    believed = np.where(rng.uniform(size=2000) < 0.8, labels, rng.integers(0, 5, 2000))
    logits[np.arange(2000), believed] += 4
    found, plain = calibrated(logits, labels), calibrated(logits, labels, False)
    assert found.random_labels == pytest.approx(0.2, abs=0.05) and found.scale > 1.5 * plain.scale
    assert found.ensemble_nll > plain.ensemble_nll


def test_scale_stays_small_when_a_few_segments_are_all_right():
    logits = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    found = fit_weights(
        {"verb": logits}, {"verb": np.array([0, 1])}, np.ones((1, 2), bool), ["rgb"], "uniform", 1.0, calibrate=True
    )["verb"]
    # two right ones and an unknown third: the chance of the right class should be 5/6, so scale = log(5)
    assert found.scale == pytest.approx(np.log(5), rel=1e-3)
