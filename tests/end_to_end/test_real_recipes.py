"""One epoch of the real recipes through the whole DAG: their own nets and settings, at a small picture.

The videos are the demo's, because no laptop holds the real ones. Takes minutes for each recipe: `pytest -m slow`.
"""

import copy

import pandas as pd
import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.planning import models
from egokd.planning.recipes import resolve
from paths import REPOSITORY
from smoke import copy_workflow, snakemake

ROOT = REPOSITORY
DEMO = {
    "seed": 0,
    "train_kitchens": 2,
    "val_only_kitchens": 1,
    "train_segments": 64,
    "val_segments": 8,
    "frame_rate": 8.0,
    "short_side": 64,
    "label_noise": 0.0,
    "habits": 0.5,
    "silent_share": 0.0,
    "missed_box_share": 0.1,
}


def reduced(recipe: str) -> dict:
    """The first experiment of a recipe on demo data: one epoch, one shard, small pictures, nothing downloaded."""
    values = yaml.safe_load((ROOT / f"workflow/configs/{recipe}.yaml").read_text())
    values = resolve(values, ROOT / "workflow" / "recipes")
    experiment = copy.deepcopy(next(iter(values["datasets"].values())))
    experiment["source"] = "demo"
    experiment["data"] |= {"format": "epic100", "root": None, "demo": DEMO, "shards": 1, "heldout_share": 0.3}
    experiment["media"] |= {"frame_rate": 8.0, "short_side": 64}
    experiment["media"]["flow"]["source"] = "computed"
    experiment["views"] |= {"num_frames": 4}
    experiment["inputs"] |= {"size": 32}
    nets = [*experiment["teachers"].values(), *experiment["students"].values(), experiment["omnivore"]]
    for net in nets:
        net["options"] = {key: value for key, value in net["options"].items() if key != "pretrained"}
        net["train"] = {**net["train"], "epochs": 1, "warmup_epochs": 0.5, "batch_size": 8}
    name = next(iter(experiment["students"]))
    experiment["students"] = {name: experiment["students"][name]}
    experiment["bank"]["parts"] = 1
    experiment["evaluation"] |= {"views": [[1, 1]], "heldout_views": [1, 1], "parts": 1, "submission": None}
    experiment["compute"] |= {"gpus": 0, "threads": 1, "mem_mb": 4000}
    return {"seeds": [0], "datasets": {"small": experiment}}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["epic100", "ssv2", "workshop2022"])
def test_one_epoch_of_the_recipe(recipe, tmp_path):
    values = reduced(recipe)
    experiment = validate(Config, values, recipe).datasets["small"]
    copy_workflow(tmp_path / "work")
    (tmp_path / "work/recipe.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    snakemake(tmp_path / "work", "results/tables/small.csv", config="recipe.yaml")
    table = pd.read_csv(tmp_path / "work/results/tables/small.csv")
    assert table["model"].tolist() == models.reported(experiment)
    assert table["params_m"].min() > 20  # the real architectures
    assert table["action_nll"].notna().all()
