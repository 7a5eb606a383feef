"""What jobs took, from the benchmark files that Snakemake writes: `{rule}/{dataset}.tsv`, `{rule}/{dataset}/....tsv`.

A job that was stopped and went on has the time of its last attempt only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from egokd.names import ensemble_of, student_of, teacher_of

COLUMNS = {"s": "hours", "cpu_time": "cpu_hours", "max_rss": "peak_memory_mb"}


def read_benchmarks(folder: Path, dataset: str) -> pd.DataFrame:
    """One row per finished job of the dataset: rule, rest of the path without `.tsv`, hours, cpu_hours, peak memory.

    A number that Snakemake could not measure (a job of a moment) is missing.
    """
    records = []
    for rule in sorted(folder.glob("*")):
        own = [rule / f"{dataset}.tsv", *sorted((rule / dataset).rglob("*.tsv"))]
        for path in (path for path in own if path.is_file()):
            row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
            values = {name: pd.to_numeric(row.get(key), errors="coerce") for key, name in COLUMNS.items()}
            rest = path.relative_to(rule).with_suffix("").as_posix().partition("/")[2]
            records.append({"rule": rule.name, "rest": rest, **values})
    jobs = pd.DataFrame(records, columns=["rule", "rest", *COLUMNS.values()])
    jobs[["hours", "cpu_hours"]] /= 3600
    return jobs


def by_stage(jobs: pd.DataFrame) -> pd.DataFrame:
    """One row per rule: number of jobs, hours and CPU hours of all, largest peak memory; the costliest first."""
    groups = jobs.groupby("rule")
    stages = groups.agg(jobs=("rest", "size"), peak_memory_mb=("peak_memory_mb", "max"))
    sums = groups[["hours", "cpu_hours"]].sum(min_count=1)
    return stages.join(sums)[["jobs", "hours", "cpu_hours", "peak_memory_mb"]].sort_values("hours", ascending=False)


def _sum(jobs: pd.DataFrame, rule: str, start: str, seeds: int) -> pd.Series:
    """Hours and CPU hours per seed of the jobs of a rule whose path begins with `start`; missing where none is."""
    chosen = jobs[(jobs["rule"] == rule) & jobs["rest"].str.startswith(start)]
    return chosen[["hours", "cpu_hours"]].sum(min_count=1) / seeds


def _own(jobs: pd.DataFrame, model: str, seeds: int) -> pd.Series:
    """The training of one net, per seed."""
    if teacher := teacher_of(model):
        return _sum(jobs, f"train_teacher_{teacher}", "seed", seeds)
    return _sum(jobs, f"train_{model}", "seed", seeds)


def training_hours(jobs: pd.DataFrame, rows: Sequence[dict], seeds: int) -> dict[str, dict[str, float]]:
    """By model, per seed: `training_hours` of the net itself, and `chain_hours` and `chain_cpu_hours` of all that had
    to be trained and run for it: for an ensemble its teachers and their held-out predictions, for a student also the
    banks.

    NaN where a benchmark file is missing, as for a model that was imported.
    """
    members = {row["model"]: row["members"] for row in rows}
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        model, own = row["model"], _own(jobs, row["model"], seeds)
        chain = own
        if ensemble := row["taught_by"] or (model if ensemble_of(model) else ""):
            teachers = members[ensemble]
            chain = pd.Series({"hours": 0.0, "cpu_hours": 0.0})
            for teacher in teachers:
                chain = chain + _own(jobs, teacher, seeds)
                chain = chain + _sum(jobs, "predict_heldout", f"{teacher}/seed", seeds)
                if student_of(model):
                    chain = chain + _sum(jobs, f"bank_teacher_{teacher_of(teacher)}", "seed", seeds)
            chain = chain + own if student_of(model) else chain
        hours = float("nan") if ensemble_of(model) else float(own["hours"])
        found[model] = {
            "training_hours": hours,
            "chain_hours": float(chain["hours"]),
            "chain_cpu_hours": float(chain["cpu_hours"]),
        }
    return found
