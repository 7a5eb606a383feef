"""The scale that travels with a model is the one with the smallest held-out NLL, and is fitted on nothing else."""

import numpy as np
import pandas as pd
import pytest

from egokd.datasets.segments import Segments
from egokd.distillation.logit_files import LogitFile, write_logits
from egokd.errors import UserError
from egokd.steps.package import calibrate

COUNT, CLASSES = 400, 5


def heldout(path, sharpness, ids=None, trained=1, available=None):
    """Predictions that are `sharpness` times as sure as they should be, with their segments."""
    random = np.random.default_rng(0)
    logits = 1.5 * random.normal(size=(COUNT, CLASSES))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(CLASSES, p=row) for row in chances])
    names = [f"s{number}" for number in range(COUNT)]
    table = pd.DataFrame({"segment_id": names, "fold": "heldout", "split": "train", "verb": labels})
    there = np.ones(COUNT, bool) if available is None else available
    rows = np.flatnonzero(there)
    values = (sharpness * logits).astype(np.float32)
    chunks = [(rows, np.zeros(len(rows), int), {"verb": values[rows]})]
    write_logits(path, ids or names, [0], {"verb": CLASSES}, there, chunks, {"trained": trained}, "float32")
    return LogitFile([path]), Segments(table, {"verb": [str(k) for k in range(CLASSES)]}, "demo")


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_scale_undoes_too_much_or_too_little_confidence(tmp_path, sharpness):
    scale, fit = calibrate(*heldout(tmp_path / "p.safetensors", sharpness), noisy_labels=False)
    assert scale["verb"] * sharpness == pytest.approx(1.0, abs=0.15)
    assert fit.segments == COUNT
    assert fit.nll_after["verb"] <= fit.nll_before["verb"]


def test_segments_without_the_modality_do_not_count(tmp_path):
    there = np.arange(COUNT) % 2 == 0
    _, fit = calibrate(*heldout(tmp_path / "p.safetensors", 1.0, available=there), noisy_labels=False)
    assert fit.segments == COUNT // 2


def test_an_untrained_model_is_not_calibrated(tmp_path):
    scale, fit = calibrate(*heldout(tmp_path / "p.safetensors", 3.0, trained=0), noisy_labels=False)
    assert scale == {"verb": 1.0} and fit.segments == 0


def test_predictions_of_other_segments_are_refused(tmp_path):
    ids = ["stranger", *(f"s{number}" for number in range(1, COUNT))]
    with pytest.raises(UserError, match="'stranger' is not in the held-out fold"):
        calibrate(*heldout(tmp_path / "p.safetensors", 1.0, ids=ids), noisy_labels=False)
