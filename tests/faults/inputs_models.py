"""Published weights and lists of classes that are not what they seem."""

import argparse
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile import OUT, RIGHT, SENTENCE, Case, Plan, Table

BUILD = {"embed_dim": 12, "depths": [1, 1], "num_heads": [2, 2], "window_size": [2, 4, 4]}
HEADS = {"verb": 3, "noun": 4}


def weights() -> dict[str, Any]:
    """A checkpoint of the authors' format that fits."""
    import torch

    from egokd.models.build import build_model
    from egokd.models.files import is_head
    from egokd.models.foreign import FORMATS

    torch.manual_seed(0)
    model = build_model("video_swin_t", "rgb", HEADS, 4, 32, **BUILD)
    rename = FORMATS["authors"].rename
    state = {str(rename(name)): tensor for name, tensor in model.state_dict().items()}
    assert any(is_head(name) for name in model.state_dict())
    return state


def checkpoint(write: Callable[[Path], None], *more: str, name: str = "w.pth") -> Callable[[Path], Plan]:
    """import_weights of a file that `write` makes."""

    def make(folder: Path) -> Plan:
        path = folder / name
        write(path)
        arguments = ["--checkpoint", str(path), "--format", "authors", "--net", "video_swin_t", "--modality", "rgb"]
        arguments += ["--num-frames", "4", "--size", "32", "--options", json.dumps(BUILD), "--heads", json.dumps(HEADS)]
        return Plan({"run": [("import_weights", [*arguments, *more, "--out", f"{OUT}/m/model.safetensors"])]})

    return make


def saved(change: Callable[[dict], Any]) -> Callable[[Path], Plan]:
    """The checkpoint after a change, as torch saves it."""

    def write(path: Path) -> None:
        import torch

        torch.save(change(weights()), path)

    return checkpoint(write)


