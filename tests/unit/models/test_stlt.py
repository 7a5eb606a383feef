"""STLT against a plain statement of its equations and against PyTorch's own encoder layers."""

import pytest
import torch
from torch import nn

from egokd.errors import UserError
from egokd.models.build import build_model, example_inputs
from egokd.models.foreign import load_foreign
from plain_nets import linear, plain_stlt, random_state

HEADS = {"action": 6}
WIDTH, LAYERS, ATTENTION_HEADS = 16, 2, 4
OPTIONS = {"width": WIDTH, "num_heads": ATTENTION_HEADS, "spatial_layers": LAYERS, "temporal_layers": LAYERS}


def stlt_shapes(frames: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the authors' STLT checkpoints, at the tests' width."""
    root, part = "temporal_transformer.", "temporal_transformer.layout_embedding.category_box_embeddings."
    shapes = {
        root + "cls_token": (1, 1, WIDTH),
        root + "layout_embedding.cls_token": (1, 1, WIDTH),
        root + "position_embeddings.weight": (frames, WIDTH),
        part + "category_embeddings.weight": (3, WIDTH),
        part + "side_embedding.weight": (3, WIDTH),
        part + "state_embedding.weight": (6, WIDTH),
        part + "box_embedding.weight": (WIDTH, 4),
        part + "box_embedding.bias": (WIDTH,),
        part + "score_embedding.weight": (WIDTH, 1),
        part + "score_embedding.bias": (WIDTH,),
        "classifiers.ACTION.weight": (6, WIDTH),
        "classifiers.ACTION.bias": (6,),
    }
    for norm in (root + "layer_norm", part + "layer_norm"):
        shapes |= {norm + ".weight": (WIDTH,), norm + ".bias": (WIDTH,)}
    for encoder in (root + "layout_embedding.transformer", root + "transformer"):
        for i in range(LAYERS):
            layer = nn.TransformerEncoderLayer(WIDTH, ATTENTION_HEADS, 4 * WIDTH)
            shapes |= {f"{encoder}.layers.{i}.{name}": tuple(t.shape) for name, t in layer.state_dict().items()}
    return shapes


def clips(frames: int, batch: int = 3) -> dict[str, torch.Tensor]:
    """Random boxes; some places are empty, one frame has no box at all."""
    torch.manual_seed(frames)
    inputs = example_inputs("stlt", "obj", frames, 224, batch)
    inputs["category"][:, :, 9:] = 0
    inputs["category"][0, :, 2:] = 0
    inputs["category"][1, frames // 2] = 0
    return inputs


def built_with_random_weights(frames: int):
    model = build_model("stlt", "obj", HEADS, frames, 224, **OPTIONS).eval()
    state = random_state(stlt_shapes(frames), seed=frames)
    load_foreign(model, "stlt", "authors_stlt", state, "test", init_only=False)
    return model, state


@pytest.mark.parametrize("frames", [1, 8, 16, 32])
def test_agrees_with_plain_statement(frames):
    model, state = built_with_random_weights(frames)
    inputs = clips(frames)
    with torch.no_grad():
        logits = model(inputs)["action"]
    inner = {name.removeprefix("temporal_transformer."): tensor for name, tensor in state.items()}
    for i in range(len(logits)):
        features = plain_stlt(inner, {name: values[i] for name, values in inputs.items()}, LAYERS, ATTENTION_HEADS)
        assert (logits[i] - linear(features, state, "classifiers.ACTION")).abs().max() < 1e-5


def test_layer_is_pytorchs_layer():
    from egokd.models.stlt import EncoderLayer

    theirs = nn.TransformerEncoderLayer(WIDTH, ATTENTION_HEADS, 4 * WIDTH, activation="gelu", batch_first=True).eval()
    ours = EncoderLayer(WIDTH, ATTENTION_HEADS, 0.1).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), _in_our_order(theirs), strict=True)))
    x, empty = torch.randn(2, 7, WIDTH), torch.zeros(2, 7, dtype=torch.bool)
    empty[0, 4:] = True
    expected = theirs(x, src_key_padding_mask=empty)
    found = ours(x, visible=~empty[:, None, None, :])
    assert (found - expected)[~empty].abs().max() < 1e-5
    mask = nn.Transformer.generate_square_subsequent_mask(7)
    assert (ours(x, causal=True) - theirs(x, src_mask=mask)).abs().max() < 1e-5


def _in_our_order(layer: nn.TransformerEncoderLayer) -> list[torch.Tensor]:
    attention = layer.self_attn
    modules = (attention.out_proj, layer.linear1, layer.linear2, layer.norm1, layer.norm2)
    rest = [tensor for module in modules for tensor in (module.weight, module.bias)]
    return [attention.in_proj_weight, attention.in_proj_bias, *rest]


def test_empty_places_and_their_content_do_not_matter():
    model, _ = built_with_random_weights(4)
    inputs = clips(4)
    with torch.no_grad():
        before = model(inputs)["action"]
        empty = inputs["category"] == 0
        inputs["boxes"][empty], inputs["score"][empty], inputs["state"][empty] = 7.0, 3.0, 2
        assert torch.allclose(model(inputs)["action"], before, atol=1e-6)
        fewer = {name: values[:, :, :9] for name, values in inputs.items()}
        assert torch.allclose(model(fewer)["action"], before, atol=1e-6)


def test_order_of_frames_matters_and_order_of_boxes_does_not():
    model, _ = built_with_random_weights(4)
    inputs = clips(4)
    with torch.no_grad():
        before = model(inputs)["action"]
        boxes_turned = {name: values.flip(2) for name, values in inputs.items()}
        frames_turned = {name: values.flip(1) for name, values in inputs.items()}
        assert torch.allclose(model(boxes_turned)["action"], before, atol=1e-5)
        assert not torch.allclose(model(frames_turned)["action"], before, atol=1e-3)


def test_parameters_without_heads():
    with torch.device("meta"):
        model = build_model("stlt", "obj", {"action": 174}, 16, 224)
    parameters = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("heads."))
    assert parameters == pytest.approx(85.1e6, rel=0.001)


def test_too_many_frames_and_uneven_width():
    model = build_model("stlt", "obj", HEADS, 4, 224, **OPTIONS)
    with pytest.raises(UserError, match="5 frames, but the net was built for 4"):
        model(clips(5))
    with pytest.raises(UserError, match="no multiple"):
        build_model("stlt", "obj", HEADS, 4, 224, width=10, num_heads=4)
