"""Several processes train as one would: gloo on the CPU, processes started by the test."""

import dataclasses

import pytest
import torch
from torch import nn

from egokd.errors import UserError
from egokd.machine.placement import placement_of
from egokd.machine.processes import Group
from egokd.sampling.batches import EpochBatches
from egokd.training.loop import Batch, Schedule, label_loss, student_loss, train
from egokd.training.state import StateFile
from together import together

CPU = torch.device("cpu")
HEADS = ["verb", "noun"]
SEGMENTS, BATCH, SEED = 21, 8, 5  # the last batch has five segments: the processes' shares differ in size


class Net(nn.Module):
    """Convolution and batch normalisation in one and two dimensions; nothing random, no bias without a gradient."""

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.vector = nn.Sequential(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU())
        self.heads = nn.ModuleDict({"verb": nn.Linear(8, 3), "noun": nn.Linear(8, 4)})

    def forward(self, inputs):
        x = self.vector(self.image(inputs["pixels"]).mean((2, 3)))
        return {head: layer(x) for head, layer in self.heads.items()}


def data():
    random = torch.Generator().manual_seed(1)
    pixels = torch.randn(SEGMENTS, 3, 8, 8, generator=random)
    labels = torch.randint(0, 3, (SEGMENTS, 2), generator=random)
    labels[::4, 1] = -1  # unlabelled nouns: the number of labels differs between the processes too
    teacher = {"verb": torch.randn(SEGMENTS, 3, generator=random), "noun": torch.randn(SEGMENTS, 4, generator=random)}
    return pixels, labels, teacher


def train_share(folder, group, kind):
    """This process's part of a run of three epochs; returns history and weights."""
    pixels, labels, teacher = data()
    order = EpochBatches(SEGMENTS, BATCH, SEED, rank=group.rank, world=group.world)

    def batches(epoch, skip):
        order.epoch, order.skip_batches = epoch, skip
        for pairs in order:
            rows = [row for row, _ in pairs]
            yield Batch(
                {"pixels": pixels[rows]}, labels[rows], {head: values[rows] for head, values in teacher.items()}
            )

    loss = label_loss(HEADS, 0.1) if kind == "labels" else student_loss(HEADS, 3.0, 1.0, 0.5, 0.0)
    torch.manual_seed(0)
    model = Net()
    plan = Schedule(3, order.whole, warmup_steps=2, lr=0.01, weight_decay=0.02, clip_norm=1.0, seed=SEED)
    history = train(model, batches, loss, plan, placement_of(CPU), StateFile(folder, "same"), "test", group=group)
    return history, {name: value.detach().clone() for name, value in model.state_dict().items()}


def plain(result):
    """History and weights as lists: tensors sent between processes would need their sender alive."""
    history, weights = result
    return history, {name: value.tolist() for name, value in weights.items()}


def everything(folder, group):
    """All that is tested of two processes: starting them takes longest."""
    found = {kind: plain(train_share(folder / kind, group, kind)) for kind in ("labels", "teacher")}
    found["wishes"] = group.agree(group.rank == 1, False)
    saves = []
    StateFile.save_behind = lambda self, state: saves.append(state["step"])  # this process is the test's own
    train_share(folder / "saves", group, "labels")
    return found | {"saves": saves}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes found, by rank."""
    return together(tmp_path_factory.mktemp("two"), everything)


@pytest.mark.parametrize("kind", ["labels", "teacher"])
def test_two_processes_give_the_losses_and_weights_of_one(tmp_path, two, kind):
    history, weights = plain(train_share(tmp_path, Group(CPU), kind))
    for found in two:
        other_history, other_weights = found[kind]
        for epoch, other in zip(history, other_history, strict=True):
            names = {"loss", "kd", "ce"} & set(epoch)
            assert {n: other[n] for n in names} == pytest.approx({n: epoch[n] for n in names}, rel=1e-5)
        assert other_weights.keys() == weights.keys()  # no wrapper's prefix
        for name, values in weights.items():
            torch.testing.assert_close(torch.tensor(other_weights[name]), torch.tensor(values), rtol=1e-4, atol=1e-5)


def test_only_the_leader_writes(two):
    assert [found["saves"] for found in two] == [[3, 6, 9], []]


def test_one_stops_all_stop(two):
    assert [found["wishes"] for found in two] == [[True, False], [True, False]]
    assert Group(CPU).agree(True, False) == [True, False]


@pytest.mark.parametrize("world", [2, 3, 4])
def test_the_shares_of_all_processes_are_the_batches_of_one(world):
    whole = list(EpochBatches(23, 12, seed=3, epoch=4))
    shares = [list(EpochBatches(23, 12, seed=3, epoch=4, rank=rank, world=world)) for rank in range(world)]
    for batch, parts in zip(whole, zip(*shares, strict=True), strict=True):
        assert sorted(pair for part in parts for pair in part) == sorted(batch)


def test_a_batch_too_small_to_share_is_refused():
    with pytest.raises(UserError, match="too few for 4 processes"):
        EpochBatches(26, 3, seed=3, world=4)
    assert [len(batch) for batch in EpochBatches(26, 12, seed=3, world=4)] == [3, 4]  # the last two join the others


def test_a_single_segment_left_over_joins_the_batch_before():
    batches = EpochBatches(17, 8, seed=3)
    assert [len(batch) for batch in batches] == [8, 9]
    assert len(batches) == batches.whole == 2
    assert sorted(row for batch in batches for row, _ in batch) == list(range(17))


def test_batch_fields_are_complete():
    # the divisors are set for groups only: a single process must not depend on them
    assert [field.name for field in dataclasses.fields(Batch)][3:] == ["known_H", "count"]
