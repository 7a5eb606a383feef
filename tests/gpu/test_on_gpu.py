"""What only a GPU can show: half precision, repeatability, a device of one's own. Skipped without one."""

import pytest
import torch

from egokd.machine.placement import placement_of
from egokd.machine.processes import one_device
from egokd.models.build import build_model, example_inputs
from egokd.training.loop import Batch, Schedule, label_loss, train
from egokd.training.state import StateFile

HEADS = {"verb": 5, "noun": 7}
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def trained(folder, net, compiled=False):
    torch.manual_seed(0)
    with one_device(1) as device:
        batch = example_inputs(net, "rgb", 4, 64, 4)
        labels = torch.stack([torch.randint(count, (4,)) for count in HEADS.values()], 1).to(device)
        inputs = {name: values.to(device) for name, values in batch.items()}
        model = build_model(net, "rgb", HEADS, 4, 64)
        plan = Schedule(1, 6, 0, lr=1e-3, weight_decay=0.02, clip_norm=1.0, seed=0)
        state = StateFile(folder, "test")
        make = lambda epoch, skip: iter([Batch(inputs, labels)] * (6 - skip))  # noqa: E731
        history = train(model, make, label_loss(list(HEADS), 0.0), plan, placement_of(device), state, net, compiled)
        state.remove()
    return history[0]["loss"], {name: values.cpu() for name, values in model.state_dict().items()}


@pytest.mark.parametrize("net", ["small", "video_swin_t"])
def test_two_runs_give_the_same_weights(tmp_path, net):
    (loss, first), (again, second) = trained(tmp_path, net), trained(tmp_path, net)
    assert loss == again
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_half_precision_is_the_cards():
    device = torch.device("cuda")
    expected = torch.bfloat16 if torch.cuda.get_device_capability() >= (8, 0) else torch.float16
    placement = placement_of(device)
    assert placement.half is expected
    with placement.autocast():
        assert (torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)).dtype is expected


def test_cuda_sees_the_claimed_device_only():
    with one_device(1) as device:
        assert device.type == "cuda"
        assert torch.zeros(1, device=device).item() == 0