class Runs:
    """An object that would start a program when it is loaded."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch started",)


def first(state: dict, value: float) -> dict:
    """The first tensor with one other value."""
    tensor = next(iter(state.values()))
    tensor.view(-1)[0] = value
    return state


def _contents(table: Table) -> None:
    def bad(name: str, change: Callable[[dict], Any], says: str) -> None:
        table.add(name, saved(change), SENTENCE, says, "torch")

    bad("with nan", lambda s: first(s, float("nan")), "NaN|not finite|finite")
    bad("with an infinity", lambda s: first(s, float("inf")), "finite")
    bad("with a tensor missing", lambda s: dict(list(s.items())[1:]), "lacks|missing|do not fit")
    bad("with a tensor too many", lambda s: {**s, "more": next(iter(s.values()))}, "more")
    bad("with another shape", lambda s: {**s, next(iter(s)): next(iter(s.values()))[..., :1]}, "shape|fit")
    bad(
        "with whole numbers",
        lambda s: {**s, next(iter(s)): next(iter(s.values())).long()},
        "whole numbers|type|int64|fit",
    )
    bad("with complex numbers", lambda s: {**s, next(iter(s)): next(iter(s.values())) * (1 + 1j)}, "complex|type|fit")
    bad("with text", lambda s: {**s, next(iter(s)): "x"}, "no tensors")
    bad("with numbers as keys", lambda s: dict(enumerate(s.values())), "is a key of kind int")
    bad("with a key of a tuple", lambda s: {**s, (1, 2): next(iter(s.values()))}, "names|\\(1, 2\\)")
    bad("that is empty", lambda s: {}, "no dictionary of tensors")
    bad("that is a list", lambda s: list(s.values()), "no dictionary of tensors")
    bad("that is a tensor", lambda s: next(iter(s.values())), "no dictionary of tensors")
    bad("that is null", lambda s: None, "no dictionary of tensors")
    bad("that runs a program", lambda s: {"state_dict": s, "hook": Runs()}, "refused")
    bad("that is a program", lambda s: Runs(), "refused")
    bad("that is a net", lambda s: __import__("torch").nn.Linear(2, 2), "refused")
    bad(
        "with a sparse tensor",
        lambda s: {**s, next(iter(s)): next(iter(s.values())).flatten(1).to_sparse()},
        "sparse|shape|fit",
    )
    bad(
        "with a tensor that is nowhere",
        lambda s: {**s, next(iter(s)): next(iter(s.values())).to("meta")},
        "meta|no data|holds no|fit|damaged",
    )
    table.add("that fits", saved(lambda s: s), RIGHT, "", "torch")
    table.add("inside a state_dict", saved(lambda s: {"state_dict": s, "epoch": 3}), RIGHT, "", "torch")
    half = saved(lambda s: {name: tensor.half() for name, tensor in s.items()})
    table.add("in half precision", half, RIGHT, "", "torch")
    arguments = saved(lambda s: {"model": s, "args": argparse.Namespace(lr=1)})
    table.add("with arguments of its training", arguments, RIGHT, "", "torch")
    prefixed = saved(lambda s: {f"module.{name}": tensor for name, tensor in s.items()})
    table.add("of several processes", prefixed, RIGHT, "", "torch")


def _bytes(table: Table) -> None:
    def bad(name: str, write: Callable[[Path], Any], says: str = "", file: str = "w.pth") -> None:
        table.add(
            name,
            checkpoint(lambda p: write(p) and None, name=file),
            SENTENCE,
            file.replace(".", r"\.") + ".*" + says,
            "torch",
        )

    def torn(share: float) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            import torch

            torch.save(weights(), path)
            data = path.read_bytes()
            path.write_bytes(data[: int(len(data) * share)])

        return write

    bad("text", lambda p: p.write_text("hello, I am no checkpoint\n" * 20), "")
    bad("a web page", lambda p: p.write_text("<!DOCTYPE html><html>404</html>"), "")
    bad("a git pointer", lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "")
    bad("empty", lambda p: p.write_bytes(b""), "")
    bad("zeros", lambda p: p.write_bytes(bytes(5000)), "")
    bad("half of it", torn(0.5), "")
    bad("one byte short", torn(0.9999), "")
    bad("a plain pickle of a program", lambda p: p.write_bytes(pickle.dumps(Runs())), "")
    bad("a pickle of deep tuples", lambda p: p.write_bytes(b"\x80\x02" + b"(" * 50000 + b"t" * 50000 + b"."), "")
    bad("a zip of other files", lambda p: zipfile.ZipFile(p, "w").writestr("readme.txt", "x"), "")
    bad("a folder", lambda p: p.mkdir(), "no such checkpoint")
    bad("a missing file", lambda p: None, "no such checkpoint")
    safe = "w.safetensors"
    bad("safetensors: text", lambda p: p.write_text("hello"), "", safe)
    bad(
        "safetensors: a header of 2^63 bytes",
        lambda p: p.write_bytes((2**63 - 1).to_bytes(8, "little") + b"{}"),
        "",
        safe,
    )
    bad(
        "safetensors: offsets outside",
        lambda p: p.write_bytes(_header({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})),
        "",
        safe,
    )
    bad(
        "safetensors: overlapping",
        lambda p: p.write_bytes(
            _header({n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}) + bytes(4)
        ),
        "",
        safe,
    )
    bad(
        "safetensors: shape beyond 64 bits",
        lambda p: p.write_bytes(
            _header({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}) + bytes(4)
        ),
        "",
        safe,
    )
    bad("safetensors: empty", lambda p: p.write_bytes(b""), "", safe)
    wrong = checkpoint(lambda p: p.write_bytes(b"x"), "--sha256", "0" * 64)
    table.add("with another digest", wrong, SENTENCE, "SHA-256", "torch")


def _header(entries: dict) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


def cases() -> list[Case]:
    table = Table("checkpoints")
    _contents(table)
    _bytes(table)
    return table.cases
