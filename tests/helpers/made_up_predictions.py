"""A segment table and prediction files with made-up logits: for tests of everything that comes after the nets."""

from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.segments import Segments, write_segments
from egokd.distillation.logit_files import write_logits
from segment_rows import segment_rows

HEADS = {"verb": ["take", "put", "wash"], "noun": ["cup", "plate", "pan", "knife", "lid"]}
CLASSES = {head: len(names) for head, names in HEADS.items()}


def write_table(path: Path, n_train: int = 40, n_val: int = 60) -> pd.DataFrame:
    """A table of 40 training segments, half of them held out, and 60 of validation in five videos; returns its rows."""
    rows, random = segment_rows(n_train, n_val), np.random.default_rng(0)
    for head, count in CLASSES.items():
        rows[head] = random.integers(count, size=len(rows))
        rows[f"tail_{head}"] = rows[head] == count - 1
    rows["unseen"] = (rows["split"] == "val") & (np.arange(len(rows)) % 3 == 0)
    rows["group"] = [f"P{i % 7:02d}" for i in range(len(rows))]
    rows["fold"] = np.where(rows["split"] == "train", np.where(np.arange(len(rows)) % 2, "heldout", "fit"), "")
    write_segments(path, Segments(rows, HEADS, "made up"))
    return rows


def write_predictions(
    path: Path, rows: pd.DataFrame, name: str, views: tuple[int, int] = (1, 1), strength: float = 2.0, missing: int = 0
) -> dict[str, np.ndarray]:
    """Logits that lean towards the truth by `strength`, of the split or fold that the file's name begins with.

    The first `missing` segments lack the modality. Returns {head: float32 [N,V,K]} as stored, zeros where missing.
    """
    split = path.name.split("-")[0]
    rows = rows[(rows["fold"] if split == "heldout" else rows["split"]) == split]
    random = np.random.default_rng(sum(map(ord, f"{name} {split} {views}")))
    count, width = len(rows), views[0] * views[1]
    logits = {head: random.normal(size=(count, width, classes)) for head, classes in CLASSES.items()}
    for head, values in logits.items():
        values[np.arange(count), :, rows[head]] += strength
    logits = {head: values.astype(np.float32) for head, values in logits.items()}
    available = np.arange(count) >= missing
    places = np.flatnonzero(available)
    chunks = (
        (places, np.full(len(places), view), {head: values[places, view] for head, values in logits.items()})
        for view in range(width)
    )
    metadata = {"split": split, "clips": views[0], "crops": views[1], "input": name, "seed": 0, "trained": 1}
    write_logits(path, rows["segment_id"].tolist(), range(width), CLASSES, available, chunks, metadata, "float32")
    return {head: np.where(available[:, None, None], values, 0) for head, values in logits.items()}
