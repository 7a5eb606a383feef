"""A dry run of the real workflow, as a step: dry_run.py FOLDER CONFIG."""

import os
import subprocess
import sys

from egokd.errors import UserError


def main(arguments: list[str]) -> None:
    """Plan all of CONFIG in FOLDER. UserError with what Snakemake says, unless that is a traceback."""
    folder, config = arguments
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all", "--configfile", config, "--cores", "1"]
    environment = {**os.environ, "PYTHONPATH": f"{folder}/src", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    said = (done.stdout + done.stderr).strip()
    if "Traceback (most recent call last)" in said or (done.returncode and "WorkflowError" not in said):
        raise RuntimeError(said[-1200:])
    if done.returncode:
        raise UserError(" ".join(said.split()))
