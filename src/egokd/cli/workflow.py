"""`egokd run` and `egokd check`: thin calls of Snakemake that print the command they run."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from egokd.errors import UserError

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
CONFIG = Annotated[
    Path | None, typer.Option("--configfile", "-c", help="Config of the run. [default: config.yaml, the demo]")
]
CORES = Annotated[str, typer.Option("--cores", help="CPU cores, a number or `all`.")]


def workflow_folder() -> Path:
    """The folder with the Snakefile: this one or one above it. UserError where there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Snakefile").is_file() and (folder / "workflow" / "rules").is_dir():
            return folder
    raise UserError(f"{here}: there is no Snakefile here or above; change into the clone of the workflow")


def snakemake(
    arguments: list[str], config: Path | None, cores: str, targets_first: list[str], silent: bool = False
) -> int:
    """Run Snakemake in the folder of the workflow, after printing the command; returns its exit code.

    silent: what it prints goes to the standard error, so that the standard output is the caller's.
    """
    folder = workflow_folder()
    words = ["snakemake", *targets_first, "--cores", cores]
    if config is not None:
        if not config.is_file():
            raise UserError(f"{config}: no such config file")
        words += ["--configfile", os.path.relpath(config, folder)]
    words += arguments
    where = "" if folder == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    print(f"$ {where}{shlex.join(words)}", file=sys.stderr, flush=True)
    to = sys.stderr.fileno() if silent else None
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, check=False, stdout=to).returncode


def run(
    context: typer.Context,
    targets: Annotated[
        list[str] | None, typer.Argument(help="Files or rules to make. [default: all tables, figures and models]")
    ] = None,
    configfile: CONFIG = None,
    cores: CORES = "all",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would run.")] = False,
) -> None:
    """Run the workflow: a thin call of Snakemake, whose command is printed. Its own options may follow."""
    # an argument list swallows options that are not known here, so both are told apart by their look
    given = [*(targets or []), *context.args]
    first = next((number for number, word in enumerate(given) if word.startswith("-")), len(given))
    more = [*given[first:], *(["--dry-run"] if dry_run else [])]
    raise typer.Exit(snakemake(more, configfile, cores, given[:first]))


def check(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset in the config.")],
    configfile: CONFIG = None,
    cores: CORES = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Give the problems as JSON.")] = False,
    card: Annotated[Path | None, typer.Option(help="Also write the dataset's card, to publish it with.")] = None,
) -> None:
    """Look at the files of a dataset before hours of work, and list what is wrong."""
    code = snakemake([], configfile, cores, [f"check_{dataset}"], silent=as_json)
    if as_json:
        import pandas as pd

        path = workflow_folder() / "results" / "check" / dataset / "problems.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        print(json.dumps({"dataset": dataset, "ok": code == 0, "problems": table.to_dict("records")}, indent=2))
    if card:
        _write_card(dataset, configfile, card)
    raise typer.Exit(code)


def _write_card(dataset: str, configfile: Path | None, path: Path) -> None:
    """The dataset's card, from what the check has just written and what the config says."""
    import pandas as pd
    import yaml

    from egokd.datasets.licences import licence_of
    from egokd.io import write_text
    from egokd.planning.reading import read_config
    from egokd.portable.data_card import data_card

    folder = workflow_folder()
    plain = yaml.safe_load((configfile or folder / "config.yaml").read_text())
    chosen = read_config(plain, folder)[0].datasets[dataset]
    found = folder / "results" / "check" / dataset
    if not (found / "classes.csv").is_file():
        raise UserError(f"{found}: the check found no classes, so there is no card; see problems.csv there")
    licence = licence_of(chosen.data.format, chosen.data.generated)
    classes = pd.read_csv(found / "classes.csv", keep_default_na=False)
    write_text(path, data_card(dataset, chosen.source, licence, (found / "report.md").read_text(), classes))
