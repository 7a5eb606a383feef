"""Precision by kind of GPU, with made-up cards."""

import pytest
import torch

from egokd.device import autocast, half_type, loss_scaler

CUDA = torch.device("cuda")


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 0), torch.float16), ((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_bfloat16_from_ampere_on(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
    assert half_type(CUDA) is expected


def test_cpu_computes_in_full_precision_without_scaling():
    cpu = torch.device("cpu")
    assert half_type(cpu) is None and not loss_scaler(cpu).is_enabled()
    with autocast(cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_float16_is_scaled(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (7, 0))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    scaler = loss_scaler(CUDA)
    assert scaler.is_enabled() and scaler.get_scale() > 1
