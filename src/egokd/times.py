"""Which of some moments is nearest: stored frames, annotated frames, published flow are all chosen by time."""

import numpy as np


def nearest(times: np.ndarray, wanted: np.ndarray, tolerance: float = 0.0, share: float = 0.0) -> np.ndarray:
    """int64: for each of `wanted` the index of the nearest of the rising `times` (at least one), the earlier of two.

    Two moments count as equally near where their distances from the wanted one differ by no more than `tolerance`, in
    the unit of the times, plus `share` of the distance between the two: k / rate is not exact, and a rounding error
    must not choose the frame.
    """
    right = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
    left = np.maximum(right - 1, 0)
    margin = tolerance + share * (times[right] - times[left])
    nearer = np.abs(times[right] - wanted) < np.abs(times[left] - wanted) - margin
    return np.where(nearer, right, left).astype(np.int64)
