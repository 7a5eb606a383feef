"""Measures of calibration against slow loops that share no code, on random and on extreme inputs; and by hand."""

import numpy as np
import pytest

import slow_metrics as slow
from egokd.evaluation.calibrated import AS_IS, accuracy_band, calibrated, cluster_sums, fit_temperatures
from egokd.evaluation.calibration import calibration_error, reliability_bins
from egokd.evaluation.metrics import segment_scores
from egokd.evaluation.uncertainty import (
    adaptive_error,
    brier_parts,
    classwise_error,
    conformal_threshold,
    prediction_sets,
    risk_coverage,
)

BINS = 15
NEAR = {"abs": 1e-6, "rel": 0}


def cases():
    """Logits and labels by name."""
    random = np.random.default_rng(0)
    logits, labels = 3 * random.normal(size=(80, 7)), random.integers(7, size=80)
    sure = np.where(np.arange(7) == random.integers(7, size=(80, 1)), 2000.0, 0.0)  # probabilities of exactly 0 and 1
    return {
        "random": (logits, labels),
        "few segments": (logits[:9], labels[:9]),
        "one segment": (logits[:1], labels[:1]),
        "one class": (logits[:, :1], np.zeros(80, np.int64)),
        "all the same": (np.zeros((80, 7)), labels),
        "many ties": (np.round(logits), labels),
        "all wrong": (logits, logits.argmin(axis=1)),
        "all right": (logits, logits.argmax(axis=1)),
        "exactly 0 and 1": (sure, labels),
        "on the edges of bins": (np.log(np.tile([[3, 6, 6], [9, 3, 3]], (20, 1)) / 15), random.integers(3, size=40)),
    }


@pytest.mark.parametrize("name", cases())
def test_every_measure_equals_slow_loops(name):
    logits, labels = cases()[name]
    score = segment_scores({"verb": logits}, {"verb": labels})["verb"]
    probabilities = [slow.softmax(row) for row in logits.tolist()]
    correct = [slow.is_right(row, label) for row, label in zip(logits.tolist(), labels.tolist(), strict=True)]
    # the loops take the very confidences, since one in the last bit may lie on the other side of a bin's edge
    confidence, array = score.confidence.tolist(), np.array(probabilities)
    assert confidence == pytest.approx([max(row) for row in probabilities], **NEAR)
    assert score.correct.tolist() == correct
    ece = calibration_error(reliability_bins(score.confidence, score.correct, BINS))
    assert ece == pytest.approx(slow.calibration_error(confidence, correct, BINS), **NEAR)
    assert adaptive_error(score.confidence, score.correct, BINS) == pytest.approx(
        slow.adaptive_error(confidence, correct, BINS), **NEAR
    )
    assert classwise_error(array, labels, BINS) == pytest.approx(
        slow.classwise_error(probabilities, labels.tolist(), BINS), **NEAR
    )
    parts, expected = brier_parts(array, labels, BINS), slow.brier_parts(probabilities, labels.tolist(), BINS)
    assert parts == pytest.approx(expected, **NEAR)
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    assert total == pytest.approx(slow.brier(probabilities, labels.tolist()), **NEAR)
    assert total == pytest.approx(score.brier.mean(), **NEAR)
    assert risk_coverage(score.confidence, score.correct).mean() == pytest.approx(
        slow.area_under_risk(confidence, correct), **NEAR
    )


@pytest.mark.parametrize("name", ["random", "many ties", "all the same", "on the edges of bins"])
def test_the_order_of_segments_does_not_matter(name):
    logits, labels = cases()[name]
    order = np.random.default_rng(1).permutation(len(labels))
    measures = [
        (adaptive_error(score.confidence, score.correct, BINS), risk_coverage(score.confidence, score.correct).mean())
        for score in (
            segment_scores({"verb": logits[rows]}, {"verb": labels[rows]})["verb"] for rows in (slice(None), order)
        )
    ]
    assert measures[0] == pytest.approx(measures[1], **NEAR)


def test_an_empty_subset_is_missing_and_not_a_number():
    none, no_rows, no_labels = np.zeros(0), np.zeros((0, 3)), np.zeros(0, np.int64)
    assert adaptive_error(none, none, BINS) is None
    assert classwise_error(no_rows, no_labels, BINS) is None
    assert brier_parts(no_rows, no_labels, BINS) is None
    assert risk_coverage(none, none) is None
    assert prediction_sets(no_rows, no_labels, 0.1) is None
    empty = calibrated({"verb": no_rows}, {"verb": no_labels}, {}, {}, {"verb": 1.0}, no_labels, BINS)
    assert empty.metrics == {} and empty.curves == {}


