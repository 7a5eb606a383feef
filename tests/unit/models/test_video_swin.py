"""Video Swin against a plain statement of its equations, and its options."""

import pytest
import torch

from egokd.errors import UserError
from egokd.models.build import build_model
from egokd.models.foreign import load_foreign
from plain_nets import linear, plain_swin, random_state, swin_shapes

HEADS = {"verb": 5, "noun": 7}
SMALL = {"embed_dim": 8, "depths": (2, 2, 1, 1), "num_heads": (1, 2, 2, 4), "window_size": (8, 7, 7)}
TINY = {"embed_dim": 8, "depths": (2, 2), "num_heads": (2, 4), "window_size": (4, 3, 3)}


def built_with_random_weights(geometry: dict, frames: int, size: int):
    """A net and its weights in the release's names, with heads in the authors'."""
    model = build_model("video_swin_t", "rgb", HEADS, frames, size, **geometry).eval()
    width = geometry["embed_dim"] * 2 ** (len(geometry["depths"]) - 1)
    shapes = {f"backbone.{name}": shape for name, shape in swin_shapes(*geometry.values()).items()}
    for head, classes in HEADS.items():
        shapes |= {
            f"classifiers.{head.upper()}.weight": (classes, width),
            f"classifiers.{head.upper()}.bias": (classes,),
        }
    state = random_state(shapes, seed=frames + size)
    load_foreign(model, "video_swin_t", "authors", state, "test", init_only=False)
    return model, state


def difference(geometry: dict, shape: tuple[int, int, int]) -> float:
    """Largest difference of logits between net and plain statement on one random clip."""
    frames, height, width = shape
    model, state = built_with_random_weights(geometry, frames, height)
    pixels = torch.randn(1, 3, frames, height, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = model({"pixels": pixels})
    backbone = {name.removeprefix("backbone."): tensor for name, tensor in state.items()}
    arguments = (geometry["depths"], geometry["num_heads"], geometry["window_size"])
    features = plain_swin(backbone, pixels[0], *arguments)
    return max(
        (logits[head][0] - linear(features, state, f"classifiers.{head.upper()}")).abs().max().item() for head in HEADS
    )


@pytest.mark.parametrize(
    "shape",
    [
        (8, 24, 24),  # whole windows, shifted in space, one window in time
        (16, 24, 24),  # shifted in time as well
        (9, 30, 22),  # padded patches, padded windows, padded merging
        (32, 20, 44),
        (3, 9, 10),  # all windows shrink
        (2, 4, 4),  # a single token
    ],
)
def test_small_windows_agree_with_plain_statement(shape):
    assert difference(TINY, shape) < 1e-5


@pytest.mark.parametrize("shape", [(8, 112, 112), (16, 112, 112), (8, 100, 116), (32, 64, 48)])
def test_published_windows_agree_with_plain_statement(shape):
    assert difference(SMALL, shape) < 1e-5


@pytest.mark.parametrize("shape", [(8, 224, 224), (16, 224, 224), (32, 224, 224), (32, 112, 112)])
def test_published_sizes_agree_with_plain_statement(shape):
    assert difference(SMALL, shape) < 1e-5


def test_one_channel_is_repeated_or_has_its_own_stem():
    sound = torch.randn(2, 1, 4, 16, 16)
    model = build_model("video_swin_t", "audio", HEADS, 4, 16, **TINY).eval()
    with torch.no_grad():
        repeated = model({"pixels": sound.expand(-1, 3, -1, -1, -1).contiguous()})
        assert torch.equal(model({"pixels": sound})["verb"], repeated["verb"])
    own = build_model("video_swin_t", "audio", HEADS, 4, 16, in_channels=1, **TINY)
    assert own.backbone.patch_embed.proj.weight.shape == (8, 1, 2, 4, 4)
    assert own({"pixels": sound})["noun"].shape == (2, 7)


def test_checkpointing_changes_no_gradient():
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = build_model(
            "video_swin_t", "rgb", HEADS, 4, 16, stochastic_depth=0.0, checkpointing=checkpointing, **TINY
        ).train()
        model({"pixels": torch.ones(1, 3, 4, 16, 16)})["verb"].sum().backward()
        gradients.append(model.backbone.patch_embed.proj.weight.grad)
    assert torch.equal(*gradients)


def test_stochastic_depth_acts_in_training_only():
    model = build_model("video_swin_t", "rgb", HEADS, 4, 16, stochastic_depth=0.9, **TINY)
    pixels = {"pixels": torch.randn(8, 3, 4, 16, 16)}
    model.eval()
    assert torch.equal(model(pixels)["verb"], model(pixels)["verb"])
    model.train()
    assert not torch.equal(model(pixels)["verb"], model(pixels)["verb"])


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        ({"depths": (2, 2), "num_heads": (1, 1, 1)}, "equally long"),
        ({"depths": (1,), "num_heads": (1,)}, "two blocks"),
        ({"embed_dim": 9, "depths": (2, 2), "num_heads": (2, 3)}, "no multiple of 2 heads"),
        ({"window_size": (7, 7)}, "window_size: expected three whole numbers"),
    ],
)
def test_impossible_geometry(geometry, reason):
    with pytest.raises(UserError, match=reason):
        build_model("video_swin_t", "rgb", HEADS, 4, 16, **geometry)
