"""Calibration of every model, as it is and rescaled: one row per model and variant, mean and spread over seeds."""

from statistics import mean

import numpy as np
import pandas as pd

from egokd.evaluation.calibrated import AS_IS, SCALED
from egokd.evaluation.tables import spread

SHOWN = {
    "top1": "top-1",
    "nll": "NLL",
    "ece": "ECE",
    "ece_adaptive": "adaptive ECE",
    "ece_classwise": "classwise ECE",
    "brier": "Brier",
    "aurc": "AURC",
    "set_size": "set size",
    "set_coverage": "set coverage",
}


def variant_name(model: str, variant: str) -> str:
    """The row's name: `student_heldout+ts`."""
    return model + variant


def heads_of(entry: dict) -> list[str]:
    """The heads in their order; the joint action, if there is one, is the last."""
    return list(entry["variants"][AS_IS]["curves"])


def build_calibration_table(entries: list[dict], models: list[str]) -> pd.DataFrame:
    """Two rows per model, in the order of `models`: as it is, and `+ts`.

    entries  the JSON of `egokd.steps.calibrate`, one per model and seed

    A column is missing where no model has it, and a cell is empty where that model has not.
    """
    found: dict[str, list[dict]] = {}
    for entry in sorted(entries, key=lambda entry: entry["seed"]):
        found.setdefault(entry["model"], []).append(entry)
    records = []
    for model in models:
        for variant in (AS_IS, SCALED):
            first, results = found[model][0], [entry["variants"][variant] for entry in found[model]]
            columns: dict[str, float | None] = {}
            for name in results[0]["metrics"]:
                values = [result["metrics"][name] for result in results]
                columns |= {name: mean(values), f"{name}_std": spread(values)}
            for head in results[0]["temperatures"]:
                columns[f"{head}_temperature"] = mean(result["temperatures"][head] for result in results)
            facts = {key: first[key] for key in ("dataset", "source", "clips", "crops", "segments", "heldout_segments")}
            records.append({"model": variant_name(model, variant), **facts, "seeds": len(results), **columns})
    return pd.DataFrame(records)


def as_markdown(table: pd.DataFrame) -> str:
    """A small table per head, below a line that says what the numbers are."""
    first = table.iloc[0]
    heads = [column.removesuffix("_aurc") for column in table if column.endswith("_aurc")]
    lines = [
        f"Calibration on `{first['dataset']}`, source of the data: **{first['source']}**, {int(first['segments'])} "
        f"validation segments, {int(first['seeds'])} seed(s). `+ts`: logits divided by a temperature fitted on "
        f"{int(first['heldout_segments'])} held-out training segments. In percent, NLL in nats; the size of prediction "
        "sets, which should hold the truth in 90 % of the cases, in classes."
    ]
    for head in heads:
        shown = {f"{head}_{name}": title for name, title in SHOWN.items() if f"{head}_{name}" in table}
        shown |= {f"{head}_temperature": "temperature"} if f"{head}_temperature" in table else {}
        lines += ["", f"**{head}**", "", "| model | " + " | ".join(shown.values()) + " |"]
        lines.append("| --- |" + " ---: |" * len(shown))
        for _, row in table.iterrows():
            cells = ["" if pd.isna(row[name]) else f"{row[name]:.2f}" for name in shown]
            lines.append(f"| {row['model']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def pooled_clusters(entries: list[dict], variant: str, head: str) -> dict[str, np.ndarray]:
    """`count`, `confidence` and `correct` of one model, [clusters, bins], summed over seeds."""
    each = [entry["variants"][variant]["clusters"][head] for entry in entries]
    return {name: np.sum([np.asarray(sums[name]) for sums in each], axis=0) for name in each[0]}
