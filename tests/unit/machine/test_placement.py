"""Precision by kind of GPU, with made-up cards; memory on a CPU."""

import platform
import subprocess
import sys

import pytest
import torch

from egokd.machine.placement import autocast, half_type, loss_scaler

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


FAULTS = """
import resource, sys, torch
from egokd.machine.placement import pick_device
torch.cuda.is_available = lambda: False
if sys.argv[1] == "kept":
    pick_device()
for _ in range(20):
    held = [torch.ones(2_000_000) for _ in range(5)]  # as a step does: several tensors of 8 MB, freed together
    del held
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep freed memory")
def test_freed_memory_is_kept_on_a_cpu():
    left, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("left", "kept")
    )
    pages = 20 * 5 * 8_000_000 // 4096
    if left < 0.5 * pages:
        pytest.skip("this system hands out memory in larger pages, or does not count them")
    assert left - kept > 0.4 * pages
