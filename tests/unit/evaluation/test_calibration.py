"""Reliability bins and calibration error against numbers worked out by hand."""

import numpy as np
import pytest

from egokd.evaluation.calibration import calibration_error, reliability_bins


def test_bins_are_open_below_and_closed_above():
    # five bins: 0.2 belongs to (0, 0.2], just above it to (0.2, 0.4]; 0 to the first, 1 to the last
    bins = reliability_bins(np.array([0.0, 0.2, 0.2001, 0.4, 1.0]), np.array([0, 1, 1, 0, 1]), 5)
    assert bins["count"] == [2, 2, 0, 0, 1]
    assert bins["accuracy"] == [0.5, 0.5, 0.0, 0.0, 1.0]
    assert bins["confidence"] == pytest.approx([0.1, 0.30005, 0.0, 0.0, 1.0])


def test_error_worked_out():
    # bin (0.5, 1]: confidences 0.9, 0.7, half right -> gap 0.3, weight 2/4; bin (0, 0.5]: 0.4 and 0.2, none right: 0.3
    bins = reliability_bins(np.array([0.9, 0.7, 0.4, 0.2]), np.array([1, 0, 0, 0]), 2)
    assert calibration_error(bins) == pytest.approx(0.5 * 0.3 + 0.5 * 0.3)


def test_a_calibrated_net_has_no_error():
    bins = reliability_bins(np.full(10, 0.7), np.arange(10) < 7, 15)
    assert calibration_error(bins) == pytest.approx(0)


def test_order_of_segments_does_not_matter():
    random = np.random.default_rng(0)
    confidence, correct = random.random(200), random.random(200) < 0.5
    order = random.permutation(200)
    first = calibration_error(reliability_bins(confidence, correct, 15))
    assert calibration_error(reliability_bins(confidence[order], correct[order], 15)) == pytest.approx(first)
