"""The cut-down demo on a real Slurm of one node, which this test starts and stops.

One run through the cluster is disturbed in several ways and must end with the table of the undisturbed local run;
another is requeued and interrupted. The GPUs are made up: Slurm counts them, and everything computes on the CPU.
"""

import contextlib
import fcntl
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

from paths import REPOSITORY
from smoke import SMOKE, copy_workflow, environment

SCRIPTS = REPOSITORY / "tests" / "slurm"
TABLE = "results/tables/smoke.csv"
GPUS = 2
CANNOT = 77  # exit code of up.sh
RESUMED = "resuming after step"
SAVED = "the state is saved"
pytestmark = pytest.mark.slurm


def processes_of(path: Path) -> list[str]:
    """Command lines of running processes that name `path`, and those of jobs."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            line = process.read_text().replace("\0", " ")
            if str(path) in line or line.startswith("slurmstepd"):
                found.append(line)
    return found


@pytest.fixture(scope="module")
def slurm():
    """A running Slurm; nothing of it but Debian's packages is left afterwards."""
    if os.geteuid() != 0:
        pytest.skip("starting a Slurm needs root")
    path = Path(tempfile.mkdtemp(prefix="egokd-slurm-"))  # short: a socket's path may have 107 characters
    # one at a time on this machine; a locked folder leaves no file behind
    turn = os.open("/etc", os.O_RDONLY)
    fcntl.flock(turn, fcntl.LOCK_EX)
    try:
        started = subprocess.run([SCRIPTS / "up.sh", path, str(GPUS)], capture_output=True, text=True, timeout=900)
        if started.returncode == CANNOT:
            pytest.skip(started.stderr[-500:])
        assert started.returncode == 0, started.stdout[-2000:] + started.stderr[-4000:]
        os.environ["SLURM_CONF"] = str(path / "slurm.conf")
        yield path
    finally:
        subprocess.run([SCRIPTS / "down.sh", path], timeout=120, check=True)
        os.environ.pop("SLURM_CONF", None)
        os.close(turn)
    assert not path.exists()
    assert not [name for name in ("slurm.conf", "gres.conf") if os.path.lexists(f"/etc/slurm/{name}")]
    assert not processes_of(path)


class Run:
    """Snakemake submitting to the cluster from `folder`, with faults on request."""

    def __init__(self, folder: Path):
        self.folder, self.faults = folder, folder / "faults"
        self.faults.mkdir()
        self.process: subprocess.Popen | None = None
        self.output, self.polled = folder / "snakemake.out", folder / "polled"
        self.state = folder / "results/state/smoke/baseline_rgb/seed0/last.pt"

    def fault(self, name: str) -> None:
        (self.faults / name).touch()

    def start(self, *arguments: str, poll_s: float = 1) -> None:
        variables = environment(self.folder)
        variables["EGOKD_BIN"] = str(SCRIPTS / "bin")
        variables |= {"FAULTS": str(self.faults), "REAL_PYTHON": sys.executable, "HELD": str(SCRIPTS / "held_train.py")}
        variables |= {"POLLED": str(self.polled), "POLL_S": str(poll_s)}
        profiles = ["--profile", "workflow/profiles/slurm", "--profile", str(SCRIPTS / "profile")]
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPTS / "polling.py"), TABLE, *profiles, "--configfile", SMOKE, *arguments],
            cwd=self.folder,
            env=variables,
            stdout=self.output.open("a"),
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        return self.output.read_text()

    def wait(self, seconds: float) -> int:
        return self.process.wait(timeout=seconds)

    def until(self, condition, what: str, seconds: float = 600):
        """Poll until `condition` gives something; returns it."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, f"snakemake ended before {what}: {self.said()[-4000:]}"
            assert time.monotonic() < end, f"{what}: not within {seconds} s: {queue()} {self.said()[-4000:]}"
            time.sleep(0.25)
        return found

    def log(self, rule: str) -> str:
        """What the latest try of a training said."""
        path = self.folder / f"results/logs/{rule}/smoke/seed0.log"
        return path.read_text() if path.exists() else ""

    def slurm_log(self, job: str) -> str:
        return (self.folder / f"results/logs/slurm/rule_train_teacher_rgb/smoke_0/{job}.log").read_text()

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)
            self.process.kill()


@pytest.fixture
def run(slurm, tmp_path):
    """To be started in a folder that the test makes there."""
    runs = []

    def make(folder: Path) -> Run:
        runs.append(Run(folder))
        return runs[-1]

    yield make
    for run in runs:
        run.end()


def queue() -> list[dict[str, str]]:
    """The jobs Slurm knows, finished ones too; `rule` is the comment that Snakemake's plugin gives them."""
    columns = {
        "id": "JobID:12",
        "state": "State:16",
        "reason": "Reason:32",
        "gpus": "tres-per-job:40",
        "cpus": "NumCPUs:8",
        "limit": "TimeLimit:16",
        "rule": "Comment:200",
    }
    form = ",".join(f"{column}|" for column in columns.values())
    command = ["squeue", "--noheader", "--states=all", "--sort=i", "--Format", form]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    rows = [[cell.strip() for cell in line.split("|")] for line in shown.splitlines() if line.strip()]
    return [dict(zip(columns, row, strict=False)) for row in rows]


