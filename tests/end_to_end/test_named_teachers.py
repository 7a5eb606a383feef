"""Entries of the config alone: a second RGB teacher with another seed, students that hear, two view settings.

They are added to the finished smoke run, so what was trained there must stay as it is.
"""

import hashlib
import shutil

import pandas as pd
import pytest
import torch
import yaml

from egokd.distillation.logit_files import LogitFile
from egokd.models.build import load_model
from smoke import SMOKE, snakemake


@pytest.fixture(scope="module")
def extended(folder, tmp_path_factory):
    """A copy of the finished smoke run, with new entries and what they need run beside it."""
    path = tmp_path_factory.mktemp("named") / "work"
    shutil.copytree(folder, path)
    config = yaml.safe_load((path / SMOKE).read_text())
    smoke = config["datasets"]["smoke"]
    train = smoke["teachers"]["rgb"]["train"]
    second = {"modality": "rgb", "net": "small", "options": {"width": 4}, "seed_offset": 1000}
    optimiser = {"lr": 0.002, "weight_decay": 0.02, "clip_norm": 5.0, "label_smoothing": 0.0}
    smoke["teachers"]["second_rgb"] = {**second, "train": {**train, **optimiser}}
    ensemble = {"scheme": "heldout", "weights_temperature": 1.0, "combine": "logits"}
    smoke["ensembles"]["pair"] = {"teachers": ["rgb", "second_rgb", "audio"], **ensemble}
    student = {"ensemble": "pair", "input": "audio", "net": "small", "options": {"width": 4}, "tau": 2.0}
    student |= {"kd_weight": 1.0, "ce_weight": 0.0}
    smoke["students"]["hearing"] = {**student, "train": {**train, **optimiser}}
    # its steps are too small to be seen: its weights stay those that it started from
    smoke["students"]["started"] = {**student, "start": "audio", "train": {**train, **optimiser, "lr": 1e-12}}
    smoke["evaluation"] = {"views": [[1, 1], [2, 3]]}
    (path / SMOKE).write_text(yaml.safe_dump(config, sort_keys=False))
    plan = snakemake(path, "-n", "results/tables/smoke.csv")
    snakemake(path, "results/tables/smoke.csv")
    return path, plan


def test_only_the_new_entries_are_trained(extended, folder):
    path, plan = extended
    planned = {line.split()[0] for line in plan.splitlines() if line.startswith(("train_", "bank_"))}
    assert planned == {
        "train_teacher_second_rgb",
        "bank_teacher_second_rgb",
        "train_student_hearing",
        "train_student_started",
    }
    for model in ("baseline_rgb", "omnivore", "student_heldout"):
        name = f"results/models/smoke/{model}/seed0/model.safetensors"
        digests = {hashlib.sha256((root / name).read_bytes()).hexdigest() for root in (path, folder)}
        assert len(digests) == 1, model


def test_the_table_has_a_row_per_model_and_view_setting(extended):
    table = pd.read_csv(extended[0] / "results/tables/smoke.csv")
    assert table.groupby(["clips", "crops"], sort=False).size().to_dict() == {(1, 1): 13, (2, 3): 13}
    assert not table.duplicated(["model", "clips", "crops"]).any()
    rows = table[table["clips"] == 1].set_index("model")
    assert rows.loc["baseline_second_rgb", "input"] == "rgb"
    assert rows.loc["ensemble_pair", "input"] == "rgb+second_rgb+audio"
    assert rows.loc["student_hearing", ["input", "taught_by"]].tolist() == ["audio", "ensemble_pair"]
    assert table["action_nll"].gt(0).all()


def test_a_student_starts_from_the_weights_of_a_teacher(extended):
    started, teacher, other = (
        load_model(extended[0] / f"results/models/smoke/{model}/seed0/model.safetensors")[0].state_dict()
        for model in ("student_started", "baseline_audio", "student_hearing")
    )
    # statistics of batch normalisation follow the data whatever the step size
    weights = [name for name in teacher if "running" not in name and "num_batches" not in name]
    for name in weights:
        torch.testing.assert_close(started[name], teacher[name], rtol=0, atol=1e-6)
    assert any((other[name] - teacher[name]).abs().max() > 0.01 for name in weights)


def test_the_second_teacher_is_another_training_banked_on_the_same_views(extended):
    banks = [
        LogitFile(sorted((extended[0] / f"results/bank/smoke/{teacher}/seed0").glob("*.safetensors")))
        for teacher in ("rgb", "second_rgb")
    ]
    assert banks[0].segment_ids == banks[1].segment_ids and banks[0].views == banks[1].views
    first, second = (bank.logits(bank.segment_ids[0], 0)["verb"] for bank in banks)
    assert not (first == second).all()
