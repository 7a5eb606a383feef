"""Which predictions the table compares with each other: a student's and its baseline's with those of their teacher."""

from collections.abc import Sequence
from typing import Any

from egokd.names import BASELINE_PREFIX, ENSEMBLE_PREFIX, RGB_BASELINE, student_of
from egokd.planning import models
from egokd.planning.paths import Paths, seed_files

ROLES = ("teacher", "own", "untaught")


def followed(paths: Paths, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """For every student and seed its name and the files that hold the first view setting of three: `teacher` (the
    ensemble), `own` (the student) and `untaught` (the baseline with the student's input)."""
    experiment = paths.experiment
    rows = models.table_rows(experiment)
    baselines = {row["input"]: row["model"] for row in reversed(rows) if row["model"].startswith(BASELINE_PREFIX)}
    entries = []
    for row in rows:
        if not student_of(row["model"]):
            continue
        names = {
            "teacher": row["taught_by"],
            "own": row["model"],
            "untaught": baselines.get(row["input"], RGB_BASELINE),
        }
        for seed in seeds:
            files = {role: paths.evaluated(name, seed, experiment.evaluation.views[0]) for role, name in names.items()}
            entries.append({"student": row["model"], "seed": seed, **files})
    return entries


def followed_files(paths: Paths, seeds: Sequence[int]) -> list[str]:
    """All files of `followed`, each once."""
    found = [
        path for entry in followed(paths, seeds) for role in ("teacher", "own", "untaught") for path in entry[role]
    ]
    return list(dict.fromkeys(found))


def ensemble_files(paths: Paths, seeds: Sequence[int]) -> dict[str, list[str]]:
    """The weights of every ensemble, one file per seed, by the ensemble's name in the table."""
    pattern = f"results/ensembles/{paths.name}/{{name}}/seed{{seed}}.json"
    return {ENSEMBLE_PREFIX + name: seed_files(pattern, [name], seeds) for name in paths.experiment.ensembles}