def tries(rule: str) -> list[tuple[str, str]]:
    """State and time limit of the jobs of a rule, in the order of submission."""
    return [(job["state"], job["limit"]) for job in queue() if rule in job["rule"]]


def running(rule: str) -> str | None:
    """Id of the running job of a rule."""
    return next((job["id"] for job in queue() if rule in job["rule"] and job["state"] == "RUNNING"), None)


def state_and_reason(job: str) -> tuple[str, str]:
    return next((row["state"], row["reason"]) for row in queue() if row["id"] == job)


def control(*arguments: str) -> None:
    subprocess.run(arguments, check=True, timeout=30)


def test_a_disturbed_run_ends_with_the_table_of_the_local_run(run, folder, tmp_path):
    copy_workflow(tmp_path / "work", folder)  # what the local run used, whatever has been edited meanwhile
    run = run(tmp_path / "work")
    run.fault("fail_obj")
    run.fault("hold_rgb")
    run.start()
    waited = set()

    def saved_after_jobs_waited() -> bool:
        jobs = [job for job in queue() if "gpu" in job["gpus"]]
        taken = sum(int(job["gpus"].rsplit(":")[-1]) for job in jobs if job["state"] == "RUNNING")
        assert taken <= GPUS
        if taken == GPUS:
            # the made-up node has processors and memory to spare: it is a GPU that is missing
            reasons = ("Resources", "Priority")
            waited.update(job["id"] for job in jobs if job["state"] == "PENDING" and job["reason"] in reasons)
        return bool(waited) and run.state.exists()

    run.until(saved_after_jobs_waited, f"jobs wait for one of {GPUS} GPUs, and the RGB teacher has saved an epoch")
    job = running("train_teacher_rgb")
    control("scancel", job)
    run.until(lambda: RESUMED in run.log("train_teacher_rgb"), "the killed training goes on")
    (run.faults / "hold_rgb").unlink()
    assert run.wait(900) == 0, run.said()[-6000:]

    assert SAVED in run.slurm_log(job)
    # a retry is given more time
    assert tries("train_teacher_rgb") == [("CANCELLED", "10:00"), ("COMPLETED", "20:00")]
    assert tries("train_teacher_obj") == [("FAILED", "10:00"), ("COMPLETED", "20:00")]
    # two jobs of ten minutes went as one, to run one after the other
    assert [(job["cpus"], job["limit"]) for job in queue() if "_sound_" in job["rule"]] == [("1", "20:00")]
    assert [state for state, _ in tries("")].count("COMPLETED") == len(queue()) - 2
    local, cluster = (pd.read_csv(path / TABLE).drop(columns="clips_per_s") for path in (folder, run.folder))
    pd.testing.assert_frame_equal(cluster, local, check_exact=True)


def test_a_requeued_job_goes_on_and_ctrl_c_cancels_what_was_submitted(run, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "work")
    run = run(tmp_path / "work")
    assert not run.state.exists()
    run.fault("hold_rgb")
    run.start("--forcerun", "train_teacher_rgb", "--until", "train_teacher_rgb", poll_s=3)
    job = run.until(lambda: running("train_teacher_rgb"), "the RGB teacher runs again")
    run.until(run.state.exists, "its first epoch is saved")
    control("scontrol", "requeue", job)
    run.until(lambda: state_and_reason(job) == ("PENDING", "BeginTime"), "Slurm has put the job back")
    assert SAVED in run.log("train_teacher_rgb")
    control("scontrol", "update", f"JobId={job}", "StartTime=now")  # else in two minutes
    run.until(lambda: RESUMED in run.log("train_teacher_rgb"), "the requeued job goes on")
    assert running("train_teacher_rgb") == job

    # during a look at its jobs, the plugin has none to cancel: Ctrl-C comes right after one
    run.polled.unlink(missing_ok=True)
    run.until(run.polled.exists, "Snakemake looks at its jobs")
    run.process.send_signal(signal.SIGINT)
    assert run.wait(60) != 0
    end = time.monotonic() + 60
    while state_and_reason(job)[0] != "CANCELLED":
        assert time.monotonic() < end, queue()
        time.sleep(0.1)
    assert SAVED in run.log("train_teacher_rgb")
    assert run.state.exists()
