"""One training on several GPUs, made up on the CPU: the step starts itself with torchrun, and its processes agree."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.models.build import build_model
from egokd.planning import slices
from egokd.planning.recipes import resolve
from smoke import SMOKE


@pytest.fixture(scope="module")
def settings(folder):
    """Of the RGB teacher of the cut-down demo, without dropout: its random numbers differ between processes."""
    resolved = resolve(yaml.safe_load((folder / SMOKE).read_text()), folder / "workflow" / "recipes")
    experiment = validate(Config, resolved, SMOKE).datasets["smoke"]
    values = json.loads(slices.train_settings(experiment, "baseline_rgb"))
    values["options"]["dropout"] = 0.0
    return values


def command(folder: Path, settings: dict, out: Path, gpus: int) -> list[str]:
    data = folder / "results/data/smoke"
    stores = ",".join(sorted(map(str, (data / "rgb").glob("*.arrow"))))
    return [
        *(
            sys.executable,
            "-m",
            "egokd.steps.train",
            "--name",
            "rgb",
            "--input",
            "rgb",
            "--seed",
            "3",
            "--gpus",
            str(gpus),
        ),
        *("--segments", str(data / "segments.parquet"), "--skipped", str(data / "skipped.csv"), "--threads", "2"),
        *("--stores", f"rgb={stores}", "--settings", json.dumps(settings)),
        *(
            "--state",
            str(out / "state"),
            "--out",
            str(out / "model.safetensors"),
            "--history",
            str(out / "history.csv"),
        ),
    ]


def start(*arguments) -> subprocess.Popen:
    environment = {**os.environ, "EGOKD_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command(*arguments), env=environment, stderr=subprocess.PIPE, text=True)


def ranks_of(process: subprocess.Popen) -> list[int]:
    """Process ids of the ranks: children of torchrun, which is the step's child."""

    def children(pid: int) -> list[int]:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    return [rank for launcher in children(process.pid) for rank in children(launcher)]


def wait_for_training(process: subprocess.Popen, state: Path) -> None:
    end = time.monotonic() + 300
    while not (state / "last.pt").exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()[1]
        time.sleep(0.02)


def test_two_processes_give_the_losses_and_weights_of_one(folder, settings, tmp_path):
    for gpus in (1, 2):
        process = start(folder, settings, tmp_path / str(gpus), gpus)
        _, log = process.communicate(timeout=600)
        assert process.returncode == 0, log
    assert "starting 2 processes" in log and log.count("step") == 1  # one of them speaks
    losses = [pd.read_csv(tmp_path / str(gpus) / "history.csv")["loss"] for gpus in (1, 2)]
    assert losses[1].tolist() == pytest.approx(losses[0].tolist(), rel=1e-4)
    one, two = (load_file(tmp_path / str(gpus) / "model.safetensors") for gpus in (1, 2))
    description = json.loads((tmp_path / "1" / "config.json").read_text())
    torch.manual_seed(3)
    build = {key: description[key] for key in ("net", "modality", "heads", "num_frames", "size")}
    first = dict(build_model(**build, **description["options"]).named_parameters())
    assert one.keys() == two.keys() and first.keys() <= one.keys()
    one, two, first = (torch.cat([weights[name].flatten() for name in sorted(first)]) for weights in (one, two, first))
    # all together, against the way that training went: where a gradient is next to nothing, Adam turns its
    # rounding into a step of full size, and how often that happens depends on the processor
    assert (two - one).norm() < 0.2 * (one - first).norm()


def test_stopped_goes_on_and_a_dead_rank_ends_the_job(folder, settings, tmp_path):
    long = settings | {"train": settings["train"] | {"epochs": 400}}
    process = start(folder, long, tmp_path, 2)
    wait_for_training(process, tmp_path / "state")
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 75, log
    assert log.count("the state is saved") >= 1
    assert not (tmp_path / "model.safetensors").exists()

    process = start(folder, long, tmp_path, 2)
    end = time.monotonic() + 300
    while len(ranks := ranks_of(process)) < 2:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    os.kill(ranks[1], signal.SIGKILL)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "one of the 2 processes failed" in log and "Signal 9 (SIGKILL)" in log
    assert not (tmp_path / "model.safetensors").exists()


def test_more_gpus_than_there_are_is_one_sentence(folder, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.delenv("EGOKD_DEVICE", raising=False)
    done = subprocess.run(command(folder, settings, tmp_path, 2), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert errors and "asks for 2 GPUs and there are 1 here" in errors[0] and "Traceback" not in done.stderr
