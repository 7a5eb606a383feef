"""`egokd export`: a trained net as ONNX or as PyTorch's exported program."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from egokd import runtime
from egokd.errors import UserError


class Kind(StrEnum):
    """What is written."""

    onnx = "onnx"
    torch = "torch"


def export(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    form: Annotated[Kind, typer.Option("--format", "-f", help="What to write: model.onnx or model.pt2.")] = Kind.onnx,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder. [default: in the model's]")] = None,
    check_on: Annotated[
        list[Path] | None, typer.Option(help="Videos whose clips are compared too, beside random numbers.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Say as JSON what was compared.")] = False,
) -> None:
    """Write a net as a file that runs without this project, with its preprocessing beside it.

    The file is compared with the net on random numbers and on clips of the videos given; preprocessing.json states the
    largest difference. `egokd predict --model FOLDER` takes a folder with an ONNX file like any other.
    """
    from dataclasses import asdict

    from egokd.portable.export import export_model
    from egokd.portable.student import load

    runtime.start("egokd", threads)
    folder = out or model / form.value
    real = load(model, device="cpu", threads=threads).inputs_of(check_on) if check_on else iter(())
    found = export_model(model, form.value, folder, real, ", ".join(path.name for path in check_on or []))
    if check_on and len(found) < 2:
        raise UserError(f"no clip of {', '.join(map(str, check_on))} could be read")
    if as_json:
        print(json.dumps({"folder": str(folder), "differences": [asdict(entry) for entry in found]}, indent=2))
        return
    for entry in found:
        print(f"{entry.clips} clips ({entry.inputs}): largest difference of a logit {entry.largest:.2g}")
    print(f"written to {folder}")
