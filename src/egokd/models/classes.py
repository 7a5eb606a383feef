"""The order of a foreign checkpoint's classes: a list of names beside the file, held against the dataset's own.

Tensors carry no names of classes. Two files with the same number of classes can mean different things by class 3, and
then every count fits and every prediction is wrong; only a list can tell.
"""

import json
from pathlib import Path

import torch
from torch import nn

from egokd.errors import UserError, nearest_name


def read_class_names(path: Path, heads: list[str]) -> dict[str, list[str]]:
    """Names of each head's classes in the checkpoint's order, from JSON (`.json`) or text.

    JSON is {"verb": ["take", ...], "noun": [...]}, or a plain list where there is one head. Text has one name per line;
    where there are several heads, a line [verb] begins each. Empty lines do not count. UserError when the file is
    missing or of another form, or has other heads than `heads`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such list of classes") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable text file ({error}); expected names of classes in UTF-8") from None
    found = _from_json(path, text, heads) if path.suffix.lower() == ".json" else _from_text(path, text, heads)
    if found.keys() != set(heads):
        raise UserError(
            f"{path}: lists classes of {', '.join(map(repr, found)) or 'no head'}, but the dataset has the heads "
            f"{', '.join(map(repr, heads))}; list each head's classes once"
        )
    return found


def _from_json(path: Path, text: str, heads: list[str]) -> dict[str, list[str]]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None
    if isinstance(value, list) and len(heads) == 1:
        value = {heads[0]: value}
    lists = value.values() if isinstance(value, dict) else [None]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
        example = json.dumps({head: ["first", "second"] for head in heads})
        raise UserError(f"{path}: expected a list of names for each head, such as {example}")
    return value


def _from_text(path: Path, text: str, heads: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {heads[0]: []} if len(heads) == 1 else {}
    current = heads[0] if len(heads) == 1 else None
    for line in filter(None, map(str.strip, text.splitlines())):
        if line[1:-1] in heads and line == f"[{line[1:-1]}]":
            current = line[1:-1]
            if found.get(current):
                raise UserError(f"{path}: {line} begins twice; list each head's classes once")
            found[current] = []
        elif current is None:
            raise UserError(
                f"{path}: {line!r} stands before the first head; with the heads {', '.join(heads)}, begin each list "
                f"with a line such as [{heads[0]}]"
            )
        else:
            found[current].append(line)
    return found


def class_orders(theirs: dict[str, list[str]], ours: dict[str, list[str]], source: str) -> dict[str, list[int]]:
    """{head: for each of our classes its number in the file} of the heads whose order differs; empty if none does.

    UserError, naming the first class that differs, when a head's names are not the same ones; `source` is the list's
    name in errors.
    """
    return {
        head: _order(theirs[head], names, f"{source}: head {head!r}")
        for head, names in ours.items()
        if theirs[head] != names
    }


def _order(theirs: list[str], ours: list[str], where: str) -> list[int]:
    for number, name in enumerate(theirs):
        if name not in ours:
            raise UserError(f"{where}: class {number} is {name!r}, which the dataset does not have{_near(name, ours)}")
        if name in theirs[:number]:
            raise UserError(f"{where}: class {number} is {name!r}, as is class {theirs.index(name)}; names must differ")
    for number, name in enumerate(ours):
        if name not in theirs:
            raise UserError(f"{where}: lacks {name!r}, class {number} of the dataset{_near(name, theirs)}")
        if name in ours[:number]:
            raise UserError(
                f"{where}: is in another order than the dataset, whose classes {ours.index(name)} and {number} "
                f"are both {name!r}, so that the order cannot be told"
            )
    return [theirs.index(name) for name in ours]


def _near(name: str, names: list[str]) -> str:
    """A hint, where a name is alike; the whole list could have hundreds."""
    hint = nearest_name(name, names)
    return hint if "did you mean" in hint else ""


def reorder_classes(model: nn.Module, orders: dict[str, list[int]]) -> None:
    """In place: row i of a head's classifier becomes the row that stood at orders[head][i]."""
    with torch.no_grad():
        for head, order in orders.items():
            for name in ("weight", "bias"):
                rows = model.get_parameter(f"heads.linear.{head}.{name}")
                rows.copy_(rows[order].clone())
