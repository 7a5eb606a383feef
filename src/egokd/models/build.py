"""Nets by name, and model files: `model.safetensors` (weights), `config.json` beside it (how to rebuild)."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from egokd.errors import UserError
from egokd.io import atomic_path, read_json, write_json
from egokd.models.nets import find_net, nearest

# Build arguments, as they stand in config.json. Whoever writes a model adds own keys (dataset, seed, ...).
BUILD_KEYS = ("net", "modality", "heads", "num_frames", "size", "options")
# Options that say where the weights start; they are not part of the architecture and play no role in loading.
START_OPTIONS = ("pretrained", "init")
WRAPPER_PREFIXES = ("module.", "_orig_mod.")  # put before names by DistributedDataParallel and torch.compile
LISTED_NAMES = 12  # names spelt out in an error


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
    pretrained, init = options.pop("pretrained", None), options.pop("init", None)
    if pretrained and init:
        raise UserError(f"net {net!r}: give `pretrained` (a name) or `init` (a file), not both")

    cls = getattr(importlib.import_module(entry.module), entry.cls)
    fixed = {"modality": modality, "heads": heads, "num_frames": num_frames, "size": size}
    valid = [name for name in inspect.signature(cls).parameters if name not in fixed]
    for name in options:
        if name not in valid:
            raise UserError(f"net {net!r} has no option {name!r}{nearest(name, [*valid, *START_OPTIONS])}")
    model = cls(**fixed, **{**entry.preset, **options})
    if pretrained:
        importlib.import_module("egokd.models.foreign").start_from_name(model, net, pretrained)
    if init:
        start_from_file(model, init)
    return model


def save_model(path: str | Path, model: nn.Module, description: dict[str, Any]) -> None:
    """Write the weights to `path` and `description` to `config.json` in the same folder, each atomically.

    `description` holds at least the arguments of `build_model` (`options` as one dictionary). Names of a
    compiled or DistributedDataParallel model are written without the wrapper's prefix. Raises ValueError when
    a build argument is missing: that is a mistake of the caller, not of the user.
    """
    missing = [key for key in BUILD_KEYS if key not in description]
    if missing:
        raise ValueError(f"description of a model lacks {missing}")
    write_weights(path, model.state_dict())
    write_json(_config_path(path), description)


def write_weights(path: str | Path, state: dict[str, Tensor]) -> None:
    """Write named tensors as safetensors, atomically."""
    tensors = {bare_name(name): tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with atomic_path(path) as temporary:
        # not save_file, which makes files that only their owner may read
        temporary.write_bytes(save(tensors))


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


def is_head(name: str) -> bool:
    """Whether a tensor's name belongs to the classifiers; every net keeps them in its attribute `heads`."""
    return name.startswith("heads.")


def load_exactly(model: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load `state` if it has exactly the model's names and shapes; else UserError that lists what differs."""
    own = model.state_dict()
    missing = [name for name in own if name not in state]
    left_over = [name for name in state if name not in own]
    shapes = [
        f"{name} {list(state[name].shape)} instead of {list(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if missing or left_over or shapes:
        found = {"missing": missing, "left over": left_over, "wrong shape": shapes}
        details = "; ".join(f"{len(names)} {kind}: {listed(names)}" for kind, names in found.items() if names)
        raise UserError(f"{source}: the tensors do not fit the net ({details})")
    model.load_state_dict(state)


def listed(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + more


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file; UserError when it is missing, damaged or of another format."""
    try:
        return load_file(path, device="cpu")
    except FileNotFoundError:
        raise UserError(f"{path}: no such model file; run the rule that makes it") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error}); make it again") from None


def read_description(path: str | Path) -> dict[str, Any]:
    """The config.json beside a model file; UserError when it is missing or lacks a build argument."""
    config = _config_path(path)
    if not config.is_file():
        raise UserError(f"{config}: missing; a model file needs it to rebuild the net")
    description = read_json(config)
    missing = [key for key in BUILD_KEYS if key not in description]
    if missing:
        raise UserError(f"{config}: lacks {', '.join(missing)}; it does not describe a model of this workflow")
    return description


def example_inputs(net: str, modality: str, num_frames: int, size: int, batch: int = 1) -> dict[str, Tensor]:
    """A batch of random inputs of the right shapes, for measuring cost and for tests; 14 boxes a frame."""
    if find_net(net).modalities == ("obj",):
        shape = (batch, num_frames, 14)
        corners = torch.rand(*shape, 2, 2).sort(dim=-2).values.flatten(-2)
        return {
            "boxes": corners,
            "category": torch.randint(1, 3, shape),
            "score": torch.rand(shape),
            "side": torch.randint(0, 3, shape),
            "state": torch.randint(0, 6, shape),
        }
    channels = 1 if modality == "audio" else 3
    return {"pixels": torch.randn(batch, channels, num_frames, size, size)}


def _config_path(path: str | Path) -> Path:
    return Path(path).with_name("config.json")


def bare_name(name: str) -> str:
    """A tensor's name without the prefixes that wrappers put before it."""
    while name.startswith(WRAPPER_PREFIXES):
        name = next(name.removeprefix(prefix) for prefix in WRAPPER_PREFIXES if name.startswith(prefix))
    return name
