"""Metrics against numbers worked out by hand, and against slow and obvious code."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from egokd.evaluation import metrics
from egokd.evaluation.metrics import action_ranks, evaluate, ranks, segment_scores, subsets_of

VERB = np.log([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
NOUN = np.log([[0.6, 0.4], [0.2, 0.8]])
LABELS = {"verb": np.array([0, 2]), "noun": np.array([0, 1])}


def test_scores_of_heads_and_action():
    scores = segment_scores({"verb": VERB, "noun": NOUN}, LABELS)
    assert scores["verb"].rank.tolist() == [0, 1]
    assert scores["noun"].rank.tolist() == [0, 0]
    # pairs of the first segment: 0.30 is the largest; of the second: truth 0.24, above it only 0.48
    assert scores["action"].rank.tolist() == [0, 1]
    assert scores["action"].correct.tolist() == [True, False]
    assert scores["verb"].nll == pytest.approx([-math.log(0.5), -math.log(0.3)])
    assert scores["action"].nll == pytest.approx([-math.log(0.3), -math.log(0.24)])
    assert scores["action"].confidence == pytest.approx([0.3, 0.48])
    assert scores["verb"].brier == pytest.approx([0.5**2 + 0.3**2 + 0.2**2, 0.1**2 + 0.6**2 + 0.7**2])


def test_action_brier_equals_the_sum_over_all_pairs():
    scores = segment_scores({"verb": VERB, "noun": NOUN}, LABELS)
    for segment in range(2):
        total = 0.0
        for verb, noun in itertools.product(range(3), range(2)):
            truth = verb == LABELS["verb"][segment] and noun == LABELS["noun"][segment]
            total += (math.exp(VERB[segment, verb] + NOUN[segment, noun]) - truth) ** 2
        assert scores["action"].brier[segment] == pytest.approx(total)


def test_chunks_do_not_change_action_ranks(monkeypatch):
    random = np.random.default_rng(1)
    logp = {"verb": random.normal(size=(23, 7)), "noun": random.normal(size=(23, 11))}
    labels = {"verb": random.integers(0, 7, 23), "noun": random.integers(0, 11, 23)}
    slow = []
    for n in range(23):
        pairs = [logp["verb"][n, v] + logp["noun"][n, o] for v in range(7) for o in range(11)]
        truth = logp["verb"][n, labels["verb"][n]] + logp["noun"][n, labels["noun"][n]]
        slow.append(sum(pair >= truth for pair in pairs) - 1)
    assert action_ranks(logp, labels).tolist() == slow
    monkeypatch.setattr(metrics, "CHUNK_CELLS", 5 * 77)
    assert action_ranks(logp, labels).tolist() == slow


def test_ties_count_against_the_prediction():
    assert ranks(np.array([[1.0, 1.0, 0.0]]), np.array([0])).tolist() == [1]
    zero = np.array([0])
    scores = segment_scores({"verb": np.zeros((1, 4)), "noun": np.zeros((1, 5))}, {"verb": zero, "noun": zero})
    assert scores["verb"].rank.tolist() == [3] and not scores["action"].correct[0]
    assert scores["action"].rank.tolist() == [19] and scores["action"].confidence == pytest.approx([1 / 20])


def test_views_are_averaged_as_logits():
    # logits (4, 0) and (-2, 0) average to (1, 0): class 0, though probabilities alone would say about 0.55
    logits = np.array([[[4.0, 0.0], [-2.0, 0.0]]])
    found, _ = evaluate({"action": logits}, {"action": np.array([0])}, {"all": np.array([True])}, 15)
    assert found["all"]["action_nll"] == pytest.approx(math.log(1 + math.exp(-1)))


def test_single_head_gives_action_metrics_only():
    found, bins = evaluate(
        {"action": np.log([[[0.7, 0.3]], [[0.7, 0.3]]])},
        {"action": np.array([0, 1])},
        {"all": np.array([True, True]), "tail_action": np.array([False, True])},
        15,
    )
    assert set(found["all"]) == {f"action_{name}" for name in ("top1", "top5", "nll", "ece", "brier")} | {"segments"}
    assert found["all"]["action_top1"] == pytest.approx(50) and found["all"]["action_top5"] == pytest.approx(100)
    assert found["all"]["action_ece"] == pytest.approx(20)
    assert found["all"]["action_brier"] == pytest.approx(100 * (0.3**2 * 2 + 0.7**2 * 2) / 2)
    assert found["tail_action"]["segments"] == 1 and found["tail_action"]["action_top1"] == 0
    assert set(bins) == {"all"} and sum(bins["all"]["action"]["count"]) == 2


def test_the_order_of_segments_does_not_matter():
    random = np.random.default_rng(0)
    logits = {"verb": random.normal(size=(40, 2, 6)), "noun": random.normal(size=(40, 2, 5))}
    labels = {"verb": random.integers(0, 6, 40), "noun": random.integers(0, 5, 40)}
    unseen = random.random(40) < 0.5
    order = random.permutation(40)
    first, _ = evaluate(logits, labels, {"all": np.ones(40, bool), "unseen": unseen}, 15)
    second, _ = evaluate(
        {head: values[order] for head, values in logits.items()},
        {head: values[order] for head, values in labels.items()},
        {"all": np.ones(40, bool), "unseen": unseen[order]},
        15,
    )
    for subset in first:
        assert second[subset] == pytest.approx(first[subset])


def test_subsets_of_a_table():
    table = pd.DataFrame(
        {
            "unseen": [True, False, False, False],
            "tail_verb": [True, True, False, False],
            "tail_noun": [True, False, True, False],
        }
    )
    masks = {name: mask.tolist() for name, mask in subsets_of(table, ["verb", "noun"]).items()}
    assert masks["tail_action"] == [True, True, True, False]
    assert masks["tail_action_and"] == [True, False, False, False]
    assert list(masks) == ["all", "unseen", "tail_verb", "tail_noun", "tail_action", "tail_action_and"]
    assert "unseen" not in subsets_of(table[1:], ["verb", "noun"])
