"""Checkpoint files from elsewhere, read without running anything that is in them."""

import hashlib
import pickle
from pathlib import Path

import torch
from torch import Tensor

from egokd.errors import UserError
from egokd.models.files import bare_name, listed, read_weights

CONTAINERS = ("state_dict", "model", "model_state", "model_state_dict")  # keys under which releases keep the tensors


def read_checkpoint(path: str | Path, sha256: str | None = None) -> dict[str, Tensor]:
    """The named tensors of a PyTorch or safetensors file, without the prefixes of wrappers.

    No code in the file is run (`weights_only=True`). Raises UserError for a missing, damaged or changed
    file, for one with objects other than tensors, and for one that is no dictionary of tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint; download it and give its path")
    if sha256:
        found = file_sha256(path)
        if found != sha256.lower():
            raise UserError(f"{path}: its SHA-256 is {found}, expected {sha256}; download the file again")
    content = read_weights(path) if path.suffix == ".safetensors" else _torch_load(path)
    for key in CONTAINERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path}: holds no dictionary of tensors but {type(content).__name__}")
    others = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise UserError(f"{path}: {len(others)} entries are no tensors: {listed(others)}; it is no list of weights")
    return {bare_name(name): tensor for name, tensor in content.items()}


def _torch_load(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path}: refused, because it is no plain file of tensors ({first_line(error)}). Loading it would "
            "mean running code from it; ask its author for a state dict or safetensors"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise UserError(f"{path}: damaged or no PyTorch file ({first_line(error)}); download it again") from None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its kind when it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
