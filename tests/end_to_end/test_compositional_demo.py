"""The second demo, cut down, through the whole workflow: JSON boxes, clips without sound, no audio job anywhere."""

import pandas as pd
import pytest
import yaml

from egokd.datasets.segments import read_segments
from smoke import copy_workflow, snakemake

SHORT = {"epochs": 2, "warmup_epochs": 1}


@pytest.mark.slow
def test_table_and_figures(tmp_path):
    folder = tmp_path / "work"
    copy_workflow(folder)
    entry = {
        "recipe": "compositional_demo",
        "data": {"compositional_demo": {"train_clips": 48, "val_clips": 16, "short_side": 48}, "heldout_share": 0.3},
        "teachers": {name: {"train": SHORT} for name in ("rgb", "flow", "obj")},
        "students": {"heldout": {"train": SHORT}},
    }
    (folder / "small.yaml").write_text(yaml.safe_dump({"seeds": [0], "datasets": {"something_else": entry}}))
    snakemake(folder, "results/tables/something_else.csv", config="small.yaml")

    table = pd.read_csv(folder / "results/tables/something_else.csv")
    assert set(table["source"]) == {"demo"} and set(table["segments"]) == {16}
    models = {f"baseline_{m}" for m in ("rgb", "flow", "obj")} | {
        "ensemble_uniform",
        "ensemble_heldout",
        "student_heldout",
    }
    assert models <= set(table["model"])
    assert table["action_top1"].between(0, 100).all() and table["action_nll"].gt(0).all()
    for name in ("reliability", "accuracy", "ensemble_weights", "training"):
        assert (folder / f"results/figures/something_else/{name}.png").stat().st_size > 10_000
    assert len(pd.read_csv(folder / "results/data/something_else/skipped.csv")) == 0
    assert not (folder / "results/data/something_else/audio").exists()
    segments = read_segments(folder / "results/data/something_else/segments.parquet")
    assert segments.source == "demo" and len(segments.heads["action"]) == 8
