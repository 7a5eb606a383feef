"""The example of docs/extending.md for real: its code blocks make a new modality, which is taught and tested.

A modality is one row, one module and one extraction step; nothing else of the workflow's copy is changed.
"""

import re
from pathlib import Path

import pandas as pd
import pytest

from egokd.io import read_json
from paths import REPOSITORY
from smoke import copy_workflow, snakemake

DOC = REPOSITORY / "docs" / "extending.md"
BLOCK = re.compile(r"^(New file|Appended to|In `MODALITIES` of) `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.M | re.S)
CONFIG = "workflow/configs/smoke_imu.yaml"


def add_modality(folder: Path) -> list[str]:
    """Put the blocks of the documentation into a copy of the workflow; returns the files that they go to."""
    blocks = BLOCK.findall(DOC.read_text())
    for how, name, text in blocks:
        path = folder / name
        if how == "New file":
            assert not path.exists(), f"{name} is there already"
            path.write_text(text)
        elif how == "Appended to":
            path.write_text(path.read_text() + "\n\n" + text)
        else:
            table, end = path.read_text(), "\n}\n"
            first = table.index(end, table.index("MODALITIES: "))
            path.write_text(table[:first] + "\n" + text.rstrip("\n") + table[first:])
    return [name for _, name, _ in blocks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A copy of the workflow in which the example has been run."""
    path = tmp_path_factory.mktemp("modality") / "work"
    copy_workflow(path)
    assert len(add_modality(path)) == 5
    snakemake(path, "results/tables/smoke_imu.csv", config=CONFIG)
    return path


def test_the_new_modality_is_in_table_and_figures(folder):
    table = pd.read_csv(folder / "results/tables/smoke_imu.csv").set_index("model")
    assert {"baseline_rgb", "baseline_imu", "omnivore", "ensemble_heldout", "student_heldout"} <= set(table.index)
    assert table.loc["baseline_imu", "input"] == "imu"
    assert table.loc["ensemble_heldout", "input"] == "rgb+imu"
    assert table["action_nll"].gt(0).all() and table["gflops_per_view"].gt(0).all()
    figure = (folder / "results/figures/smoke_imu/ensemble_weights.svg").read_text()
    assert "#7a9a3f" in figure


def test_the_student_learned_from_its_bank(folder):
    assert list((folder / "results/bank/smoke_imu/imu/seed0").glob("*.safetensors"))
    weights = read_json(folder / "results/ensembles/smoke_imu/heldout/seed0.json")["weights"]
    assert all(head.keys() == {"rgb", "imu"} for head in weights.values())
    assert len(pd.read_csv(folder / "results/data/smoke_imu/skipped.csv")) == 0


def test_a_change_of_it_runs_no_other_teacher_again(folder):
    module = folder / "src/egokd/sampling/modalities/imu.py"
    module.write_text(module.read_text().replace("IMAGE_CLIP = 3.0", "IMAGE_CLIP = 2.0"))
    plan = snakemake(folder, "-n", "results/tables/smoke_imu.csv", config=CONFIG)
    assert "train_teacher_imu" in plan and "train_omnivore" in plan
    assert "train_teacher_rgb" not in plan and "extract_" not in plan
