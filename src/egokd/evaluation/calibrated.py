"""A model as it is and with its temperature fitted on the held-out fold (`+ts`): all measures of its calibration.

A reader asks whether a student is better calibrated than a *rescaled* baseline. The temperature of a head divides its
logits; it minimises the NLL of held-out segments (Guo et al. 2017), which no model was trained on. The action uses the
heads' temperatures. What needs the probability of every class (classwise error, parts of the Brier score, prediction
sets) is given for heads and not for the action, which has as many classes as there are pairs.

Shapes: N segments, K classes of a head.
"""

from dataclasses import dataclass

import numpy as np

from egokd.distillation.ensemble_weights import fit_scale
from egokd.distillation.logits import log_softmax
from egokd.evaluation.calibration import calibration_error, reliability_bins
from egokd.evaluation.metrics import Scores, segment_scores
from egokd.evaluation.uncertainty import (
    adaptive_error,
    brier_parts,
    classwise_error,
    conformal_threshold,
    prediction_sets,
    risk_coverage,
)

AS_IS, SCALED = "", "+ts"
COVERAGE = 0.9  # that prediction sets promise
CURVE_POINTS = 50  # of the risk-coverage curve that is kept

Logits = dict[str, np.ndarray]  # {head: float64 [N,K]}, mean over views
Labels = dict[str, np.ndarray]  # {head: int64 [N]}


@dataclass(frozen=True)
class Calibrated:
    """One variant: a row of the table, and what its figure needs.

    temperatures  by head; 1 for the model as it is
    metrics       {head}_{metric}, in percent except nll (nats), set_size (classes)
    curves        by head: error in percent at CURVE_POINTS equal steps of coverage
    clusters      by head: per cluster and bin, `count`, `confidence` and `correct` summed over segments
    """

    temperatures: dict[str, float]
    metrics: dict[str, float]
    curves: dict[str, list[float]]
    clusters: dict[str, dict[str, list]]


def fit_temperatures(logits: Logits, labels: Labels, known_N: np.ndarray) -> dict[str, float]:
    """The temperature of each head with the smallest NLL on the segments `known_N` (bool), 1 where there are none."""
    if not known_N.any():
        return dict.fromkeys(logits, 1.0)
    return {head: 1 / fit_scale(values[known_N], labels[head][known_N], False)[0] for head, values in logits.items()}


def calibrated(
    logits: Logits,
    labels: Labels,
    heldout_logits: Logits,
    heldout_labels: Labels,
    temperatures: dict[str, float],
    clusters_N: np.ndarray,
    bins: int,
) -> Calibrated:
    """All measures of a model whose logits are divided by `temperatures`.

    heldout_...  what the thresholds of prediction sets are chosen on, with the same temperatures
    clusters_N   int64 [N], from 0: the video (or participant) of every segment
    """
    if not len(clusters_N):
        return Calibrated(temperatures, {}, {}, {})
    scaled = {head: values / temperatures[head] for head, values in logits.items()}
    scores = segment_scores(scaled, labels)
    metrics: dict[str, float | None] = {}
    for head, score in scores.items():
        binned = reliability_bins(score.confidence, score.correct, bins)
        risk = risk_coverage(score.confidence, score.correct)
        metrics |= {
            f"{head}_top1": _percent(float(score.correct.mean())),
            f"{head}_nll": float(score.nll.mean()),
            f"{head}_ece": _percent(calibration_error(binned)),
            f"{head}_ece_adaptive": _percent(adaptive_error(score.confidence, score.correct, bins)),
            f"{head}_brier": _percent(float(score.brier.mean())),
            f"{head}_aurc": _percent(None if risk is None else float(risk.mean())),
        }
        if head in scaled:
            held = np.exp(log_softmax(heldout_logits[head] / temperatures[head]))
            metrics |= _of_all_classes(
                head, np.exp(log_softmax(scaled[head])), labels[head], held, heldout_labels, bins
            )
    return Calibrated(
        temperatures=temperatures,
        metrics={name: value for name, value in metrics.items() if value is not None},
        curves={head: _curve(score) for head, score in scores.items()},
        clusters={
            head: cluster_sums(score.confidence, score.correct, clusters_N, bins) for head, score in scores.items()
        },
    )


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _of_all_classes(
    head: str, probabilities_NK: np.ndarray, labels_N: np.ndarray, heldout_NK: np.ndarray, heldout: Labels, bins: int
) -> dict[str, float | None]:
    """The measures that need the probability of every class."""
    parts = brier_parts(probabilities_NK, labels_N, bins) or {}
    sets: dict[str, float] = {}
    if len(heldout[head]):
        threshold = conformal_threshold(heldout_NK, heldout[head], COVERAGE)
        sets = prediction_sets(probabilities_NK, labels_N, threshold) or {}
    return {
        f"{head}_ece_classwise": _percent(classwise_error(probabilities_NK, labels_N, bins)),
        **{f"{head}_brier_{name}": _percent(value) for name, value in parts.items()},
        f"{head}_set_size": sets.get("size"),
        f"{head}_set_coverage": _percent(sets.get("coverage")),
    }


def _curve(score: Scores) -> list[float]:
    """The risk-coverage curve at equal steps of coverage, in percent."""
    risk = risk_coverage(score.confidence, score.correct)
    if risk is None:
        return []
    steps = np.ceil(np.arange(1, CURVE_POINTS + 1) / CURVE_POINTS * len(risk)).astype(np.int64) - 1
    return (100 * risk[steps]).tolist()


def cluster_sums(confidence_N: np.ndarray, correct_N: np.ndarray, clusters_N: np.ndarray, bins: int) -> dict[str, list]:
    """Lists [cluster][bin]: `count` of segments, and the sums of their `confidence` and of the `correct` ones."""
    bin_N = np.clip(np.ceil(confidence_N * bins).astype(np.int64) - 1, 0, bins - 1)
    clusters = int(clusters_N.max(initial=-1)) + 1
    place_N = clusters_N * bins + bin_N
    weights = {"count": np.ones(len(bin_N)), "confidence": confidence_N, "correct": correct_N.astype(np.float64)}
    return {
        name: np.bincount(place_N, values, minlength=clusters * bins).reshape(clusters, bins).tolist()
        for name, values in weights.items()
    }


def accuracy_band(
    count_CB: np.ndarray, correct_CB: np.ndarray, draws: int, seed: int, share: float = 0.9
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the accuracy per bin, float64 [B], over `draws` bootstrap samples of whole clusters.

    Segments of one video resemble each other, so segments must not be drawn one by one. NaN in a bin that is empty in
    all samples; samples in which it is empty are left out. The middle `share` of the samples lies in the band.
    """
    clusters = len(count_CB)
    drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    count, correct = drawn @ count_CB, drawn @ correct_CB
    low, high = np.full(count.shape[1], np.nan), np.full(count.shape[1], np.nan)
    for place in np.flatnonzero(count.any(axis=0)):
        filled = count[:, place] > 0
        accuracy = correct[filled, place] / count[filled, place]
        low[place], high[place] = np.quantile(accuracy, [(1 - share) / 2, (1 + share) / 2])
    return low, high
