"""The student of a finished run is packed, and answers outside of the workflow what the workflow stored."""

import json
import shutil

import numpy as np
import pytest

import egokd
from egokd.datasets.formats import adapter
from egokd.datasets.segments import read_segments, select
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.portable.answers import Prediction
from egokd.portable.requests import Request
from smoke import snakemake

MODELS = ("student_heldout", "baseline_flow", "baseline_audio")


@pytest.fixture(scope="module")
def packed(folder, tmp_path_factory):
    """Copies of models' folders, by name, far from the results they were made in."""
    said = snakemake(folder, *(f"results/models/smoke/{model}/seed0/inference.json" for model in MODELS))
    assert "train_" not in said
    place = tmp_path_factory.mktemp("packed")
    return {
        model: shutil.copytree(folder / "results/models/smoke" / model / "seed0", place / model) for model in MODELS
    }


@pytest.mark.parametrize("model", MODELS)
def test_predicting_the_validation_segments_gives_the_stored_logits(folder, packed, model):
    rows = select(read_segments(folder / "results/data/smoke/segments.parquet").table, "val")
    source = adapter("epic100").rgb_source
    asked = [
        Request(
            source(folder / "results/demo/smoke", video_id, None).path,
            list(group[["segment_id", "start_s", "stop_s"]].itertuples(index=False, name=None)),
        )
        for video_id, group in rows.groupby("video_id")
    ]
    every = list(egokd.load(packed[model], device="cpu").stream(asked))
    assert len(every) == len(rows)
    answers = [answer for answer in every if isinstance(answer, Prediction)]
    ids = [answer.segment_id for answer in answers]
    file = LogitFile([folder / f"results/predictions/smoke/{model}/seed0/val-1x1.safetensors"])
    assert sorted(ids) == sorted(name for name, there in file.available.items() if there)  # some videos are silent
    stored = file.all_logits(ids)
    for head, values in stored.items():
        ours = np.stack([answer.logits[head] for answer in answers])
        # not always to the last bit: libraries choose their kernels by the number of clips in a batch
        assert np.abs(ours - average_views(values)).max() < 1e-5
        assert values.std() > 1e-3  # or the test would prove nothing


def test_its_scale_was_fitted_on_the_heldout_segments_and_its_card_tells_so(folder, packed):
    settings = json.loads((packed["student_heldout"] / "inference.json").read_text())
    table = read_segments(folder / "results/data/smoke/segments.parquet").table
    assert settings["calibration"]["segments"] == len(select(table, "heldout"))
    text = (packed["student_heldout"] / "README.md").read_text()
    scores = json.loads((folder / "results/metrics/smoke/student_heldout/seed0/1x1.json").read_text())["subsets"]["all"]
    assert f"| student_heldout | all | {scores['verb_top1']:.1f} |" in text
    assert "MIT licence" in text and "taught by the ensemble `heldout`" in text


def test_packing_again_does_nothing(folder, packed):
    assert "Nothing to be done" in snakemake(folder, "results/models/smoke/student_heldout/seed0/README.md")
