"""Calibration: is a net that is 80 % confident right in 80 % of the cases?

Bins have equal width on (0, 1]: bin b of n has the confidences in (b/n, (b+1)/n], and the first bin also has 0
(Guo et al., 2017). Confidence is the probability of the predicted class.
"""

import numpy as np


def reliability_bins(confidence_N: np.ndarray, correct_N: np.ndarray, bins: int) -> dict[str, list]:
    """Per bin: `count` of segments, mean `confidence` and `accuracy` in 0..1 (0 in an empty bin)."""
    confidence_N = np.asarray(confidence_N, dtype=np.float64)
    bin_N = np.clip(np.ceil(confidence_N * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(bin_N, minlength=bins)
    divisor = np.maximum(count, 1)
    confidence = np.bincount(bin_N, weights=confidence_N, minlength=bins) / divisor
    accuracy = np.bincount(bin_N, weights=np.asarray(correct_N, dtype=np.float64), minlength=bins) / divisor
    return {"count": count.tolist(), "confidence": confidence.tolist(), "accuracy": accuracy.tolist()}


def calibration_error(reliability: dict[str, list]) -> float:
    """Expected calibration error in 0..1: |accuracy - confidence| per bin, weighted by the bins' counts."""
    count = np.asarray(reliability["count"], dtype=np.float64)
    gap = np.abs(np.asarray(reliability["accuracy"]) - np.asarray(reliability["confidence"]))
    return float((count * gap).sum() / count.sum())
