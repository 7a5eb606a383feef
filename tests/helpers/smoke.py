"""The cut-down demo in a folder of its own: what the end-to-end tests have in common."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from egokd.machine.gpus import CPU_ONLY, installed_gpus
from paths import REPOSITORY

PARTS = ("Snakefile", "config.yaml", "profiles", "workflow", "src", "envs")
SMOKE = "workflow/configs/smoke.yaml"


def copy_workflow(path: Path, source_root: Path = REPOSITORY) -> None:
    """All that a run needs, without results."""
    path.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = source_root / part
        if source.is_dir():
            shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, path / part)


def environment(folder: Path) -> dict[str, str]:
    """Of a run in `folder`: its own sources come first on the path, and all runs compute alike, on the CPU."""
    paths = {"PYTHONPATH": str(folder / "src"), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return {**os.environ, **paths, **({CPU_ONLY: "cpu"} if installed_gpus() else {})}


def snakemake(folder: Path, *arguments: str, config: str = SMOKE) -> str:
    """Run the workflow in `folder` on this machine; returns what it said."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--configfile", config]
    done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout + done.stderr
