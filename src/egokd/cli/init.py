"""`egokd init`: a config for own videos, proposed from what is in a folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

from egokd.errors import UserError
from egokd.io import write_text


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of videos, with a CSV of labels or a subfolder per class.")],
    name: Annotated[str, typer.Option(help="Name of the dataset, in paths and tables.")] = "mine",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Config to write. [default: NAME.yaml]")] = None,
    heads: Annotated[str | None, typer.Option(help="Columns that hold classes, like verb,noun.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say as JSON what was found.")] = False,
) -> None:
    """Write a config for own videos: look at the files, and propose heads, split and sizes.

    Videos need labels: a CSV with the column `file` and one column per head, or one subfolder per class.
    """
    from egokd.planning.proposal import propose

    path = out or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise UserError(f"{path}: exists already; choose another --out, or --force to replace it")
    proposal = propose(folder, name, heads.split(",") if heads else None)
    write_text(path, proposal.text)
    if as_json:
        print(json.dumps({"config": str(path), **proposal.facts}, indent=2))
        return
    print(proposal.text, end="")
    print(f"\nwritten to {path}. Next:\n  egokd check {name} -c {path}\n  egokd run -c {path}")
