"""The tutorial of docs/datasets.md for real: a folder of videos, one CSV, ten lines of config, one command.

None of the videos has sound, so the sound teacher of the recipe must leave by itself, with a line saying so.
"""

import numpy as np
import pandas as pd
import pytest
import yaml

from egokd.io import read_json
from media_files import make_video
from smoke import copy_workflow, snakemake

CONFIG = """
seeds: [0]
datasets:
  mine:
    recipe: own_videos
    source: my videos
    data:
      root: videos
      folder:
        heads: [action]
"""
SHORT = {"epochs": 2, "warmup_epochs": 1}  # the tutorial's run, made short


@pytest.mark.slow
def test_own_videos_without_sound(tmp_path):
    folder = tmp_path / "work"
    copy_workflow(folder)
    (folder / "videos").mkdir()
    lines = ["file,action,split"]
    for number in range(24):
        make_video(folder / "videos" / f"{number}.mp4", frames=20)
        lines.append(f"{number}.mp4,{('cut', 'wash')[number % 2]},{'val' if number >= 16 else 'train'}")
    (folder / "videos" / "annotations.csv").write_text("\n".join(lines) + "\n")
    config = yaml.safe_load(CONFIG)
    mine = config["datasets"]["mine"]
    mine["teachers"] = {name: {"train": SHORT} for name in ("rgb", "flow", "audio")}
    mine["students"] = {"heldout": {"train": SHORT}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    snakemake(folder, "results/tables/mine.csv", config="mine.yaml")

    table = pd.read_csv(folder / "results/tables/mine.csv")
    assert "baseline_audio" not in set(table["model"])
    assert set(table.loc[table["model"].str.startswith("ensemble"), "input"]) == {"rgb+flow"}
    assert np.isfinite(table["action_nll"]).all()
    log = (folder / "results/logs/train_teacher_audio/mine/seed0.log").read_text()
    assert "no training segment has audio: this teacher stays untrained and is left out" in log
    weights = read_json(folder / "results/ensembles/mine/heldout/seed0.json")["weights"]["action"]
    assert weights["audio"] == 0 and weights["rgb"] + weights["flow"] == 1
