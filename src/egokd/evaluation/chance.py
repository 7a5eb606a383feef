"""What a net scores that knows nothing but how frequent the classes are."""

from math import sqrt

import numpy as np

DEVIATIONS = 2.0  # of the luck of so many segments, within which a score counts as chance


def most_frequent(labels: dict[str, np.ndarray]) -> dict[str, float]:
    """Top-1 in percent of naming the most frequent class of the evaluated segments every time, per head.

    labels  {head: int64 [N]}, all known, N > 0
    """
    return {head: 100 * float(np.bincount(values_N).max()) / len(values_N) for head, values_N in labels.items()}


def luck(guess: float, segments: int) -> float:
    """How far, in points, the top-1 of such guessing may lie from `guess` (percent) on so many segments."""
    return DEVIATIONS * sqrt(guess * (100 - guess) / segments)
