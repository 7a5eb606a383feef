"""`egokd describe`: what is in a folder of results."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from egokd.cli.workflow import CONFIG, snakemake
from egokd.errors import UserError
from egokd.io import read_json
from egokd.names import head_place


def describe(
    folder: Annotated[Path, typer.Argument(help="Folder of a workflow, its results, or one model.")] = Path("results"),
    stale: Annotated[
        bool, typer.Option("--stale", help="Also ask Snakemake what a run would make again; give the run's config.")
    ] = False,
    configfile: CONFIG = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what a run has made: models and seeds, their scores, and whether they are ready for `egokd predict`."""
    found = describe_model(folder) if (folder / "config.json").is_file() else describe_results(folder)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif "models" in found:
        _print_models(found["models"])
    else:
        _print_model(found)
    if stale:
        raise typer.Exit(snakemake(["--dry-run", "--quiet", "rules"], configfile, "1", [], silent=as_json))


def describe_results(folder: Path) -> dict[str, Any]:
    """All trained models below a workflow's folder or its results; UserError where there is none."""
    results = folder if (folder / "models").is_dir() else folder / "results"
    paths = sorted(results.glob("models/*/*/seed*/model.safetensors"))
    if not paths:
        raise UserError(f"{folder}: holds no trained model (results/models/DATASET/MODEL/seedN/model.safetensors)")
    models = []
    for path in paths:
        dataset, model, seed = path.parts[-4:-1]
        entry: dict[str, Any] = {"dataset": dataset, "model": model, "seed": int(seed.removeprefix("seed"))}
        entry |= {"folder": str(path.parent), "ready": (path.parent / "inference.json").is_file(), "scores": {}}
        for metrics in sorted((results / "metrics" / dataset / model / seed).glob("*.json")):
            entry["scores"][metrics.stem] = read_json(metrics)["subsets"]["all"]
        models.append(entry)
    return {"results": str(results), "models": models}


def describe_model(folder: Path) -> dict[str, Any]:
    """One model: its net, and what its inference.json says."""
    description = read_json(folder / "config.json")
    keys = ("net", "modality", "heads", "num_frames", "size", "options", "seed", "epochs", "segments")
    found = {key: description[key] for key in keys if key in description}
    if (folder / "inference.json").is_file():
        portable = read_json(folder / "inference.json")
        found |= {key: portable[key] for key in ("dataset", "model", "source", "licence", "logit_scale")}
    return {"folder": str(folder), "ready": (folder / "inference.json").is_file(), **found}


def _print_models(models: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("dataset", "model", "seed", "views", "top-1 in percent", "for predict")
    for entry in models:
        for views, scores in (entry["scores"] or {"": {}}).items():
            heads = sorted((key.removesuffix("_top1") for key in scores if key.endswith("_top1")), key=head_place)
            said = ", ".join(f"{head} {scores[f'{head}_top1']:.1f}" for head in heads) or "not evaluated"
            ready = "ready" if entry["ready"] else "not packed"
            table.add_row(entry["dataset"], entry["model"], str(entry["seed"]), views, said, ready)
    console = Console()
    console.print(table)
    if not all(entry["ready"] for entry in models):
        console.print("A model that is not packed: snakemake --cores 1 FOLDER/inference.json", highlight=False)


def _print_model(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    for key, value in found.items():
        console.print(f"[bold]{key}[/]: {value}", highlight=False)
