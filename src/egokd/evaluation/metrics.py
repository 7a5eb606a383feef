"""Metrics of predictions: accuracy, likelihood and calibration, per head, for the action, and per subset.

An action is the tuple of all heads (verb and noun). Heads are predicted independently, so the probability of an action
is the product of the heads' probabilities. A dataset whose only head is `action` gets that head's metrics only.

Ties count against the prediction: the true class ranks below all classes with the same score. Equal scores for all
classes, which are stored where a modality is missing, are therefore wrong with confidence 1/K, and no metric depends on
the order of the classes.

Shapes: N segments, V views, K classes of a head. All arithmetic in float64.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from egokd.distillation.logits import average_views, log_softmax
from egokd.evaluation.calibration import calibration_error, reliability_bins

ACTION = "action"
CHUNK_CELLS = 4_000_000  # pairs of classes held at once when actions are ranked: 32 MB


@dataclass(frozen=True)
class Scores:
    """Per segment, of one head or of the action; arrays [N]."""

    rank: np.ndarray  # int64, 0 = the true class scores strictly highest
    nll: np.ndarray  # nats
    brier: np.ndarray  # squared distance between probabilities and one-hot truth, 0..2
    confidence: np.ndarray  # probability of the predicted class
    correct: np.ndarray  # bool


def ranks(scores_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """int64 [N]: the number of other classes that score as high as the true one, or higher."""
    true_N1 = np.take_along_axis(scores_NK, labels_N[:, None], axis=1)
    return (scores_NK >= true_N1).sum(axis=1) - 1


def action_ranks(logp: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> np.ndarray:
    """`ranks` of the true tuple among all tuples of classes, by the sum of log-probabilities.

    All pairs of 97 verbs and 300 nouns are 29,100 scores per segment, so segments are ranked in chunks.
    """
    heads = list(logp)
    pairs = int(np.prod([logp[head].shape[1] for head in heads]))
    count, step = len(labels[heads[0]]), max(1, CHUNK_CELLS // pairs)
    found = np.empty(count, dtype=np.int64)
    for begin in range(0, count, step):
        part = slice(begin, begin + step)
        joint, truth = logp[heads[0]][part], labels[heads[0]][part]
        for head in heads[1:]:
            other = logp[head][part]
            joint = (joint[:, :, None] + other[:, None, :]).reshape(len(joint), -1)
            truth = truth * other.shape[1] + labels[head][part]
        found[part] = ranks(joint, truth)
    return found


def segment_scores(logits: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> dict[str, Scores]:
    """Scores per segment of each head, and of the action if there are several heads.

    logits  {head: [N,K]}; labels {head: int64 [N]}, all known (no -1)
    """
    logp = {head: log_softmax(logits_NK) for head, logits_NK in logits.items()}
    scores: dict[str, Scores] = {}
    squares: dict[str, np.ndarray] = {}
    for head, logp_NK in logp.items():
        nll = -np.take_along_axis(logp_NK, labels[head][:, None], axis=1)[:, 0]
        squares[head] = np.exp(2 * logp_NK).sum(axis=1)
        rank = ranks(logp_NK, labels[head])
        brier = squares[head] - 2 * np.exp(-nll) + 1
        scores[head] = Scores(rank, nll, brier, np.exp(logp_NK.max(axis=1)), rank == 0)
    if len(logp) > 1:
        heads = list(scores.values())
        nll = np.sum([score.nll for score in heads], axis=0)
        # the sum over all pairs of p^2 q^2 is the product of the heads' sums
        brier = np.prod(list(squares.values()), axis=0) - 2 * np.exp(-nll) + 1
        confidence = np.prod([score.confidence for score in heads], axis=0)
        correct = np.logical_and.reduce([score.correct for score in heads])
        scores[ACTION] = Scores(action_ranks(logp, labels), nll, brier, confidence, correct)
    return scores


def subsets_of(table: pd.DataFrame, heads: list[str]) -> dict[str, np.ndarray]:
    """Boolean masks [N] over a segment table: all, unseen, tail_{head}, and for several heads tail_action.

    tail_action has the segments with any tail class (the official definition), tail_action_and those in which all
    classes are tail classes. Empty subsets are left out.
    """
    masks = {"all": np.ones(len(table), dtype=bool), "unseen": table["unseen"].to_numpy(dtype=bool)}
    tails = [table[f"tail_{head}"].to_numpy(dtype=bool) for head in heads]
    masks |= {f"tail_{head}": tail for head, tail in zip(heads, tails, strict=True)}
    if len(heads) > 1:
        masks["tail_action"] = np.logical_or.reduce(tails)
        masks["tail_action_and"] = np.logical_and.reduce(tails)
    return {name: mask for name, mask in masks.items() if mask.any()}


def evaluate(
    logits: dict[str, np.ndarray], labels: dict[str, np.ndarray], subsets: dict[str, np.ndarray], bins: int
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, dict[str, list]]]]:
    """All metrics of a set of predictions.

    logits   {head: [N,V,K]}, averaged over views as logits; labels {head: int64 [N]}, all known
    subsets  {name: bool [N]}, as from `subsets_of`
    bins     number of bins of the calibration error

    Returns {subset: {"{head}_{top1|top5|nll|ece|brier}": value, "segments": count}}, in percent except NLL (nats),
    and {subset: {head: reliability bins}} for the subsets `all` and `unseen`.
    """
    scores = segment_scores({head: average_views(values) for head, values in logits.items()}, labels)
    metrics: dict[str, dict[str, float]] = {}
    reliability: dict[str, dict[str, dict[str, list]]] = {}
    for subset, mask in subsets.items():
        metrics[subset] = {}
        for head, score in scores.items():
            binned = reliability_bins(score.confidence[mask], score.correct[mask], bins)
            metrics[subset] |= {
                f"{head}_top1": 100 * float(score.correct[mask].mean()),
                f"{head}_top5": 100 * float((score.rank[mask] < 5).mean()),
                f"{head}_nll": float(score.nll[mask].mean()),
                f"{head}_ece": 100 * calibration_error(binned),
                f"{head}_brier": 100 * float(score.brier[mask].mean()),
            }
            if subset in ("all", "unseen"):
                reliability.setdefault(subset, {})[head] = binned
        metrics[subset]["segments"] = int(mask.sum())
    return metrics, reliability
