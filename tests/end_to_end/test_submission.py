"""A test split without labels that arrives after everything is trained: it is extracted, run and submitted alone."""

import json
import re
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

from egokd.distillation.logit_files import LogitFile
from smoke import SMOKE, snakemake

TARGET = "results/submissions/smoke/student_heldout/seed0.zip"
LABELS = ["narration", "verb", "verb_class", "noun", "noun_class", "all_nouns", "all_noun_classes"]


@pytest.fixture(scope="module")
def arrived(folder, tmp_path_factory):
    """A copy of the finished run whose validation rows are there again as test rows, without their labels."""
    path = tmp_path_factory.mktemp("test_split") / "work"
    shutil.copytree(folder, path, symlinks=True)
    root = path / "results/demo/smoke"
    (val,) = root.rglob("EPIC_100_validation.csv")
    rows = pd.read_csv(val, dtype=str).drop(columns=LABELS, errors="ignore")
    rows["narration_id"] = "test_" + rows["narration_id"]
    rows.to_csv(val.with_name("EPIC_100_test_timestamps.csv"), index=False)
    unseen = val.with_name("EPIC_100_unseen_participant_ids_validation.csv")
    shutil.copy(unseen, val.with_name("EPIC_100_unseen_participant_ids_test.csv"))
    config = yaml.safe_load((path / SMOKE).read_text())
    config["datasets"]["smoke"]["evaluation"] = {"submission": {"sls_pt": 0, "sls_tl": 3, "sls_td": 3}}
    (path / "submission.yaml").write_text(yaml.safe_dump(config))
    return path


def test_the_table_needs_nothing_of_a_test_split_that_arrived(arrived):
    said = snakemake(arrived, "-n", "results/tables/smoke.csv", config="submission.yaml")
    assert "Nothing to be done" in said


def test_a_submission_extracts_the_test_split_and_scores_it_as_validation(arrived):
    jobs = snakemake(arrived, "-n", TARGET, config="submission.yaml").split("Job stats:")[1].split("\n\n")[0]
    planned = dict(re.findall(r"^(\w+)\s+(\d+)$", jobs, re.M))
    extraction = {f"extract_{name}" for name in ("frames", "audio", "objects")}
    assert set(planned) - {"total"} == {
        "index_segments", *extraction, "collect_skipped", "index_stores", "predict", "submission",
    }  # fmt: skip
    snakemake(arrived, TARGET, config="submission.yaml")
    with zipfile.ZipFile(arrived / TARGET) as archive:
        results = json.loads(archive.read("test.json"))["results"]
    stored = LogitFile([arrived / "results/predictions/smoke/student_heldout/seed0/val-1x1.safetensors"])
    assert list(results) == [f"test_{name}" for name in stored.segment_ids]
    for head, logits in stored.all_logits(stored.segment_ids).items():
        scores = np.array([list(results[f"test_{name}"][head].values()) for name in stored.segment_ids])
        np.testing.assert_allclose(scores, logits.mean(1), atol=6e-5)  # written with four decimals
    assert "Nothing to be done" in snakemake(arrived, "-n", "results/tables/smoke.csv", config="submission.yaml")
