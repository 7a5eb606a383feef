"""The full recipes are valid, and plan quickly from full-size annotation files, with videos of zero bytes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.planning.recipes import resolve
from paths import REPOSITORY

ROOT = REPOSITORY
RECIPES = ("epic100", "epic55", "ssv2", "something_else")
LIMIT_KB = 1_000_000  # memory of a plan; its time depends on the machine, is printed, and stands in docs/results.md
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.returncode)
"""


def read(name: str) -> dict:
    """A config with its recipe filled in."""
    return resolve(yaml.safe_load((ROOT / f"workflow/configs/{name}.yaml").read_text()), ROOT / "workflow" / "recipes")


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_valid(name):
    config = validate(Config, read(name), name)
    assert len(config.seeds) == 5
    assert list(config.datasets) == [name]


def epic100(root: Path, realdata: Path) -> None:
    for path in (realdata / "epic100_annotations").glob("*.csv"):
        (root / path.name).symlink_to(path)
    for video_id in pd.read_csv(root / "EPIC_100_video_info.csv")["video_id"]:
        video = root / video_id[:3] / "videos" / f"{video_id}.MP4"
        video.parent.mkdir(parents=True, exist_ok=True)
        video.touch()


def epic55(root: Path, realdata: Path) -> None:
    """As many rows as the official file, made from those of EPIC-100 (the real ones are not at hand)."""
    table = pd.read_csv(realdata / "epic100_annotations" / "EPIC_100_train.csv")
    table = table[~table["video_id"].str.fullmatch(r"P\d\d_\d{3}")].head(28_561)
    table.insert(0, "uid", range(len(table)))
    table.to_csv(root / "EPIC_train_action_labels.csv", index=False)


def ssv2(root: Path, realdata: Path, splits: str = "labels") -> None:
    labels = json.loads((realdata / "ssv2" / "something-something-v2-labels.json").read_text())
    template = {number: text for text, number in labels.items()}
    (root / splits).mkdir(parents=True)
    (root / splits / "labels.json").write_text(json.dumps(labels))
    for split in ("train", "validation"):
        text = (realdata / "ssv2" / f"something-something-v2-{split}-processed.txt").read_text()
        rows = [line.split() for line in text.split("\n") if line]
        entries = [{"id": row[0], "label": "", "template": template[row[3]], "placeholders": []} for row in rows]
        (root / splits / f"{split}.json").write_text(json.dumps(entries))
    (root / "bounding_box_smthsmth_part1.json").write_text("{}")


def something_else(root: Path, realdata: Path) -> None:
    ssv2(root, realdata, "dataset_splits/compositional")


@pytest.mark.parametrize("name", RECIPES)
def test_full_recipe_plans_within_its_memory(fresh, realdata, name):
    """All modalities, five seeds; one process, measured by the kernel."""
    root = fresh.path / read(name)["datasets"][name]["data"]["root"]
    root.mkdir(parents=True)
    {"epic100": epic100, "epic55": epic55, "ssv2": ssv2, "something_else": something_else}[name](root, realdata)
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "2", f"results/tables/{name}.csv"]
    command += ["--configfile", f"workflow/configs/{name}.yaml", "--quiet", "rules"]
    # a small process in between: the kernel counts a child's memory from the size its parent has when it forks
    run = [sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(run, cwd=fresh.path, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    seconds, peak_kb = (float(v) for v in done.stdout.split("\n")[-2].split())
    print(f"{name}: {re.search(r'total +([0-9]+)', done.stdout)[1]} jobs, {seconds:.1f} s, {peak_kb / 1000:.0f} MB")
    assert peak_kb < LIMIT_KB
