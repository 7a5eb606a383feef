"""After SIGKILL of the workflow, what the documentation says is enough: `--unlock`, then the same command again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from paths import REPOSITORY

# the README's command, without the shell's `uv run`
COMMAND = re.search(
    r"uv run snakemake (--cores all results/tables/epic\.csv)$", (REPOSITORY / "README.md").read_text(), re.M
)
HOLDING = """#!{python}
import os, pathlib, sys, time
if "egokd.steps.evaluate" in sys.argv:
    pathlib.Path("held.{{}}".format(os.getpid())).touch()
    while pathlib.Path("hold").exists():
        time.sleep(0.05)
os.execv("bin/touching", ["bin/touching", *sys.argv[1:]])
"""


@pytest.fixture
def killed(workspace):
    """A workspace whose workflow was killed while its last jobs ran; these have ended since."""
    for name in ("tables", "figures", "metrics"):
        shutil.rmtree(workspace.path / "results" / name)
    bin_python = workspace.path / "bin" / "python"
    bin_python.rename(bin_python.with_name("touching"))
    bin_python.write_text(HOLDING.format(python=sys.executable))
    bin_python.chmod(0o755)
    (workspace.path / "hold").touch()
    environment = {**os.environ, "EGOKD_BIN": str(workspace.path / "bin")}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "results/tables/epic.csv"]
    process = subprocess.Popen(command, cwd=workspace.path, env=environment, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while len(held := list(workspace.path.glob("held.*"))) < 2:
        assert process.poll() is None and time.monotonic() < end, "no job was started"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (workspace.path / "hold").unlink()
    while any(os.path.exists(f"/proc/{path.suffix[1:]}") for path in held):
        assert time.monotonic() < end, "a job did not end"
        time.sleep(0.05)
    return workspace


def test_after_sigkill_of_the_workflow_unlock_and_the_same_command_finish_it(killed):
    assert COMMAND, "the README's first command was not found"
    plain = COMMAND.group(1).split()
    refused = killed.snakemake(*plain, check=False)
    assert "LockException" in refused and "--unlock" in refused  # it says itself what to do
    assert "IncompleteFilesException" not in refused
    unlocked = killed.snakemake("--unlock", "--profile", "workflow/profiles/local")
    assert "workflow/profiles/local and workflow specific profile profiles/default" in unlocked  # both count
    done = killed.snakemake(*plain)
    assert "Nothing to be done" not in done
    assert len(list((killed.path / "results/metrics/epic").rglob("*.json"))) == 9
    assert (killed.path / "results/tables/epic.csv").exists()
