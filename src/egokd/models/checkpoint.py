"""Checkpoint files from elsewhere, read without running anything that is in them."""

import argparse
import hashlib
import pickle
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path, PosixPath, PurePosixPath
from types import SimpleNamespace

import numpy as np
import torch
from numpy._core import multiarray
from torch import Tensor

from egokd.errors import UserError
from egokd.models.files import bare_name, listed, read_weights

# Objects that training scripts like to save beside the tensors; making one runs no code of the file's author. numpy's
# are listed under their own name and the one they had before numpy 2.
HARMLESS: list[Callable | tuple[Callable, str]] = [
    *(argparse.Namespace, SimpleNamespace, PurePosixPath, PosixPath, datetime, timedelta),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in np.typecodes["AllInteger"] + "?efdFDSU"),
    *(
        (function, f"{module}.multiarray.{function.__name__}")
        for function in (multiarray.scalar, multiarray._reconstruct)
        for module in ("numpy.core", "numpy._core")
    ),
]
# what PyTorch's unpickler raises for files that are something else
DAMAGED = (
    *(RuntimeError, EOFError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(struct.error, AssertionError, MemoryError),
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
OBJECT = re.compile(r"(?:GLOBAL|class|global) '?([\w.]+\.\w+)")  # in the sentences of PyTorch's unpickler
CONTAINERS = ("state_dict", "model", "model_state", "model_state_dict")  # keys under which releases keep the tensors


def read_checkpoint(path: str | Path, sha256: str | None = None) -> dict[str, Tensor]:
    """The named tensors of a PyTorch or safetensors file, without the prefixes of wrappers.

    No code in the file is run: `weights_only=True`, with a list of harmless types beside tensors. Raises UserError for
    a missing, damaged or changed file, for one with other objects, which it names, and for one that is no dictionary of
    tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint; download it and give its path")
    if sha256:
        found = file_sha256(path)
        if found != sha256.lower():
            raise UserError(f"{path}: its SHA-256 is {found}, expected {sha256}; download the file again")
    content = read_weights(path, foreign=True) if path.suffix == ".safetensors" else _torch_load(path)
    for key in CONTAINERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path}: holds no dictionary of tensors but {type(content).__name__}")
    others = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise UserError(f"{path}: {len(others)} entries are no tensors: {listed(others)}; it is no list of weights")
    for name, tensor in content.items():
        if problem := _problem(name, tensor):
            raise UserError(f"{path}: {str(name)[:80]!r} {problem}; this is no list of weights that a net can use")
    return {bare_name(name): tensor for name, tensor in content.items()}


def _problem(name: object, tensor: Tensor) -> str:
    """What no net can do anything with; nothing for a sound tensor."""
    if not isinstance(name, str):
        return f"is a key of kind {type(name).__name__}, expected the name of a tensor"
    if tensor.is_complex() or tensor.layout != torch.strided or tensor.is_meta:
        return f"is a tensor of kind {tensor.dtype}, {tensor.layout} on {tensor.device}, expected plain numbers"
    if tensor.is_floating_point() and not torch.isfinite(tensor).all():
        return "holds values that are not finite (NaN or infinite): its training had diverged, or the file is damaged"
    return ""


def _torch_load(path: Path) -> object:
    try:
        with torch.serialization.safe_globals(HARMLESS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path}: refused, because it is no plain file of tensors: {_reason(path, error)}. Loading it would mean "
            "running code from it; ask its author for a state dict or safetensors"
        ) from None
    except DAMAGED as error:
        raise UserError(f"{path}: damaged or no PyTorch file ({first_line(error)}); download it again") from None


def _reason(path: Path, error: Exception) -> str:
    """What in the file is not allowed, in a few words: the names of the objects, or PyTorch's own reason."""
    with (
        suppress(ValueError, RuntimeError, pickle.UnpicklingError),
        torch.serialization.safe_globals(HARMLESS),
    ):
        if found := torch.serialization.get_unsafe_globals_in_checkpoint(path):
            return f"it holds {listed(found)}"
    text = COLOUR.sub("", str(error))
    if found := sorted(set(OBJECT.findall(text))):
        return f"it holds {listed(found)}"
    return first_line(ValueError(text.split("WeightsUnpickler error: ")[-1].strip()))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its kind when it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
