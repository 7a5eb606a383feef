"""Numbers that a refactor must not change: what is compared with the files in tests/golden, and how they are made.

`pure_numbers` holds what is exact on every machine: views, orders, shards, folds and the scripts of both demo worlds,
as hashes of numbers rounded far below anything that matters. `smoke_numbers` reads a finished smoke run: losses, logits
and the table, which depend on the machine in their last digits.
"""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from egokd.datasets.demos.compositional import script as compositional
from egokd.datasets.demos.kitchen import script as kitchen
from egokd.datasets.demos.kitchen.annotations import segment_table, write_annotations
from egokd.datasets.segments import read_segments, shard_of
from egokd.sampling.batches import EpochBatches
from egokd.sampling.folds import assign_fold
from egokd.sampling.views import evaluation_views, train_view
from egokd.training.schedule import learning_rate, step_seed
from view_settings import views_of

DATASET = "smoke"
COLOURS = ("brightness", "contrast", "saturation")
SPECS = {
    "uniform": views_of(scale=(0.75, 1.0), **dict.fromkeys(COLOURS, 0.25), hue=0.05, span=(0.35, 1.0)),
    "dense": views_of(num_frames=16, sampling="dense", scale=(0.4, 1.0), **dict.fromkeys(COLOURS, 0.4), hue=0.1),
}
# columns that depend on the machine, or only name the dataset
MEASURED = ("dataset", "clips_per_s")


def digest(value: object) -> str:
    """A short hash of JSON text, or of an array rounded to nine digits."""
    if isinstance(value, np.ndarray):
        value = np.round(value, 9).tolist()
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()


def view_numbers(view) -> list:
    """All that a view consists of, as plain numbers."""
    arrays = [np.round(view.times_s, 9).tolist(), np.round(view.colour.astype(float), 5).tolist()]
    return [*arrays, *(round(float(value), 9) for value in (view.scale, view.cx, view.cy)), view.key]


def pure_numbers() -> dict:
    """Hashes of everything that follows from seeds alone."""
    ids = [f"P{i % 7:02d}_{i:04d}" for i in range(200)]
    rows = pd.DataFrame({"segment_id": ids, "split": "train", "verb": [i % 5 for i in range(200)], "noun": 1})
    out = {
        "train_views": {
            name: digest(
                [view_numbers(train_view(spec, seed, ids[3], view, 1.5, 4.25)) for seed in (0, 7) for view in range(20)]
            )
            for name, spec in SPECS.items()
        },
        "test_views": {
            name: digest([view_numbers(view) for view in evaluation_views(spec, 1.5, 4.25, 4, 3)])
            for name, spec in SPECS.items()
        },
        "orders": digest([list(EpochBatches(53, 8, 3, epoch, 2)) for epoch in range(4)]),
        "shards": digest([shard_of(name, 13) for name in ids]),
        "folds": digest(assign_fold(rows, ["verb", "noun"], 0.15, 4).tolist()),
        "learning_rates": digest([round(learning_rate(step, 100, 7, 0.002), 12) for step in range(100)]),
        "step_seeds": digest([step_seed(5, step) for step in range(50)]),
    }
    return {**out, "kitchen_world": kitchen_world(), "compositional_world": digest(compositional_world())}


def kitchen_world() -> str:
    """The default demo's videos and labels, as their annotation files say."""
    world = kitchen.World(
        seed=0,
        train_kitchens=24,
        val_only_kitchens=8,
        train_segments=500,
        val_segments=400,
        frame_rate=12.5,
        short_side=64,
        label_noise=0.08,
        habits=0.6,
        silent_share=0.1,
        missed_box_share=0.0,
    )
    plans = kitchen.plan_videos(world)
    with tempfile.TemporaryDirectory() as folder:
        write_annotations(Path(folder), plans, 12.5, (114, 64))
        files = sorted(path for path in Path(folder).rglob("*.csv"))
        return digest([(path.name, path.read_text()) for path in files] + [len(segment_table(plans))])


def compositional_world() -> list:
    """Every clip's script, in words."""
    world = compositional.World(
        seed=0,
        train_clips=200,
        val_clips=100,
        short_side=64,
        correlation=0.9,
        label_noise=0.08,
        unannotated_share=0.1,
    )
    return [repr(clip) for clip in compositional.plan_clips(world)]


def smoke_numbers(results: Path) -> dict:
    """Losses, logits, weights and the table of a finished smoke run in `results`."""
    models = sorted(path.name for path in (results / "models" / DATASET).iterdir())
    table = pd.read_csv(results / f"tables/{DATASET}.csv").drop(columns=list(MEASURED))
    segments = read_segments(results / f"data/{DATASET}/segments.parquet").table
    return {
        "segments": digest(segments[["segment_id", "split", "fold", "shard", "verb", "noun"]].values.tolist()),
        "losses": {
            name: pd.read_csv(results / f"models/{DATASET}/{name}/seed0/history.csv")["loss"].tolist()
            for name in models
        },
        "logits": {
            path.parent.parent.name: logit_numbers(load_file(path))
            for path in sorted((results / "predictions" / DATASET).glob("*/seed0/val*.safetensors"))
        },
        "ensembles": {
            path.parent.name: json.loads(path.read_text())["weights"]
            for path in sorted((results / "ensembles" / DATASET).glob("*/seed0.json"))
        },
        "table": {row["model"]: {k: v for k, v in row.items() if v == v} for row in table.to_dict("records")},
    }


def logit_numbers(tensors: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Mean, spread and the first logits of each head."""
    return {
        head: [float(values.mean()), float(values.std()), *map(float, values.reshape(-1)[:5])]
        for head, values in sorted(tensors.items())
        if head not in ("available", "checksums")
    }
