"""Hostile configs and folders for the whole workflow: what real Snakemake says before any job."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import inputs_yaml
from hostile import OUT, RIGHT, SENTENCE, Case, Plan, Table, copy_templates
from smoke import copy_workflow

SHORT = """
seeds: [0]
datasets:
  mine:
    recipe: own_videos
    data: {root: ROOT, folder: {heads: [action]}}
"""


def planned(folder_name: str, root: str, change: Callable[[str], str] = lambda text: text) -> Callable[[Path], Plan]:
    """A dry run in a copy of the workflow called `folder_name`, with the data in its folder `root`."""

    def make(folder: Path) -> Plan:
        place = folder / "work" / OUT / folder_name
        copy_workflow(place)
        shutil.move(copy_templates(folder, "own"), place / root)
        (place / "mine.yaml").write_text(change(SHORT.replace("ROOT", json.dumps(root))))
        return Plan({"plan": [("dry_run", [str(place), "mine.yaml"])]})

    return make


def _exploding(text: str) -> str:
    inner = "\n".join("        " + line for line in inputs_yaml.bomb(9, "list").splitlines())
    return (
        text + "    teachers:\n      rgb:\n        options:\n" + "\n".join(f"    {line}" for line in inner.splitlines())
    )


def cases() -> list[Case]:
    table = Table("dry run")
    table.add("nothing wrong", planned("w", "videos"), RIGHT)
    table.add("a folder with blanks and brackets", planned("my [w] *", "videos [1] ?"), RIGHT)
    table.add("data behind a dash", planned("w", "-videos"), RIGHT)
    table.add("a folder with braces", planned("w{x}", "videos"), SENTENCE, "braces in the name of this folder")
    table.add("data in braces", planned("w", "{dataset}"), SENTENCE, "root.*braces")
    table.add("aliases that explode", planned("w", "videos", _exploding), SENTENCE, "aliases")
    option = "    teachers: {rgb: {options: {widht: 4}}}\n"
    table.add("an option misspelt", planned("w", "videos", lambda t: t + option), SENTENCE, "did you mean 'width'")
    dollars = "    source: '$a$ {x} \\frac$'\n"
    table.add("a source with dollars and braces", planned("w", "videos", lambda t: t + dollars), RIGHT)
    table.add(
        "data that is missing",
        planned("w", "videos", lambda t: t.replace('root: "videos"', "root: gone")),
        SENTENCE,
        "no annotation files",
    )
    return table.cases
