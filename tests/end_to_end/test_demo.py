"""The cut-down demo through the whole workflow, for real: videos, stores, teachers, bank, student, table, figures.

Its numbers mean nothing (a few segments, two epochs); what is tested is that every step runs on what the step before it
wrote, that outputs are complete, and that a killed training ends as if nothing had happened.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.datasets.segments import read_segments
from egokd.io import read_json
from egokd.models.build import load_model
from egokd.planning import models, slices
from egokd.planning.recipes import resolve
from egokd.planning.resources import need
from smoke import SMOKE, snakemake


@pytest.fixture(scope="module")
def experiment(folder):
    values = resolve(yaml.safe_load((folder / SMOKE).read_text()), folder / "workflow" / "recipes")
    return validate(Config, values, SMOKE).datasets["smoke"]


def test_table_has_every_row_and_says_where_it_comes_from(folder, experiment):
    table = pd.read_csv(folder / "results/tables/smoke.csv")
    assert table["model"].tolist() == models.reported(experiment)
    assert set(table["source"]) == {"demo"}
    assert table["action_top1"].between(0, 100).all()
    assert table["action_nll"].gt(0).all()
    assert {"unseen_action_top1", "tail_action_action_top1", "verb_ece", "noun_brier"} <= set(table.columns)
    assert (
        table["segments"]
        == (read_segments(folder / "results/data/smoke/segments.parquet").table["split"] == "val").sum()
    ).all()
    assert "**demo**" in (folder / "results/tables/smoke.md").read_text()


def test_figures_come_with_the_table(folder):
    for name in ("reliability", "accuracy", "ensemble_weights", "training"):
        assert (folder / f"results/figures/smoke/{name}.png").stat().st_size > 10_000
        assert "</svg>" in (folder / f"results/figures/smoke/{name}.svg").read_text()


def test_silent_segments_are_missing_in_audio_only(folder):
    metrics = {m: read_json(folder / f"results/metrics/smoke/baseline_{m}/seed0/1x1.json") for m in ("rgb", "audio")}
    assert metrics["rgb"]["segments"] == metrics["audio"]["segments"]
    assert metrics["rgb"]["without_modality"] == 0 < metrics["audio"]["without_modality"]


def test_student_is_the_net_of_the_baseline(folder):
    models = [
        load_model(folder / f"results/models/smoke/{m}/seed0/model.safetensors")
        for m in ("baseline_rgb", "student_heldout")
    ]
    shapes = [{name: t.shape for name, t in model.state_dict().items()} for model, _ in models]
    assert shapes[0] == shapes[1]


def asked_mb(rule: str, path: Path, experiment) -> int:
    """The memory that a job asked for, told from its rule and the path of its benchmark."""
    step, _, name = rule.partition("_teacher_")
    if name:
        return need(step, experiment, f"baseline_{name}").mem_mb
    for prefix in ("train", "predict"):
        if rule.startswith(prefix):
            model = rule.removeprefix("train_") if prefix == "train" else path.parts[2]
            return need(prefix, experiment, model).mem_mb
    return need("plot" if rule.startswith("plot_") else rule, experiment).mem_mb


def test_no_job_held_more_memory_than_it_asked_for(folder, experiment):
    benchmarks = folder / "results/benchmarks"
    peaks = {}
    for path in benchmarks.rglob("*.tsv"):
        rule = path.relative_to(benchmarks).parts[0]
        # of all its processes together, in MB; "-" for a job that ended before it was looked at
        peak = float(pd.to_numeric(pd.read_csv(path, sep="\t")["max_rss"], errors="coerce").iloc[0])
        peaks[str(path)] = peak, asked_mb(rule, path.relative_to(benchmarks), experiment)
    assert len(peaks) >= 50 and max(peak for peak, _ in peaks.values()) > 300
    assert {path: pair for path, pair in peaks.items() if pair[0] > pair[1]} == {}


def test_second_run_does_nothing(folder):
    assert "Nothing to be done" in snakemake(folder, "-n", "results/tables/smoke.csv")


def test_killed_training_ends_with_the_same_bytes(folder, experiment, tmp_path):
    data = folder / "results/data/smoke"
    settings = json.loads(slices.train_settings(experiment, "baseline_rgb"))
    settings["train"]["epochs"] = 6

    def command(name: str) -> list[str]:
        out = tmp_path / name
        stores = "rgb=" + ",".join(sorted(map(str, (data / "rgb").glob("*.arrow"))))
        return [
            *(
                sys.executable,
                "-m",
                "egokd.steps.train",
                "--name",
                name,
                "--input",
                "rgb",
                "--seed",
                "3",
                "--threads",
                "1",
            ),
            *("--segments", str(data / "segments.parquet"), "--skipped", str(data / "skipped.csv"), "--stores", stores),
            *("--settings", json.dumps(settings), "--state", str(out / "state")),
            *("--out", str(out / "model.safetensors"), "--history", str(out / "history.csv")),
        ]

    subprocess.run(command("straight"), check=True, capture_output=True, timeout=300)
    process = subprocess.Popen(command("killed"), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "killed/state/last.pt").exists():
        assert time.monotonic() < deadline, "no training state was written"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed/model.safetensors").exists(), "killed too late to test anything"

    again = subprocess.run(command("killed"), check=True, capture_output=True, text=True, timeout=300)
    assert "resuming after step" in again.stderr
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("straight", "killed")]
    assert models[0] == models[1]
    losses = [pd.read_csv(tmp_path / name / "history.csv")["loss"].tolist() for name in ("straight", "killed")]
    assert losses[0] == losses[1]
