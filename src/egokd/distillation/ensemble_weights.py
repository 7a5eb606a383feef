"""The weights of an ensemble's teachers, chosen on held-out training segments.

Shapes: M teachers, N segments, K classes of the head. Plain numpy, float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from egokd.distillation.ensemble import combine, renormalise, softmin, teacher_losses
from egokd.distillation.logits import log_softmax
from egokd.errors import UserError

SCHEMES = ("uniform", "heldout", "per_sample", "fitted")
LARGEST_SCALE = 10.0  # of the combined logits
LARGEST_NOISE = 0.3  # share of held-out labels that may be taken for wrong
SMALLEST = 1e-9  # of a fitted weight: keeps the combination defined where only that teacher is there


@dataclass(frozen=True)
class FittedHead:
    """Weights of one head, and the held-out cross-entropies in nats that they came from."""

    weights: np.ndarray  # [M], sum 1
    teacher_nll: np.ndarray  # [M], each over the segments where that teacher is there
    ensemble_nll: float  # of the weighted and scaled combination, over all segments, no label taken for random
    scale: float  # of the combined logits; 1 unless calibrated
    random_labels: float  # share of held-out labels that look drawn from all classes; 0 unless calibrated with it


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
    """Weights of `teachers` per head, and the scale of the combination, chosen on held-out segments.

    logits {head: [M,N,K]}, labels {head: int64 [N]} (all known), available bool [M,N].

    uniform     1/M
    heldout     softmin over teachers of their mean cross-entropy / temperature
    fitted      minimises the NLL of the combination; temperature plays no role
    per_sample  uses labels of the training segments, so here, for segments whose label must not be used (evaluation),
                it gives the weights of `heldout`

    calibrate   also choose a factor on the combined logits (temperature scaling, Guo et al. 2017), because averaging
                teachers of which some know little flattens the result; with `noisy_labels` reckoning with wrong ones,
                see `fit_scale`

    Segments that no teacher saw are left out. Raises UserError for an unknown scheme, and for a teacher without any
    held-out segment.
    """
    if scheme not in SCHEMES:
        raise UserError(f"ensemble: unknown scheme {scheme!r}; expected one of {', '.join(SCHEMES)}")
    available_MN = np.asarray(available_MN, dtype=bool)
    for name, seen in zip(teachers, available_MN, strict=True):
        if not seen.any():
            raise UserError(
                f"ensemble: teacher {name!r} saw none of the {available_MN.shape[1]} held-out segments, "
                "so it cannot be weighed; raise data.heldout_share or take it out of the ensemble"
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
    """The factor on the logits with the smallest NLL, between 1 / LARGEST_SCALE and LARGEST_SCALE; and a share.

    noisy_labels: the factor is fitted together with the share (up to LARGEST_NOISE) of labels that were drawn from all
    classes alike, which is returned beside it, else 0. Without the share, a few wrong labels where the teachers are
    sure make them doubt everywhere, and a student learns these doubts. Segments on which teachers are sure and wrong
    look the same, so where labels are right the share makes the ensemble over-confident.

    Next to the N segments counts one more of which the label is unknown, as in Laplace's rule of succession. Without
    it, a few segments that happen to be all right ask for an endless factor, and a student taught so sharply learns
    little. It is scored without the share, which would soften its say.
    """
    bound, doubt, rows = np.log(LARGEST_SCALE), 1 / (len(labels_N) + 1), np.arange(len(labels_N))

    def loss(log_scale: float, share: float = 0.0) -> float:
        logp_NK = log_softmax(np.exp(log_scale) * logits_NK)
        known_N = logp_NK[rows, labels_N]
        if share:
            known_N = np.logaddexp(np.log1p(-share) + known_N, np.log(share / logp_NK.shape[1]))
        return float(-(1 - doubt) * known_N.mean() - doubt * logp_NK.mean())

    if not noisy_labels:
        return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x)), 0.0
    # from few and from many wrong labels: there may be a best place on either side
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
    # through the renormalisation: shares = w a / sum(w a)
    total_N = np.where(available_MN, weights_M[:, None], 0.0).sum(axis=0)
    centred_MN = slope_MN - (shares_MN * slope_MN).sum(axis=0)
    gradient_MN = np.where(available_MN, centred_MN / np.maximum(total_N, SMALLEST), 0.0)
    return float(nll_N.mean()), gradient_MN.mean(axis=1)


def _minimise(logits_MNK: np.ndarray, labels_N: np.ndarray, available_MN: np.ndarray, how: str) -> np.ndarray:
    """Weights on the simplex with the smallest NLL.

    Convex where every teacher saw every segment. Where some are missing the renormalisation bends it, so the search
    starts from the middle and from near each corner, and the best end is taken.
    """
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
