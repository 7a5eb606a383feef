"""Accuracy and calibration against the number of test views: one row per model and view setting, with slopes.

In: metrics (`egokd.steps.evaluate`) at several settings, costs (`egokd.steps.measure_cost`) and the rows' roles. A
slope is that of a straight line through a model's results against log2 of the number of views, by least squares, seed
by seed: the change per doubling. Where all settings have the same number of views there is no slope, and the cell is
empty.
"""

from statistics import mean

import numpy as np
import pandas as pd

from egokd.evaluation.tables import cost_columns, heads_of, main_head, spread, without_input, without_members
from egokd.evaluation.view_settings import count_of
from egokd.names import RGB_BASELINE

TRENDS = ("top1", "ece")  # metrics of the main head that slopes are given for


def slope(views: list[int], values: list[float]) -> float | None:
    """Change of `values` per doubling of `views`; None where all numbers of views are the same."""
    doublings = np.log2(views)
    centred = doublings - doublings.mean()
    return float((centred * np.asarray(values)).sum() / (centred**2).sum()) if centred.any() else None


def _slopes(found: dict, model: str, key: str) -> list[float]:
    """The slope of each seed, in order; empty where there is none."""
    views = [count_of(setting) for setting in found[model]]
    seeds = sorted(next(iter(found[model].values())))
    each = [slope(views, [entries[seed]["subsets"]["all"][key] for entries in found[model].values()]) for seed in seeds]
    return [value for value in each if value is not None]


def _with_spread(name: str, values: list[float]) -> dict[str, float | None]:
    return {name: mean(values) if values else None, f"{name}_std": spread(values)}


def build_view_table(metrics: list[dict], rows: list[dict], cost: dict) -> pd.DataFrame:
    """One row per model and setting, models in the order of `rows`, settings by their number of views.

    A model whose modality no segment has is left out, as a row and as a member of ensembles.
    """
    found: dict[str, dict[tuple[int, int], dict[int, dict]]] = {}
    for entry in sorted(metrics, key=lambda entry: (entry["clips"] * entry["crops"], entry["clips"])):
        settings = found.setdefault(entry["model"], {})
        settings.setdefault((entry["clips"], entry["crops"]), {})[entry["seed"]] = entry
    first = metrics[0]
    main = main_head(first["subsets"]["all"])
    baseline = {trend: _slopes(found, RGB_BASELINE, f"{main}_{trend}") for trend in TRENDS}
    absent = without_input({model: next(iter(settings.values())) for model, settings in found.items()})
    records = []
    for row in (without_members(row, absent) for row in rows if row["model"] not in absent):
        trends: dict[str, float | None] = {}
        for trend in TRENDS:
            own = _slopes(found, row["model"], f"{main}_{trend}")
            over = [value - other for value, other in zip(own, baseline[trend], strict=True)]
            trends |= _with_spread(f"{main}_{trend}_per_doubling", own)
            trends |= _with_spread(f"{main}_{trend}_per_doubling_over_rgb", over)
        for setting, entries in found[row["model"]].items():
            records.append(_record(row, setting, list(entries.values()), cost, trends))
    return pd.DataFrame(records)


def _record(row: dict, setting: tuple[int, int], entries: list[dict], cost: dict, trends: dict) -> dict:
    """The row of one model at one setting."""
    first, views = entries[0], count_of(setting)
    all_of = [entry["subsets"]["all"] for entry in entries]
    main = main_head(all_of[0])
    keys = [f"{head}_top1" for head in heads_of(all_of[0])] + [f"{main}_{metric}" for metric in ("nll", "ece")]
    per_view = cost_columns(cost, row)["gflops_per_view"]
    assert per_view is not None
    columns: dict[str, float | None] = {}
    for key in keys:
        columns |= _with_spread(key, [values[key] for values in all_of])
    return {
        "dataset": first["dataset"],
        "source": first["source"],
        "model": row["model"],
        "input": row["input"],
        "seeds": len(entries),
        "clips": setting[0],
        "crops": setting[1],
        "views": views,
        "giga_multiply_adds_per_segment": per_view * views,
        **columns,
        **trends,
    }


def as_markdown(table: pd.DataFrame) -> str:
    """One row per model, a column per setting with top-1 and calibration error, and the slopes."""
    main = next(column for column in table if column.endswith("_per_doubling")).removesuffix("_top1_per_doubling")
    settings = list(dict.fromkeys(zip(table["clips"], table["crops"], strict=True)))
    first = table.iloc[0]
    columns = {f"{main}_top1": f"{main} top-1", f"{main}_ece": f"{main} ECE"}
    titles = [f"{title} at {clips}x{crops}" for title in columns.values() for clips, crops in settings]
    trends = [f"{main}_{trend}_per_doubling{over}" for trend in TRENDS for over in ("", "_over_rgb")]
    words = ("top-1 per doubling", "over RGB's", "ECE per doubling", "over RGB's")
    lines = [
        f"Test views on `{first['dataset']}`, source of the data: **{first['source']}**, {int(first['seeds'])} "
        "seed(s). Settings are clips x crops. In percent; slopes are points per doubling of the number of views.",
        "",
        "| " + " | ".join(["model", *titles, *words]) + " |",
        "| --- |" + " ---: |" * (len(titles) + len(words)),
    ]
    for model, rows in table.groupby("model", sort=False):
        by_setting = rows.set_index(["clips", "crops"])
        cells = [by_setting.loc[setting, column] for column in columns for setting in settings]
        cells += [rows.iloc[0][trend] for trend in trends]
        lines.append(f"| {model} | " + " | ".join("" if pd.isna(cell) else f"{cell:.1f}" for cell in cells) + " |")
    return "\n".join(lines) + "\n"
