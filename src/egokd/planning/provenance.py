"""What a call of the workflow ran with: the config as it was resolved, and the state of the code.

The Snakefile writes it when jobs are about to start (`results/calls/{dataset}.json`). It is neither an input nor a
parameter of any job, so a commit never runs anything again; the table copies from it when it is made.
"""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from egokd.config.experiment import Config
from egokd.datasets.formats import FORMATS
from egokd.io import write_json
from egokd.planning.code import PACKAGE, SOURCE_ROOT, meaning_of
from egokd.planning.paths import Paths


@cache
def package_digest() -> str:
    """A digest of what the code of the whole package means: comments and layout do not change it."""
    files = sorted((SOURCE_ROOT / PACKAGE).rglob("*.py"))
    lines = [f"{path.relative_to(SOURCE_ROOT).as_posix()} {meaning_of(path)}" for path in files]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it is not installed, or refuses."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit_of(folder: Path) -> dict[str, Any]:
    """The git commit of the code in `folder`, and whether files differ from it; both None without git.

    A copy of the code that lies inside another repository, and is not part of it, has no commit.
    """
    if _git(folder, "ls-files", "--error-unmatch", "Snakefile") is None:
        return {"commit": None, "modified": None}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"commit": _git(folder, "rev-parse", "HEAD"), "modified": None if changed is None else bool(changed)}


def write_calls(config: Config, datasets: dict[str, Paths], folder: Path, snakemake: str) -> None:
    """Write what this call runs with, one file per dataset. `folder` holds the Snakefile."""
    code = {"digest": package_digest(), **commit_of(folder)}
    for name, paths in datasets.items():
        entry = {
            "config": {"seeds": config.seeds, "datasets": {name: paths.experiment.model_dump(mode="json")}},
            "code": code,
            "versions": {"python": sys.version.split()[0], "snakemake": snakemake},
            "root": paths.root,
            "annotations": list(FORMATS[paths.experiment.data.format].annotations),
        }
        write_json(f"results/calls/{name}.json", entry)
