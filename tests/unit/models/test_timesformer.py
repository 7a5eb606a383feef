"""TimeSformer against a plain statement of its equations, and its start as an image net."""

import pytest
import timm
import torch

from egokd.errors import UserError
from egokd.models.build import build_model
from egokd.models.foreign import load_foreign
from plain_nets import linear, plain_timesformer, random_state

HEADS = {"verb": 5, "noun": 3}
SMALL = {"embed_dim": 16, "depth": 2, "num_heads": 4, "patch_size": 8}


def small_vit(size: int = 24) -> torch.nn.Module:
    arguments = {"embed_dim": 16, "depth": 2, "num_heads": 4, "patch_size": 8, "img_size": size, "num_classes": 10}
    vit = timm.create_model("vit_base_patch16_224", pretrained=False, **arguments).eval()
    vit.load_state_dict(random_state({name: tuple(t.shape) for name, t in vit.state_dict().items()}, seed=2))
    return vit


@pytest.mark.parametrize(("frames", "size"), [(8, 24), (3, 32), (16, 16)])
def test_agrees_with_plain_statement(frames, size):
    model = build_model("timesformer_b", "rgb", HEADS, frames, size, **SMALL).eval()
    state = random_state({name: tuple(t.shape) for name, t in model.state_dict().items()}, seed=frames)
    model.load_state_dict(state)
    pixels = torch.randn(2, 3, frames, size, size)
    with torch.no_grad():
        logits = model({"pixels": pixels})
    for i in range(2):
        features = plain_timesformer(state, pixels[i], 2, 4, 8)
        for head in HEADS:
            assert (logits[head][i] - linear(features, state, f"heads.linear.{head}")).abs().max() < 1e-5


def test_starts_as_its_image_net():
    """On a still clip, temporal attention being the identity, the features are those of the image ViT."""
    vit = small_vit()
    model = build_model("timesformer_b", "rgb", HEADS, 4, 24, **SMALL).eval()
    load_foreign(model, "timesformer_b", "timm", vit.state_dict(), "test", init_only=True)
    image = torch.randn(2, 3, 24, 24)
    with torch.no_grad():
        expected = model.heads(vit.forward_features(image)[:, 0])["verb"]
        found = model({"pixels": image[:, :, None].expand(-1, -1, 4, -1, -1)})["verb"]
    assert (found - expected).abs().max() < 1e-5
    block = model.blocks[0]
    assert torch.equal(block.time_attn.qkv.weight, block.space.attn.qkv.weight)
    assert torch.equal(block.time_norm.weight, block.space.norm1.weight)
    assert not block.time_out.weight.any() and not model.time_embed.any()


def test_fresh_block_ignores_other_frames_until_trained():
    model = build_model("timesformer_b", "rgb", HEADS, 4, 24, **SMALL)
    places = torch.randn(1, 4, 9, 16)
    changed = places.clone()
    changed[:, 3] += 1
    block = model.blocks[0].eval()
    token = torch.zeros(1, 16)
    assert torch.equal(block(token, places)[1][:, :3], block(token, changed)[1][:, :3])
    torch.nn.init.normal_(block.time_out.weight)
    assert not torch.equal(block(token, places)[1][:, :3], block(token, changed)[1][:, :3])


def test_position_embeddings_of_another_size_are_resized():
    model = build_model("timesformer_b", "rgb", HEADS, 2, 32, **SMALL)
    load_foreign(model, "timesformer_b", "timm", small_vit(24).state_dict(), "test", init_only=True)
    assert model.pos_embed.shape == (1, 17, 16)


def test_parameters():
    with torch.device("meta"):
        model = build_model("timesformer_b", "rgb", {"action": 400}, 8, 224)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(121.4e6, rel=0.005)


def test_sound_is_repeated_and_other_clips_are_refused():
    model = build_model("timesformer_b", "audio", HEADS, 2, 24, **SMALL).eval()
    assert model({"pixels": torch.randn(1, 1, 2, 24, 24)})["verb"].shape == (1, 5)
    with pytest.raises(UserError, match=r"clips of \[3, 24, 24\].*built for \[2, 24, 24\]"):
        model({"pixels": torch.randn(1, 3, 3, 24, 24)})
    with pytest.raises(UserError, match="no multiple"):
        build_model("timesformer_b", "rgb", HEADS, 2, 20, **SMALL)
