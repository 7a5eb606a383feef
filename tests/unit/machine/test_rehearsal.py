"""Every net is trained, resumed and run on the CPU with the placement of a GPU, and each kind of fault is noticed."""

import shutil

import pytest
import torch

from egokd.machine.processes import Group
from egokd.models.heads import Heads
from egokd.models.nets import NETS
from rehearsal import REDUCED, Rehearsal, card, switches_put_back
from together import together

NEW, OLD = (8, 0), (7, 0)  # compute capabilities: bfloat16; float16 with a scaled loss
CASES = [(net, NETS[net].modalities[0]) for net in NETS]


@pytest.fixture(autouse=True)
def _switches():
    with switches_put_back():
        yield


@pytest.mark.parametrize(("net", "modality"), [*CASES, ("small", "omnivore"), ("video_swin_t", "audio")])
def test_every_net_runs_as_on_a_new_card(tmp_path, net, modality):
    placement = card(*NEW)
    assert placement.half is torch.bfloat16 and placement.memory_format is torch.channels_last and placement.repeatable
    Rehearsal(net, modality, placement, tmp_path).whole()


@pytest.mark.parametrize(("net", "modality"), CASES)
def test_every_net_runs_as_on_an_old_card(tmp_path, net, modality):
    placement = card(*OLD)
    assert placement.half is torch.float16 and placement.scaled
    Rehearsal(net, modality, placement, tmp_path).whole()


@pytest.mark.parametrize("net", ["small", "video_swin_t"])
def test_a_student_runs_as_on_a_new_card(tmp_path, net):
    Rehearsal(net, "rgb", card(*NEW), tmp_path, taught=True).whole()


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler, which torch.compile needs on a CPU")
def test_a_compiled_net_runs_as_on_a_new_card(tmp_path):
    rehearsal = Rehearsal("small_boxes", "obj", card(*NEW), tmp_path)
    model = rehearsal.model()
    rehearsal.train("compiled", model, compiled=True)
    rehearsal.predict(model)


def share(folder, group: Group) -> dict[str, list]:
    """One process's part of a training."""
    with switches_put_back():
        rehearsal = Rehearsal("small", "rgb", card(*NEW), folder)
        model = rehearsal.model()
        rehearsal.train("shared", model, group=group, share=slice(group.rank, None, group.world))
        return {name: values.tolist() for name, values in model.named_parameters()}


def test_two_processes_run_as_on_two_cards_and_agree(tmp_path):
    first, second = together(tmp_path, share)
    assert isinstance(first, dict), first
    assert first == second


# --- faults, each put in on purpose -----------------------------------------------------------------------------------


def test_asking_channels_last_of_a_whole_net_is_noticed(tmp_path, monkeypatch):
    def plain(model, placement):
        return model.to(placement.device, memory_format=placement.memory_format)

    monkeypatch.setattr("egokd.training.loop.convert", plain)
    with pytest.raises(RuntimeError, match="rank 4"):
        Rehearsal("video_swin_t", "rgb", card(*NEW), tmp_path).train_and_resume()


@pytest.mark.parametrize("part", ["train_and_resume", "predict"])
def test_heads_in_half_precision_are_noticed(tmp_path, monkeypatch, part):
    def plain(self, features):
        return {name: layer(features) for name, layer in self.linear.items()}

    monkeypatch.setattr(Heads, "forward", plain)
    rehearsal = Rehearsal("small", "rgb", card(*NEW), tmp_path)
    with pytest.raises(AssertionError, match="logits must be float32"):
        rehearsal.train_and_resume() if part == "train_and_resume" else rehearsal.predict(rehearsal.model())


def test_a_tensor_left_on_another_device_is_noticed(tmp_path, monkeypatch):
    def strays(self, features):
        return {name: layer(features) + torch.zeros(layer.out_features) for name, layer in self.linear.items()}

    monkeypatch.setattr(Heads, "forward", strays)
    with pytest.raises(RuntimeError, match="device"):
        Rehearsal("small", "rgb", card(*NEW), tmp_path).devices()


def test_a_run_that_does_not_resume_to_the_same_weights_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("egokd.training.loop.step_seed", lambda seed, step: int(torch.seed() % 2**31))
    with pytest.raises(AssertionError, match="differs after resuming"):
        Rehearsal("small", "rgb", card(*NEW), tmp_path).train_and_resume()


def test_the_rehearsal_knows_every_net():
    assert set(REDUCED) == set(NETS)
