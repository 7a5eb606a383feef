"""Further measures of how far a model's confidence can be trusted: calibration by bins of equal mass and by class, the
Brier score's parts, selective prediction, and prediction sets.

Nothing depends on the order of segments: where several have the same confidence, each is taken for the mean of all of
them. Every function returns None for no segments: a missing number is not 0, and NaN must not enter a mean.

Legend: N segments, K classes. Arithmetic in float64. Results are shares (0..1), the Brier score's parts 0..2.
"""

import math

import numpy as np


def _tie_means(confidence_N: np.ndarray, values_N: np.ndarray) -> np.ndarray:
    """`values_N` in the order of falling confidence, each the mean over the segments with the same confidence."""
    _, group_N, count = np.unique(-confidence_N, return_inverse=True, return_counts=True)
    means = np.bincount(group_N, weights=values_N) / count
    return np.repeat(means, count)


def adaptive_error(confidence_N: np.ndarray, correct_N: np.ndarray, bins: int) -> float | None:
    """Calibration error with bins of equal mass: |accuracy - confidence| per bin, weighted by the bins' counts.

    Bins are as nearly equal as possible, the first (most confident) ones larger by one segment.
    """
    if not len(confidence_N):
        return None
    gaps = _tie_means(confidence_N, np.asarray(correct_N, np.float64)) - np.sort(confidence_N)[::-1]
    return sum(abs(float(part.sum())) for part in np.array_split(gaps, bins)) / len(gaps)


def _class_bins(values_N: np.ndarray, hit_N: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, sum of probabilities and number of hits per bin of equal width, as in `reliability_bins`."""
    bin_N = np.clip(np.ceil(values_N * bins).astype(np.int64) - 1, 0, bins - 1)
    sums = (np.bincount(bin_N, weights, minlength=bins) for weights in (None, values_N, hit_N.astype(np.float64)))
    count, probability, hits = sums
    return count, probability, hits


def classwise_error(probabilities_NK: np.ndarray, labels_N: np.ndarray, bins: int) -> float | None:
    """Mean over classes of the calibration error of each class's own probability, bins of equal width (Kull et al.
    2019)."""
    if not len(labels_N):
        return None
    errors = []
    for number, values_N in enumerate(probabilities_NK.T):
        _, probability, hits = _class_bins(values_N, labels_N == number, bins)
        errors.append(np.abs(probability - hits).sum() / len(labels_N))
    return float(np.mean(errors))


def brier_parts(probabilities_NK: np.ndarray, labels_N: np.ndarray, bins: int) -> dict[str, float] | None:
    """The Brier score as reliability - resolution + uncertainty, summed over classes.

    reliability  squared gap between mean probability and share of hits per bin of a class, weighted by counts
    uncertainty  variance of the truth: the score of always predicting the classes' shares
    resolution   what is left, so that the sum is exact: the spread of the shares of hits over bins, and the part of the
                 spread inside bins (the generalised resolution of Stephenson et al. 2008)
    """
    count = len(labels_N)
    if not count:
        return None
    score = reliability = uncertainty = 0.0
    for number, values_N in enumerate(probabilities_NK.T):
        hit_N = labels_N == number
        in_bin, probability, hits = _class_bins(values_N, hit_N, bins)
        filled = in_bin > 0
        reliability += float(((probability - hits)[filled] ** 2 / in_bin[filled]).sum()) / count
        share = float(hit_N.mean())
        uncertainty += share * (1 - share)
        score += float(((values_N - hit_N) ** 2).mean())
    return {"reliability": reliability, "resolution": reliability + uncertainty - score, "uncertainty": uncertainty}


def risk_coverage(confidence_N: np.ndarray, correct_N: np.ndarray) -> np.ndarray | None:
    """[N]: the share of errors among the 1, 2, ... N most confident segments."""
    if not len(confidence_N):
        return None
    wrong_N = _tie_means(confidence_N, 1 - np.asarray(correct_N, np.float64))
    return np.cumsum(wrong_N) / np.arange(1, len(wrong_N) + 1)


def conformal_threshold(probabilities_NK: np.ndarray, labels_N: np.ndarray, coverage: float) -> float:
    """The least probability of the classes in a prediction set that holds the truth with probability `coverage`, for
    segments drawn like the given ones (split conformal prediction; Sadinle et al. 2019).

    0 if there are too few segments for that promise: then every class is in the set.
    """
    needed = math.ceil((len(labels_N) + 1) * coverage)
    if needed > len(labels_N):
        return 0.0
    of_truth_N = probabilities_NK[np.arange(len(labels_N)), labels_N]
    return float(np.sort(of_truth_N)[::-1][needed - 1])


def prediction_sets(probabilities_NK: np.ndarray, labels_N: np.ndarray, threshold: float) -> dict[str, float] | None:
    """Mean `size` of the sets of classes with at least the `threshold`, and their `coverage`: how often the truth is in
    its set."""
    if not len(labels_N):
        return None
    inside_NK = probabilities_NK >= threshold
    covered_N = inside_NK[np.arange(len(labels_N)), labels_N]
    return {"size": float(inside_NK.sum(axis=1).mean()), "coverage": float(covered_N.mean())}
