"""What differs between devices, with made-up cards."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from egokd.errors import UserError
from egokd.machine.placement import Placement, convert, placement_of
from egokd.training.loop import Schedule, train
from egokd.training.state import StateFile

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def card(monkeypatch, *capability) -> Placement:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
    return placement_of(CUDA)


@pytest.mark.parametrize(
    ("capability", "half", "scaled"),
    [
        ((7, 0), torch.float16, True),
        ((7, 5), torch.float16, True),
        ((8, 0), torch.bfloat16, False),
        ((9, 0), torch.bfloat16, False),
    ],
)
def test_bfloat16_from_ampere_on_and_float16_is_scaled(monkeypatch, capability, half, scaled):
    placement = card(monkeypatch, *capability)
    assert (placement.half, placement.scaled) == (half, scaled)
    assert placement.pinned and placement.repeatable and placement.memory_format is torch.channels_last


def test_cpu_computes_in_full_precision_without_scaling():
    placement = placement_of(CPU)
    assert placement == Placement(CPU)
    assert placement.half is None and not placement.pinned and not placement.loss_scaler().is_enabled()
    with placement.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_a_scaled_placement_has_a_scaler():
    scaler = Placement(CPU, half=torch.float16, scaled=True).loss_scaler()
    assert scaler.is_enabled() and scaler.get_scale() > 1


def test_only_kernels_of_image_convolutions_are_laid_out_anew():
    net = nn.ModuleDict({"image": nn.Conv2d(3, 4, 3), "video": nn.Conv3d(3, 4, 3), "line": nn.Conv1d(3, 4, 3)})
    before = {name: value.clone() for name, value in net.state_dict().items()}
    names = [id(parameter) for parameter in net.parameters()]
    convert(net, Placement(CPU, memory_format=torch.channels_last))
    assert net["image"].weight.is_contiguous(memory_format=torch.channels_last)
    assert net["video"].weight.is_contiguous() and net["line"].weight.is_contiguous()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [id(parameter) for parameter in net.parameters()] == names  # an optimiser may hold them already


def test_on_a_cpu_nothing_is_laid_out_anew():
    kernel = nn.Conv2d(3, 4, 3)
    storage = kernel.weight.data_ptr()
    convert(kernel, placement_of(CPU))
    assert kernel.weight.data_ptr() == storage


def test_compiling_for_a_card_without_a_backend_is_one_sentence(monkeypatch, tmp_path):
    old = card(monkeypatch, 6, 1)
    assert not old.compiles and card(monkeypatch, 7, 0).compiles and placement_of(CPU).compiles
    plan, state = Schedule(1, 1, 0, 0.1, 0.0, 1.0, 0), StateFile(tmp_path, "{}")
    with pytest.raises(UserError, match=r"compute\.compile.*set it to false"):
        train(nn.Linear(1, 1), None, None, plan, replace(old, device=CPU, repeatable=False), state, "", True)
