"""Weights of an ensemble's teachers, chosen on held-out training segments.

Shapes: M teachers, N segments, K classes of the head. Plain numpy, float64. scipy's optimiser is imported where it is
used: it takes longer to import than an ensemble of given weights takes to make.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from egokd.distillation.ensemble import combine, renormalise, softmin, teacher_losses
from egokd.distillation.logits import log_softmax
from egokd.errors import UserError

SCHEMES = ("uniform", "heldout", "per_sample", "fitted")
LARGEST_SCALE = 10.0  # of the combined logits
LARGEST_NOISE = 0.3  # largest share of held-out labels that the fit may consider wrong
SMALLEST = 1e-9  # fitted weight: keeps the combination defined where only that teacher is available


@dataclass(frozen=True)
class FittedHead:
    """Weights of one head, and the held-out cross-entropies in nats that they were computed from."""

    weights: np.ndarray  # [M], sum 1
    teacher_nll: np.ndarray  # [M], each over the segments where that teacher is available
    ensemble_nll: float  # of the weighted and scaled combination, over all segments, no label counted as random
    scale: float  # of the combined logits; 1 unless calibrated
    random_labels: float  # share of held-out labels that look random; 0 unless fitted with `noisy_labels`


def fit_weights(
    logits: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    available_MN: np.ndarray,
    teachers: Sequence[str],
    scheme: str,
    temperature: float,
    how: str = "logits",
    calibrate: bool = False,
    noisy_labels: bool = False,
) -> dict[str, FittedHead]:
    """Choose the weights of `teachers` per head, and the scale of the combination, on held-out segments.

    logits {head: [M,N,K]}, labels {head: int64 [N]} (all known), available bool [M,N].

    uniform     1/M
    heldout     softmin over teachers of their mean cross-entropy / temperature
    fitted      minimises the NLL of the combination; temperature is not used
    per_sample  uses the labels of training segments. Evaluation must not use labels, so this function returns the
                weights of `heldout`

    calibrate     also choose a factor on the combined logits (temperature scaling, Guo et al. 2017): averaging teachers
                  of which some know little flattens the result
    noisy_labels  account for mislabelled held-out segments when choosing the factor, see `fit_scale`

    Segments without any teacher are left out. Raises UserError for an unknown scheme, and for a teacher without any
    held-out segment.
    """
    if scheme not in SCHEMES:
        raise UserError(f"ensemble: unknown scheme {scheme!r}; expected one of {', '.join(SCHEMES)}")
    available_MN = np.asarray(available_MN, dtype=bool)
    for name, seen in zip(teachers, available_MN, strict=True):
        if not seen.any():
            raise UserError(
                f"ensemble: teacher {name!r} lacks its modality in all {available_MN.shape[1]} held-out segments, so "
                "it cannot be weighted; raise data.heldout_share or remove it from the ensemble"
            )
    known = available_MN.any(axis=0)
    available_MN = available_MN[:, known]
    fitted = {}
    for head, values in logits.items():
        values_MNK, labels_N = np.asarray(values, dtype=np.float64)[:, known], labels[head][known]
        losses_MN = np.where(available_MN, teacher_losses(values_MNK, labels_N), 0.0)
        teacher_nll = losses_MN.sum(axis=1) / available_MN.sum(axis=1)
        weights = np.full(len(teachers), 1 / len(teachers))
        if scheme in ("heldout", "per_sample"):
            weights = softmin(teacher_nll, temperature)
        elif scheme == "fitted":
            weights = _minimise(values_MNK, labels_N, available_MN, how)
        combined_NK = combine(values_MNK, weights, available_MN, how)
        scale, share = fit_scale(combined_NK, labels_N, noisy_labels) if calibrate else (1.0, 0.0)
        fitted[head] = FittedHead(weights, teacher_nll, mean_nll(scale * combined_NK, labels_N), scale, share)
    return fitted


def mean_nll(logits_NK: np.ndarray, labels_N: np.ndarray) -> float:
    """Mean negative log-likelihood in nats."""
    return float(-log_softmax(logits_NK)[np.arange(len(labels_N)), labels_N].mean())


def fit_scale(logits_NK: np.ndarray, labels_N: np.ndarray, noisy_labels: bool) -> tuple[float, float]:
    """The factor on the logits with the smallest NLL, between 1 / LARGEST_SCALE and LARGEST_SCALE, and a share.

    noisy_labels: the factor is fitted together with the share (up to LARGEST_NOISE) of labels that are drawn uniformly
    from all classes; the share is returned with it (0 otherwise). Without the share, a few wrong labels on which the
    teachers are confident make the ensemble under-confident everywhere, and the student learns that. Segments on which
    teachers are confident and wrong look the same as wrong labels, so where labels are right the share makes the
    ensemble over-confident.

    The loss counts one segment with an unknown label besides the N segments, as in Laplace's rule of succession. If a
    few segments are all classified correctly, the best factor would be infinite without it, and a student with such
    hard targets learns little. This segment is scored without the share, which would weaken its effect.
    """
    from scipy.optimize import minimize, minimize_scalar

    bound, doubt, rows = np.log(LARGEST_SCALE), 1 / (len(labels_N) + 1), np.arange(len(labels_N))

    def loss(log_scale: float, share: float = 0.0) -> float:
        logp_NK = log_softmax(np.exp(log_scale) * logits_NK)
        known_N = logp_NK[rows, labels_N]
        if share:
            known_N = np.logaddexp(np.log1p(-share) + known_N, np.log(share / logp_NK.shape[1]))
        return float(-(1 - doubt) * known_N.mean() - doubt * logp_NK.mean())

    if not noisy_labels:
        return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x)), 0.0
    # start from few and from many wrong labels: there may be a local minimum for either
    ends = [
        minimize(lambda at: loss(*at), [0.0, start], method="L-BFGS-B", bounds=[(-bound, bound), (0.0, LARGEST_NOISE)])
        for start in (0.02, 0.2)
    ]
    log_scale, share = min(ends, key=lambda end: end.fun).x
    return float(np.exp(log_scale)), float(share)


def combination_nll(
    weights_M: np.ndarray, logits_MNK: np.ndarray, labels_N: np.ndarray, available_MN: np.ndarray, how: str
) -> tuple[float, np.ndarray]:
    """Mean NLL in nats of the combination, and its gradient with respect to the weights [M]."""
    shares_MN = renormalise(weights_M, available_MN)
    logits_MNK = np.where(available_MN[..., None], logits_MNK, 0.0)
    logp_NK = log_softmax(combine(logits_MNK, weights_M, available_MN, how))
    rows = np.arange(len(labels_N))
    nll_N = -logp_NK[rows, labels_N]
    if how == "logits":
        residual_NK = np.exp(logp_NK)
        residual_NK[rows, labels_N] -= 1
        slope_MN = np.einsum("nk,mnk->mn", residual_NK, logits_MNK)
    else:
        slope_MN = -np.exp(log_softmax(logits_MNK)[:, rows, labels_N] + nll_N)
    # chain rule through the renormalisation: shares = w a / sum(w a)
    total_N = np.where(available_MN, weights_M[:, None], 0.0).sum(axis=0)
    centred_MN = slope_MN - (shares_MN * slope_MN).sum(axis=0)
    gradient_MN = np.where(available_MN, centred_MN / np.maximum(total_N, SMALLEST), 0.0)
    return float(nll_N.mean()), gradient_MN.mean(axis=1)


def _minimise(logits_MNK: np.ndarray, labels_N: np.ndarray, available_MN: np.ndarray, how: str) -> np.ndarray:
    """Weights on the simplex with the smallest NLL.

    The problem is convex if every teacher is available for every segment. Otherwise the renormalisation makes it
    non-convex, so the search starts from the centre and from near each corner, and the best result is returned.
    """
    from scipy.optimize import minimize

    count = len(logits_MNK)
    middle = np.full(count, 1 / count)
    starts = [middle, *(0.8 * corner + 0.2 * middle for corner in np.eye(count))]
    arguments = (logits_MNK, labels_N, available_MN, how)
    candidates = [*starts, *np.maximum(np.eye(count), SMALLEST)]
    for start in starts:
        found = minimize(
            combination_nll,
            start,
            args=arguments,
            jac=True,
            method="SLSQP",
            bounds=[(SMALLEST, 1)] * count,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones_like(w)},
            options={"ftol": 1e-10, "maxiter": 200},
        )
        candidates.append(np.maximum(found.x, SMALLEST))
    candidates = [weights / weights.sum() for weights in candidates]
    return min(candidates, key=lambda weights: combination_nll(weights, *arguments)[0])
