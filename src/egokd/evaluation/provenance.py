"""Where the numbers of a table come from: config, code, software, machines and data, as they were when it was made.

Nothing in it names a person: paths below the home folder begin with `~`, and neither user nor host is recorded.
"""

import datetime
import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from egokd.io import read_json
from egokd.machine.hardware import cpu_name, gpu_names

PACKAGES = ("torch", "torchaudio", "timm", "decord", "av", "numpy", "egokd")


def provenance(call: dict[str, Any], metrics: Iterable[Mapping[str, Any]], models: Path) -> dict[str, Any]:
    """The side file of a table.

    call     what `egokd.planning.provenance` wrote when the jobs were started; {} where a step is run by hand
    metrics  of all models of the table
    models   folder of the dataset's models
    """
    found = [(entry["model"], entry["seed"]) for entry in metrics]
    root = call.get("root")
    return {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seeds": sorted({seed for _, seed in found}),
        "code": call.get("code"),
        "versions": {**call.get("versions", {}), **versions()},
        "machine": {"cpu": cpu_name(), "gpus": gpu_names(), "system": f"{platform.system()} {platform.machine()}"},
        "trainings": trainings(dict.fromkeys(found), models),
        "data": {
            "source": next(iter(metrics))["source"],
            "root": without_home(root),
            "annotations": annotation_digests(Path(root), call["annotations"]) if root else None,
        },
        "config": without_home(call.get("config")),
    }


def versions() -> dict[str, str | None]:
    """Installed versions of what the numbers depend on; None for a package that is not there."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def trainings(wanted: Iterable[tuple[str, int]], models: Path) -> dict[str, Any]:
    """{model/seed: what it was trained with}, from its config.json; None for nets that were not trained here."""
    files = {(model, seed): models / model / f"seed{seed}" / "config.json" for model, seed in wanted}
    return {
        f"{model}/seed{seed}": read_json(file).get("trained_with")
        for (model, seed), file in files.items()
        if file.exists()
    }


def annotation_digests(root: Path, patterns: Iterable[str]) -> dict[str, dict[str, Any]]:
    """SHA-256 and size in bytes of the annotation files below `root`, by their path there."""
    files = sorted({file for pattern in patterns for file in root.glob(pattern) if file.is_file()})
    found = {}
    for file in files:
        with file.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        found[file.relative_to(root).as_posix()] = {"sha256": sha256, "bytes": file.stat().st_size}
    return found


def without_home(value: Any) -> Any:
    """`value` with the home folder as `~` in every text inside."""
    if isinstance(value, dict):
        return {key: without_home(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_home(inner) for inner in value]
    home = str(Path.home())
    if isinstance(value, str) and home != "/" and (value == home or value.startswith(home + "/")):
        return "~" + value[len(home) :]
    return value
