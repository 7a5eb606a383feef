"""Model files: `model.safetensors` (weights) and `config.json` beside it (how to rebuild the net)."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from egokd.checksums import BLANK, KEY, check, seal
from egokd.errors import UserError
from egokd.io import USERS, atomic_path, read_json, write_json
from egokd.makers import again

# Build arguments, as they stand in config.json. Callers may add further keys (dataset, seed, trained, ...).
BUILD_KEYS = ("net", "modality", "heads", "num_frames", "size", "options")
WRAPPER_PREFIXES = ("module.", "_orig_mod.")  # put before names by DistributedDataParallel and torch.compile
LISTED_NAMES = 12  # names spelt out in an error


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
    write_json(_config_path(path), description, sealed=True)


def write_weights(path: str | Path, state: dict[str, Tensor]) -> None:
    """Write named tensors as safetensors, with a checksum, atomically."""
    tensors = {bare_name(name): tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with atomic_path(path) as temporary:
        # not save_file, which makes files that only their owner may read
        temporary.write_bytes(seal(save(tensors, {KEY: BLANK})))


def read_weights(path: str | Path, foreign: bool = False) -> dict[str, Tensor]:
    """Tensors of a safetensors file; UserError when it is missing, of another format or not what its checksum says.

    foreign: it was made elsewhere, so it need not have a checksum, and no rule makes it again
    """
    try:
        data = Path(path).read_bytes()
        if not foreign:
            check(path, data, "weights")
        return load(data)
    except FileNotFoundError:
        raise UserError(f"{path}: no such model file; run the rule that makes it") from None
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path}: not a readable safetensors file ({error}). {USERS if foreign else again(path)}"
        ) from None


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


def was_trained(description: dict[str, Any]) -> bool:
    """Whether a model's weights come from training, here or elsewhere: False where no segment had its modality.

    Training and import write the key `trained`; older trainings wrote only the number of their segments.
    """
    return bool(description.get("trained", description.get("segments", 1) > 0))


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
    kinds = [
        f"{name} {state[name].dtype} instead of {own[name].dtype}"
        for name in own
        if name in state and state[name].is_floating_point() != own[name].is_floating_point()
    ]
    if missing or left_over or shapes or kinds:
        found = {"missing": missing, "left over": left_over, "wrong shape": shapes, "wrong type": kinds}
        details = "; ".join(f"{len(names)} {kind}: {listed(names)}" for kind, names in found.items() if names)
        raise UserError(f"{source}: the tensors do not fit the net ({details})")
    model.load_state_dict(state)


def listed(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + more


def bare_name(name: str) -> str:
    """A tensor's name without the prefixes that wrappers put before it."""
    while name.startswith(WRAPPER_PREFIXES):
        name = next(name.removeprefix(prefix) for prefix in WRAPPER_PREFIXES if name.startswith(prefix))
    return name


def _config_path(path: str | Path) -> Path:
    return Path(path).with_name("config.json")
