"""A weighted ensemble of teachers: z_h = sum over teachers m of w_mh z_mh, weights per head.

Where a teacher's modality is missing (a silent video), the teacher is dropped and the other weights are scaled up to
sum to one. If all available teachers have weight zero, they are weighted equally.

Shapes: M teachers, N segments, K classes of the head. Plain numpy, float64: the same functions are used to choose
weights (`egokd.distillation.ensemble_weights`), to evaluate ensembles and to compute the targets of students.
"""

import numpy as np

from egokd.distillation.logits import log_softmax
from egokd.errors import UserError


def combine(logits_MNK: np.ndarray, weights: np.ndarray, available_MN: np.ndarray, how: str = "logits") -> np.ndarray:
    """The ensemble's logits, float64 [N,K].

    weights       [M], or [M,N] for weights that differ by segment; not negative
    available_MN  bool, whether the segment has the teacher's modality
    how           logits: weighted mean of logits. probabilities: log of the weighted mean of probabilities, so that
                  the result can be used as logits in either case

    Raises UserError with the row of a segment that has no teacher.
    """
    logits_MNK = np.asarray(logits_MNK, dtype=np.float64)
    shares_MN = renormalise(weights, available_MN)
    # the logits of a missing teacher may be anything, even NaN, and weight zero would not remove a NaN
    present = np.asarray(available_MN, dtype=bool)[..., None]
    if how == "logits":
        return np.einsum("mn,mnk->nk", shares_MN, np.where(present, logits_MNK, 0.0))
    if how == "probabilities":
        logp_MNK = log_softmax(np.where(present, logits_MNK, 0.0))
        with np.errstate(divide="ignore"):
            weighted = logp_MNK + np.log(shares_MN)[..., None]
        return np.logaddexp.reduce(weighted, axis=0)
    raise UserError(f"ensemble: combine must be 'logits' or 'probabilities', got {how!r}")


def renormalise(weights: np.ndarray, available_MN: np.ndarray) -> np.ndarray:
    """Weights [M] or [M,N] -> weights [M,N] that are zero for missing teachers and sum to one over teachers."""
    available_MN = np.asarray(available_MN, dtype=bool)
    alone = np.flatnonzero(~available_MN.any(axis=0))
    if len(alone):
        raise UserError(
            f"ensemble: {len(alone)} segment(s) have no teacher, the first in row {alone[0]}; "
            "add a teacher whose modality every segment has (rgb), or leave these segments out"
        )
    weights = np.asarray(weights, dtype=np.float64)
    weights_MN = np.where(available_MN, weights[:, None] if weights.ndim == 1 else weights, 0.0)
    total_N = weights_MN.sum(axis=0)
    shared_MN = available_MN / available_MN.sum(axis=0)
    return np.where(total_N > 0, weights_MN / np.where(total_N > 0, total_N, 1), shared_MN)


def softmin(losses: np.ndarray, temperature: float) -> np.ndarray:
    """exp(-losses / temperature), scaled to sum to one over the first axis; an infinite loss gives zero."""
    scaled = -np.asarray(losses, dtype=np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=0))
    return scaled / scaled.sum(axis=0)


def sample_weights(
    logits_MNK: np.ndarray, labels_N: np.ndarray, available_MN: np.ndarray, temperature: float
) -> np.ndarray:
    """Scheme per_sample, [M,N]: softmin over teachers of each segment's own cross-entropy, which needs its label."""
    losses_MN = np.where(available_MN, teacher_losses(logits_MNK, labels_N), np.inf)
    return softmin(losses_MN, temperature)


def teacher_losses(logits_MNK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Cross-entropy in nats of each teacher on each segment, [M,N]."""
    logp_MNK = log_softmax(logits_MNK)
    return -np.take_along_axis(logp_MNK, np.asarray(labels_N)[None, :, None], axis=2)[..., 0]
