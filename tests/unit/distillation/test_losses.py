"""Losses against numbers worked out by hand."""

import math

import pytest
import torch

from egokd.distillation.losses import cross_entropy, distillation


def test_cross_entropy_is_the_mean_over_heads():
    logits = {"verb": torch.zeros(2, 2), "noun": torch.zeros(2, 4)}
    labels = torch.tensor([[0, 3], [1, 2]])
    # equal logits: log 2 for two classes, log 4 for four
    assert cross_entropy(logits, labels, ["verb", "noun"]).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_cross_entropy_worked_out():
    logits = {"verb": torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])}
    # probabilities 3/4, 1/4 and 1/2, 1/2
    labels = torch.tensor([[0], [1]])
    assert cross_entropy(logits, labels, ["verb"]).item() == pytest.approx((-math.log(3 / 4) - math.log(1 / 2)) / 2)


def test_label_smoothing_spreads_evenly_over_all_classes():
    logits = {"verb": torch.tensor([[math.log(3.0), 0.0]])}
    expected = 0.9 * -math.log(3 / 4) + 0.1 * (-math.log(3 / 4) - math.log(1 / 4)) / 2
    loss = cross_entropy(logits, torch.tensor([[0]]), ["verb"], label_smoothing=0.1)
    assert loss.item() == pytest.approx(expected)


def test_unknown_labels_are_ignored():
    logits = {"verb": torch.tensor([[math.log(3.0), 0.0], [50.0, 0.0]], requires_grad=True)}
    loss = cross_entropy(logits, torch.tensor([[0], [-1]]), ["verb"])
    assert loss.item() == pytest.approx(-math.log(3 / 4))
    loss.backward()
    assert logits["verb"].grad[1].abs().sum() == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_head_without_labels_gives_zero_not_nan(smoothing):
    logits = {"verb": torch.zeros(2, 2), "noun": torch.zeros(2, 2)}
    labels = torch.tensor([[-1, 0], [-1, 1]])
    assert cross_entropy(logits, labels, ["verb", "noun"], smoothing).item() == pytest.approx(math.log(2) / 2)


def test_distillation_worked_out():
    teacher = {"verb": torch.tensor([[math.log(3.0), 0.0]])}
    student = {"verb": torch.zeros(1, 2)}
    expected = 3 / 4 * math.log((3 / 4) / (1 / 2)) + 1 / 4 * math.log((1 / 4) / (1 / 2))
    assert distillation(student, teacher, 1.0).item() == pytest.approx(expected)


def test_temperature_softens_and_its_square_scales():
    teacher = {"verb": torch.tensor([[2 * math.log(3.0), 0.0]])}  # at tau 2: 3/4, 1/4
    student = {"verb": torch.zeros(1, 2)}
    kl = 3 / 4 * math.log(3 / 2) + 1 / 4 * math.log(1 / 2)
    assert distillation(student, teacher, 2.0).item() == pytest.approx(4 * kl)


def test_distillation_is_the_mean_over_batch_and_heads():
    one = torch.tensor([[math.log(3.0), 0.0]])
    kl = 3 / 4 * math.log(3 / 2) + 1 / 4 * math.log(1 / 2)
    teacher = {"verb": torch.cat([one, torch.zeros(1, 2)]), "noun": torch.zeros(2, 3)}
    student = {"verb": torch.zeros(2, 2), "noun": torch.zeros(2, 3)}
    assert distillation(student, teacher, 1.0).item() == pytest.approx(kl / 2 / 2)


def test_distillation_vanishes_for_a_perfect_copy_and_ignores_a_constant():
    teacher = {"verb": torch.randn(4, 5, generator=torch.Generator().manual_seed(0))}
    student = {"verb": (teacher["verb"] + 7).requires_grad_()}
    loss = distillation(student, teacher, 3.0)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert student["verb"].grad.abs().max() < 1e-5


def test_half_precision_logits_are_computed_in_float32():
    teacher = {"verb": torch.tensor([[300.0, 0.0]], dtype=torch.float16)}
    student = {"verb": torch.tensor([[-300.0, 0.0]], dtype=torch.bfloat16)}
    loss = distillation(student, teacher, 0.1)
    assert loss.dtype == torch.float32 and torch.isfinite(loss)
