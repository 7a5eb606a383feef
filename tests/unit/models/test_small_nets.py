"""The demo's small nets: shapes, heads, size, gradients, and the edges of their input."""

import pytest
import torch

from egokd.models.small import SmallVideoNet
from egokd.models.small_boxes import SmallBoxNet

HEADS = {"verb": 8, "noun": 10}


def boxes(batch: int, frames: int, places: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(batch, frames, places, 4, generator=generator)

    def draw(high: int) -> torch.Tensor:
        return torch.randint(0, high, (batch, frames, places), generator=generator)

    return {
        "boxes": corners,
        "category": draw(3),
        "score": torch.rand(batch, frames, places, generator=generator),
        "side": draw(3),
        "state": draw(6),
    }


@pytest.mark.parametrize(
    ("modality", "shape"),
    [
        ("rgb", (2, 3, 8, 48, 48)),
        ("flow", (2, 3, 8, 56, 56)),
        ("audio", (2, 1, 8, 32, 33)),
        ("omnivore", (2, 3, 1, 32, 32)),
    ],
)
def test_pixel_net(modality: str, shape: tuple[int, ...]) -> None:
    net = SmallVideoNet(modality, HEADS, 8, 48)
    logits = net({"pixels": torch.randn(shape)})
    assert {name: tuple(value.shape) for name, value in logits.items()} == {"verb": (2, 8), "noun": (2, 10)}
    sum(value.square().sum() for value in logits.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    assert 300_000 < sum(p.numel() for p in net.parameters()) < 450_000


def test_box_net() -> None:
    net = SmallBoxNet("obj", HEADS, 8, 48)
    logits = net(boxes(3, 8, 6))
    assert {name: tuple(value.shape) for name, value in logits.items()} == {"verb": (3, 8), "noun": (3, 10)}
    sum(value.square().sum() for value in logits.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    assert sum(p.numel() for p in net.parameters()) < 200_000


def test_box_net_ignores_empty_places_and_bears_empty_frames() -> None:
    net = SmallBoxNet("obj", HEADS, 4, 48).eval()
    inputs = boxes(2, 4, 5)
    inputs["category"][:, :, 3:] = 0
    inputs["category"][0] = 0  # no box in the whole clip
    with torch.no_grad():
        first = net(inputs)
        inputs["boxes"][inputs["category"] == 0] = 0.123
        inputs["score"][inputs["category"] == 0] = 0.9
        second = net(inputs)
    for name in HEADS:
        assert torch.isfinite(first[name]).all()
        torch.testing.assert_close(first[name], second[name])


def test_order_of_frames_matters() -> None:
    net = SmallVideoNet("rgb", HEADS, 8, 48).eval()
    clip = torch.randn(1, 3, 8, 48, 48)
    with torch.no_grad():
        forwards, backwards = net({"pixels": clip}), net({"pixels": clip.flip(2)})
    assert not torch.allclose(forwards["verb"], backwards["verb"], atol=1e-5)


def test_same_seed_same_weights() -> None:
    nets = []
    for _ in range(2):
        torch.manual_seed(3)
        nets.append(SmallVideoNet("rgb", HEADS, 8, 48))
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.equal(a, b)