def test_risk_and_coverage_worked_out():
    # surest first: right, wrong, then two with the same confidence of which one is right
    risk = risk_coverage(np.array([0.5, 0.9, 0.5, 0.7]), np.array([True, True, False, False]))
    assert risk.tolist() == pytest.approx([0, 1 / 2, 1.5 / 3, 2 / 4])


def test_prediction_sets_worked_out():
    # nine segments: the promise of 90 % needs ceil(10 * 0.9) = 9 of them, so the least probability of a truth
    probabilities = np.array([[0.1 * n, 1 - 0.1 * n] for n in range(1, 10)])
    assert conformal_threshold(probabilities, np.zeros(9, np.int64), 0.9) == pytest.approx(0.1)
    # of eight, nine would be needed: no threshold keeps the promise
    assert conformal_threshold(probabilities[:8], np.zeros(8, np.int64), 0.9) == 0.0
    sets = prediction_sets(np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]), np.array([1, 0]), 0.25)
    assert sets == {"size": 1.5, "coverage": 0.5}


def test_sets_keep_their_promise_on_segments_of_the_same_kind():
    random = np.random.default_rng(0)
    logits, covered = 2 * random.normal(size=(4000, 6)), []
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for _ in range(40):
        labels = np.array([random.choice(6, p=row) for row in probabilities[:400]])
        threshold = conformal_threshold(probabilities[:200], labels[:200], 0.9)
        covered.append(prediction_sets(probabilities[200:400], labels[200:], threshold)["coverage"])
    assert 0.89 < np.mean(covered) < 0.93


def test_the_temperature_undoes_a_scale_and_keeps_accuracy():
    random = np.random.default_rng(0)
    logits = 2 * random.normal(size=(3000, 5))
    labels = np.array([random.choice(5, p=slow.softmax(row)) for row in logits.tolist()])
    known = np.arange(3000) % 2 == 0
    fitted = fit_temperatures({"verb": 3 * logits}, {"verb": labels}, known)
    assert fitted["verb"] == pytest.approx(3, rel=0.06)
    assert fit_temperatures({"verb": logits}, {"verb": labels}, np.zeros(3000, bool)) == {"verb": 1.0}
    before, after = (
        calibrated({"verb": 3 * logits}, {"verb": labels}, {"verb": logits}, {"verb": labels}, t, labels, BINS).metrics
        for t in ({"verb": 1.0}, fitted)
    )
    assert after["verb_top1"] == before["verb_top1"]
    assert after["verb_ece"] < 3 < 10 < before["verb_ece"] and after["verb_nll"] < before["verb_nll"]


def test_the_action_has_no_measure_that_needs_every_pair():
    random = np.random.default_rng(0)
    logits = {"verb": random.normal(size=(30, 4)), "noun": random.normal(size=(30, 5))}
    labels = {head: random.integers(values.shape[1], size=30) for head, values in logits.items()}
    result = calibrated(logits, labels, logits, labels, {"verb": 1.0, "noun": 1.0}, np.arange(30) % 4, BINS)
    of_action = {name.removeprefix("action_") for name in result.metrics if name.startswith("action")}
    assert of_action == {"top1", "nll", "ece", "ece_adaptive", "brier", "aurc"}
    assert {name.removeprefix("verb_") for name in result.metrics if name.startswith("verb")} > of_action
    assert len(result.clusters["action"]["count"]) == 4 and AS_IS == ""


def test_a_band_of_whole_clusters_is_wider_than_one_of_single_segments():
    # in every cluster all segments are right, or all are wrong
    clusters, correct = np.repeat(np.arange(20), 50), np.repeat(np.arange(20) % 2 == 0, 50)
    confidence = np.full(1000, 0.5)
    widths = []
    for number in (clusters, np.arange(1000)):
        sums = cluster_sums(confidence, correct, number, BINS)
        low, high = accuracy_band(np.array(sums["count"]), np.array(sums["correct"]), 400, 0)
        assert np.isfinite(low).sum() == 1 and low[7] < 0.5 < high[7]
        widths.append(high[7] - low[7])
    # standard deviations: 0.5 / sqrt(20) and 0.5 / sqrt(1000)
    assert widths[0] == pytest.approx(2 * 1.645 * 0.5 / 20**0.5, rel=0.15)
    assert widths[1] == pytest.approx(2 * 1.645 * 0.5 / 1000**0.5, rel=0.15)
