"""Nets by name: fresh, started from other weights, or as they were saved."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egokd.errors import UserError
from egokd.models.files import BUILD_KEYS, is_head, load_exactly, read_description, read_weights
from egokd.models.nets import find_net
from egokd.models.options import START_OPTIONS, check_options

BOXES = 14  # a frame, in example inputs: as many as the papers show


def build_model(
    net: str, modality: str, heads: dict[str, int], num_frames: int, size: int, **options: Any
) -> nn.Module:
    """A net that maps a batch of inputs to {head: logits float [B, classes]}.

    net         a name in `egokd.models.nets.NETS`
    modality    rgb, flow, audio, omnivore (pixels [B,C,T,H,W]) or obj (boxes)
    heads       classes of each head
    num_frames  T; size: side of the square input in pixels (nets for boxes ignore it)
    options     arguments of the net's class, plus at most one of `pretrained` (a public name of weights,
                which are downloaded) and `init` (path of a model.safetensors whose backbone is taken)

    Raises UserError for an unknown net or option, and for a modality that the net cannot read.
    """
    entry = find_net(net)
    if modality not in entry.modalities:
        raise UserError(f"net {net!r} cannot read modality {modality!r}; it reads {', '.join(entry.modalities)}")
    bad_heads = {name: count for name, count in heads.items() if not isinstance(count, int) or count < 1}
    if not heads or bad_heads:
        raise UserError(f"net {net!r}: heads must map names to numbers of classes above 0, got {heads}")
    check_options("options", net, options, num_frames, size)
    pretrained, init = (options.pop(name, None) for name in START_OPTIONS)

    cls = getattr(importlib.import_module(entry.module), entry.cls)
    fixed = {"modality": modality, "heads": heads, "num_frames": num_frames, "size": size}
    model = cls(**fixed, **{**entry.preset, **options})
    if pretrained:
        importlib.import_module("egokd.models.public").start_from_name(model, net, modality, pretrained)
    if init:
        start_from_file(model, init)
    return model


def load_model(path: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """The model written by `save_model`, on the CPU and in evaluation mode, and its description.

    Raises UserError when a file is missing or damaged, or when weights and description do not fit each other.
    """
    path = Path(path)
    state, description = read_weights(path), read_description(path)
    if not description["heads"]:
        raise UserError(f"{path} holds a backbone without heads; use it as `init` of a net that is trained")
    options = {key: value for key, value in description["options"].items() if key not in START_OPTIONS}
    build = {key: description[key] for key in BUILD_KEYS if key != "options"}
    model = build_model(**build, **options)
    load_exactly(model, state, str(path))
    return model.eval(), description


def start_from_file(model: nn.Module, path: str | Path) -> None:
    """Take all weights but the heads' from a model file, for fine-tuning; the heads keep their fresh weights.

    Raises UserError when the backbones differ.
    """
    own = model.state_dict()
    state = {name: tensor for name, tensor in read_weights(path).items() if not is_head(name)}
    load_exactly(model, {**{name: own[name] for name in own if is_head(name)}, **state}, str(path))


def start_from_model(model: nn.Module, path: str | Path) -> None:
    """Take all weights of a model file of the same net, heads included. Raises UserError when the nets differ."""
    load_exactly(model, read_weights(path), str(path))


def example_inputs(
    net: str, modality: str, num_frames: int, size: int, batch: int = 1, shape: Sequence[int] | None = None
) -> dict[str, Tensor]:
    """A batch of random inputs, for measuring cost and for tests.

    shape  what follows [batch, frames]: height and width of pixels (mel bands and columns of sound), or the number of
           boxes; without it, `size` x `size` pixels and 14 boxes
    """
    if find_net(net).modalities == ("obj",):
        places = (batch, num_frames, *(shape or [BOXES]))
        corners = torch.rand(*places, 2, 2).sort(dim=-2).values.flatten(-2)
        return {
            "boxes": corners,
            "category": torch.randint(1, 3, places),
            "score": torch.rand(places),
            "side": torch.randint(0, 3, places),
            "state": torch.randint(0, 6, places),
        }
    channels = 1 if modality == "audio" else 3
    return {"pixels": torch.randn(batch, channels, num_frames, *(shape or [size, size]))}
