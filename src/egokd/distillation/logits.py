"""From logits to log-probabilities, and from several views to one: numpy, float64."""

import numpy as np


def average_views(logits_NVK: np.ndarray) -> np.ndarray:
    """Mean of the logits over views (not of probabilities), as in the papers: [N,V,K] -> float64 [N,K]."""
    return np.asarray(logits_NVK, dtype=np.float64).mean(axis=1)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities over the last axis, float64."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
