"""The cut-down demo on a real Slurm of one node, which this test starts and stops.

One run through the cluster is disturbed in several ways and must end with the table of the undisturbed local run; a
second one is interrupted. The GPUs are made up: Slurm counts them, PyTorch finds none and computes on the CPU.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from smoke import REPOSITORY, SMOKE, copy_workflow, environment

SCRIPTS = REPOSITORY / "tests" / "slurm"
TABLE = "results/tables/epic.csv"
GPUS = 2
pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def slurm():
    """A running Slurm; nothing of it is left afterwards."""
    if os.geteuid() != 0:
        pytest.skip("starting a Slurm needs root")
    if not (shutil.which("slurmctld") or shutil.which("apt-get")):
        pytest.skip("neither Slurm nor apt-get to install it")
    path = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: it holds a socket, whose path may have 107 characters
    try:
        started = subprocess.run([SCRIPTS / "up.sh", path, str(GPUS)], capture_output=True, text=True, timeout=600)
        if "Unable to locate package" in started.stderr or "Temporary failure resolving" in started.stderr:
            pytest.skip("Debian's Slurm packages cannot be installed here")
        assert started.returncode == 0, started.stdout[-2000:] + started.stderr[-4000:]
        os.environ["SLURM_CONF"] = str(path / "slurm.conf")
        yield path
    finally:
        subprocess.run([SCRIPTS / "down.sh", path], timeout=120, check=True)
        os.environ.pop("SLURM_CONF", None)
        assert not path.exists()


class Run:
    """Snakemake submitting to the cluster from `folder`, with faults on request."""

    def __init__(self, folder: Path):
        self.folder, self.faults = folder, folder / "faults"
        self.faults.mkdir()
        shutil.copy(SCRIPTS / "slow_train.py", self.faults)
        self.process: subprocess.Popen | None = None
        self.output = folder / "snakemake.out"
        self.state = folder / "results/state/epic/baseline_rgb/seed0/last.pt"

    def fault(self, name: str) -> None:
        (self.faults / name).touch()

    def start(self, *arguments: str) -> None:
        variables = environment(self.folder)
        variables["PATH"] = f"{SCRIPTS / 'bin'}:{variables['PATH']}"
        variables |= {"FAULTS": str(self.faults), "REAL_PYTHON": sys.executable, "SLOW_STEP_S": "4"}
        profiles = ["--profile", "workflow/profiles/slurm", "--profile", str(SCRIPTS / "profile")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", TABLE, *profiles, "--configfile", SMOKE, *arguments],
            cwd=self.folder,
            env=variables,
            stdout=self.output.open("a"),
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        return self.output.read_text()

    def wait(self, seconds: float) -> int:
        return self.process.wait(timeout=seconds)

    def until(self, condition, what: str, seconds: float = 900):
        """Poll until `condition` gives something; returns it."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, f"snakemake ended before {what}: {self.said()[-4000:]}"
            assert time.monotonic() < end, f"{what}: not within {seconds} s: {self.said()[-4000:]}"
            time.sleep(0.3)
        return found

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=60)
            self.process.kill()


@pytest.fixture(scope="module")
def run(slurm, folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("cluster") / "work"
    copy_workflow(path, folder)  # what the local run used, whatever has been edited meanwhile
    run = Run(path)
    yield run
    run.end()


def queue() -> list[dict[str, str]]:
    """The jobs Slurm knows, finished ones too; `rule` is the comment that Snakemake's plugin gives them."""
    columns = {
        "id": "JobID:12",
        "state": "State:16",
        "reason": "Reason:32",
        "gpus": "tres-per-job:40",
        "rule": "Comment:200",
    }
    form = ",".join(f"{column}|" for column in columns.values())
    command = ["squeue", "--noheader", "--states=all", "--Format", form]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    rows = [[cell.strip() for cell in line.split("|")] for line in shown.splitlines() if line.strip()]
    return [dict(zip(columns, row, strict=False)) for row in rows]


def running(rule: str) -> str | None:
    """Id of the running job of a rule."""
    return next((job["id"] for job in queue() if rule in job["rule"] and job["state"] == "RUNNING"), None)


def log_of(run: Run, rule: str) -> str:
    path = run.folder / f"results/logs/{rule}/epic/seed0.log"
    return path.read_text() if path.exists() else ""


def test_a_disturbed_run_ends_with_the_table_of_the_local_run(run, folder):
    run.fault("fail_obj")
    run.fault("slow_rgb")
    run.start()
    waited = []

    def saved_meanwhile_counting_gpus() -> bool:
        jobs = [job for job in queue() if "gpu" in job["gpus"]]
        assert sum(job["state"] == "RUNNING" for job in jobs) <= GPUS
        # the made-up node has processors and memory to spare: it is a GPU that is missing
        waited.extend(job for job in jobs if job["state"] == "PENDING" and job["reason"] in ("Resources", "Priority"))
        return run.state.exists()

    run.until(saved_meanwhile_counting_gpus, "the first epoch of the RGB teacher is saved")
    assert waited, f"no job waited for one of {GPUS} GPUs: {queue()}"
    job = running("train_teacher_rgb")
    subprocess.run(["scancel", job], check=True, timeout=30)
    run.until(lambda: "going on after step" in log_of(run, "train_teacher_rgb"), "the killed training goes on")
    assert run.wait(1800) == 0, run.said()[-6000:]

    killed = run.folder / f"results/logs/slurm/rule_train_teacher_rgb/epic_0/{job}.log"
    assert "the state is saved" in killed.read_text()
    assert (run.faults / "fail_obj.done").exists()
    assert "Trying to restart job" in run.said()
    local, cluster = (pd.read_csv(path / TABLE).drop(columns="clips_per_s") for path in (folder, run.folder))
    pd.testing.assert_frame_equal(cluster, local, check_exact=True)


def test_a_requeued_job_goes_on_and_ctrl_c_cancels_what_was_submitted(run):
    if not (run.folder / TABLE).exists():
        pytest.skip("the run before this one failed")
    run.start("--forcerun", "train_teacher_rgb", "--until", "train_teacher_rgb")
    first = run.until(lambda: running("train_teacher_rgb"), "the RGB teacher runs again")
    run.until(run.state.exists, "its first epoch is saved")
    subprocess.run(["scontrol", "requeue", first], check=True, timeout=30)
    run.until(lambda: "going on after step" in log_of(run, "train_teacher_rgb"), "the requeued job goes on")
    assert running("train_teacher_rgb") == first

    run.process.send_signal(signal.SIGINT)
    assert run.wait(60) != 0
    end = time.monotonic() + 60
    while any(job["state"] in ("RUNNING", "PENDING", "COMPLETING") for job in queue()):
        assert time.monotonic() < end, queue()
        time.sleep(0.5)
    assert next(job["state"] for job in queue() if job["id"] == first) == "CANCELLED"
