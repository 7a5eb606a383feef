"""Options of nets, checked without building a net: against the signature of its class, as it stands in the source.

The Snakefile asks before it plans anything, and building asks again. Importing a net takes seconds (torch), so its
module is parsed instead. The types that signatures use are below; a parameter of another type is not looked at.
"""

import ast
import fnmatch
import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from egokd.errors import UserError, nearest_name
from egokd.models.nets import Net, find_net

FIXED = ("self", "modality", "heads", "num_frames", "size")  # arguments that every net takes
START_OPTIONS = ("pretrained", "init")  # where the weights start; never arguments of the net

Size = Annotated[int, Field(strict=True, ge=1, le=2**16)]
Sizes = tuple[Size, ...]
Window = tuple[Size, Size, Size]
DropShare = Annotated[float, Field(strict=True, ge=0, lt=1)]
Flag = Annotated[bool, Field(strict=True)]
WHOLE = "whole numbers of 1 to 65536"
TYPES: dict[str, tuple[Any, str]] = {
    "Size": (Size, f"one of the {WHOLE}"),
    "Sizes": (Sizes, f"a list of {WHOLE}"),
    "Window": (Window, f"three {WHOLE}"),
    "DropShare": (DropShare, "a share of at least 0 and below 1"),
    "Flag": (Flag, "true or false"),
}


@cache
def _signature(module: str, cls: str) -> dict[str, tuple[str, Any]]:
    """{name: (annotation, default)} of the own arguments of a net's class."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise UserError(f"{module}: no such module; a net's row names it (egokd.models.nets)")
    tree = ast.parse(Path(spec.origin).read_text())
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls)
    init = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__").args
    positional = init.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(init.defaults)) + list(init.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(init.kwonlyargs, init.kw_defaults, strict=True)]
    return {
        argument.arg: (ast.unparse(argument.annotation) if argument.annotation else "", _value(default))
        for argument, default in pairs
        if argument.arg not in FIXED
    }


def _value(default: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(default) if default is not None else None
    except ValueError:  # a name from elsewhere: not known without importing
        return None


def check_options(place: str, net: str, options: dict[str, Any], num_frames: int, size: int) -> None:
    """UserError, beginning with `place`, for an option that the net does not have or a value that it cannot take.

    num_frames and size are those of the clips; some nets fit only some of them.
    """
    row = find_net(net)
    signature = _signature(row.module, row.cls)
    for name, value in options.items():
        if name in START_OPTIONS:
            continue
        if name not in signature:
            raise UserError(
                f"{place}: net {net!r} has no option {name!r}{nearest_name(name, [*signature, *START_OPTIONS])}"
            )
        kind, expected = TYPES.get(signature[name][0], (Any, ""))
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError:
            raise UserError(f"{place}.{name}: expected {expected}, got {value!r}") from None
    _check_start(place, net, row, options)
    whole = {name: default for name, (_, default) in signature.items()} | row.preset | options
    whole |= {"size": size, "num_frames": num_frames}
    for name, part in row.multiples:
        step = part if isinstance(part, int) else whole[part]
        if whole[name] % step:
            raise UserError(f"{place}: {net}: {name} {whole[name]} is no multiple of {part} {step}")
    if row.geometry:
        importlib.import_module(row.geometry).check_geometry(place, whole)


def _check_start(place: str, net: str, row: Net, options: dict[str, Any]) -> None:
    """UserError for weights to start from that the net cannot have."""
    pretrained, init = (options.get(name) for name in START_OPTIONS)
    if pretrained and init:
        raise UserError(f"{place}: net {net!r}: give `pretrained` (a name) or `init` (a file), not both")
    if pretrained and not any(fnmatch.fnmatch(str(pretrained), pattern) for pattern in row.public):
        offered = nearest_name(pretrained, row.public) if row.public else "; it has no public weights"
        raise UserError(f"{place}.pretrained: {pretrained!r} is not on offer for {net}{offered}")
    if init and not Path(str(init)).is_file():
        raise UserError(f"{place}.init: {init!r} is no file")


def check_net(place: str, net: str, modality: str, options: dict[str, Any], num_frames: int, size: int) -> Net:
    """The row of a net that reads `modality` and takes `options`; else UserError that begins with `place`."""
    try:
        row = find_net(net)
    except UserError as error:
        raise UserError(f"{place}.net: {error}") from None
    if modality not in row.modalities:
        raise UserError(f"{place}.net: {net!r} cannot read {modality!r}; it reads {', '.join(row.modalities)}")
    check_options(f"{place}.options", net, options, num_frames, size)
    return row
