"""Result tables: metrics of every model and seed -> one row per model, mean and spread over seeds.

In: the JSON of `egokd.steps.evaluate` (one per model and seed), of `egokd.steps.measure_cost`, and the rows' roles
(`egokd.planning.models.table_rows`). Out: a data frame in the column order that docs/tables.md describes, and a
Markdown table with the columns that people compare. Metrics are in percent, NLL in nats. `_std` is the sample standard
deviation over seeds; it is empty for a single seed, which says nothing about spread.
"""

from statistics import mean, stdev

import pandas as pd

from egokd.errors import UserError
from egokd.names import RGB_BASELINE

METRICS = ("top1", "top5", "nll", "ece", "brier")


def spread(values: list[float]) -> float | None:
    """The sample standard deviation; None of fewer than two values."""
    return stdev(values) if len(values) > 1 else None


def heads_of(subset: dict[str, float]) -> list[str]:
    """The heads that metrics of a subset are of, in their order; the joint action is the last one."""
    return [key.removesuffix("_top1") for key in subset if key.endswith("_top1")]


def main_head(subset: dict[str, float]) -> str:
    """The head that models are compared by: the action, or the only head."""
    return heads_of(subset)[-1]


def _by_model(metrics: list[dict]) -> dict[str, dict[int, dict]]:
    """Metrics by model and seed. Raises UserError unless all models have the same seeds: means must be comparable."""
    found: dict[str, dict[int, dict]] = {}
    for entry in metrics:
        found.setdefault(entry["model"], {})[entry["seed"]] = entry
    seeds = {model: sorted(entries) for model, entries in found.items()}
    if len({tuple(s) for s in seeds.values()}) > 1:
        raise UserError(f"metrics: the models were not evaluated on the same seeds: {seeds}; evaluate the missing ones")
    for entry in metrics:
        if entry.get("segment_ids") != metrics[0].get("segment_ids"):
            raise UserError(
                f"metrics: {entry['model']}, seed {entry['seed']}, was evaluated on other segments than "
                f"{metrics[0]['model']}, so the two cannot be compared; predict and evaluate both again"
            )
    return found


def _metric_columns(entries: list[dict]) -> dict[str, float | None]:
    """`{head}_{metric}` and its std of the subset all, then of each other subset with the subset's name in front."""
    columns: dict[str, float | None] = {}
    subsets = entries[0]["subsets"]
    for subset in ["all", *(name for name in subsets if name != "all")]:
        prefix = "" if subset == "all" else f"{subset}_"
        for head in heads_of(subsets[subset]):
            for metric in METRICS:
                key = f"{head}_{metric}"
                if key not in subsets[subset]:
                    continue
                values = [entry["subsets"][subset][key] for entry in entries]
                columns[prefix + key] = mean(values)
                columns[f"{prefix}{key}_std"] = spread(values)
    return columns


def _gain(found: dict, model: str, over: str) -> list[float]:
    """Gain in top-1 points of the main head of `model` over another model, seed by seed."""
    key = f"{main_head(next(iter(found[over].values()))['subsets']['all'])}_top1"
    return [
        entry["subsets"]["all"][key] - found[over][seed]["subsets"]["all"][key]
        for seed, entry in sorted(found[model].items())
    ]


def _gain_kept(found: dict, row: dict) -> float | None:
    """Share of the ensemble's gain over the RGB baseline that its student keeps, in percent; None without a gain."""
    teacher = row["taught_by"]
    if not teacher or teacher not in found:
        return None
    teacher_gain = mean(_gain(found, teacher, RGB_BASELINE))
    return 100 * mean(_gain(found, row["model"], RGB_BASELINE)) / teacher_gain if teacher_gain > 0 else None


def cost_columns(cost: dict, row: dict) -> dict[str, float | None]:
    """Size and speed. An ensemble costs the sum of its members, run one after the other on the same machine."""
    parts = [cost[name] for name in row["members"] or [row["model"]]]
    return {
        "params_m": sum(part["params_m"] for part in parts),
        "gflops_per_view": sum(part["gflops_per_view"] for part in parts),
        "clips_per_s": 1 / sum(1 / part["clips_per_s"] for part in parts),
    }


def without_input(found: dict[str, dict[int, dict]]) -> set[str]:
    """Models whose modality no segment has, such as a sound teacher when all videos are silent."""
    return {
        model
        for model, entries in found.items()
        if all(entry.get("without_modality", 0) == entry["segments"] for entry in entries.values())
    }


def without_members(row: dict, absent: set[str]) -> dict:
    """The row of an ensemble without its absent members."""
    members = [name for name in row["members"] if name not in absent]
    if members == row["members"]:
        return row
    return {**row, "members": members, "input": "+".join(name.removeprefix("baseline_") for name in members)}


def build_table(metrics: list[dict], rows: list[dict], cost: dict | None = None) -> pd.DataFrame:
    """One row per view setting and model, settings in the order of `metrics`, models in that of `rows`.

    cost  {model: as `egokd.steps.measure_cost` writes it}; without it, the columns of cost are left out

    A model whose modality no segment has is left out, as a row and as a member of ensembles.
    Raises UserError if a model's metrics are missing or the models were evaluated on different seeds.
    """
    settings = dict.fromkeys((entry["clips"], entry["crops"]) for entry in metrics)
    records = []
    for setting in settings:
        found = _by_model([entry for entry in metrics if (entry["clips"], entry["crops"]) == setting])
        absent = without_input(found)
        records += [_record(found, without_members(row, absent), cost) for row in rows if row["model"] not in absent]
    return pd.DataFrame(records)


def _record(found: dict[str, dict[int, dict]], row: dict, cost: dict | None) -> dict:
    """The row of one model at one view setting."""
    model = row["model"]
    if model not in found:
        raise UserError(f"metrics of {model} are missing; available are {sorted(found)}")
    entries = [found[model][seed] for seed in sorted(found[model])]
    first = entries[0]
    gain = _gain(found, model, RGB_BASELINE)
    return {
        "dataset": first["dataset"],
        "source": first["source"],
        "model": model,
        "input": row["input"],
        "taught_by": row["taught_by"],
        "seeds": len(entries),
        "clips": first["clips"],
        "crops": first["crops"],
        **_metric_columns(entries),
        "gain_over_rgb": mean(gain),
        "gain_over_rgb_std": spread(gain),
        "teacher_gain_kept": _gain_kept(found, row),
        **(cost_columns(cost, row) if cost else {}),
        "segments": first["segments"],
        "skipped": first["skipped"],
    }


def _cell(table: pd.DataFrame, index: int, column: str, digits: int) -> str:
    value = table.at[index, column]
    if pd.isna(value):
        return ""
    spread = table.at[index, f"{column}_std"] if f"{column}_std" in table else None
    return f"{value:.{digits}f}" + ("" if spread is None or pd.isna(spread) else f" ± {spread:.{digits}f}")


def as_markdown(table: pd.DataFrame) -> str:
    """The columns that people compare, as a Markdown table below a line that says what the numbers are."""
    first = table.iloc[0]
    several = len(table[["clips", "crops"]].drop_duplicates()) > 1
    shown = {"model": "model", "input": "input", "taught_by": "taught by"}
    shown |= {"clips": "clips", "crops": "crops"} if several else {}
    heads = heads_of(dict.fromkeys(table.columns[: list(table.columns).index("gain_over_rgb")], 0.0))
    heads = [head for head in heads if not head.startswith(("unseen_", "tail_"))]
    main = heads[-1]
    numbers = {f"{head}_top1": (f"{head} top-1", 1) for head in heads}
    numbers |= {f"{main}_top5": (f"{main} top-5", 1), f"{main}_nll": (f"{main} NLL", 2)}
    numbers |= {f"{main}_ece": (f"{main} ECE", 1), f"{main}_brier": (f"{main} Brier", 1)}
    numbers |= {
        f"unseen_{main}_top1": (f"unseen {main} top-1", 1),
        f"tail_{main}_{main}_top1": (f"tail {main} top-1", 1),
    }
    numbers |= {"gain_over_rgb": ("gain over RGB", 1), "teacher_gain_kept": ("teacher's gain kept, %", 0)}
    numbers |= {
        "params_m": ("parameters, M", 2),
        "gflops_per_view": ("GFLOPs per view", 3),
        "clips_per_s": ("clips/s", 0),
    }
    numbers = {column: spec for column, spec in numbers.items() if column in table}

    seeds = int(first["seeds"])
    views = "several view settings" if several else f"{first['clips']} clip(s) x {first['crops']} crop(s)"
    spread = "mean ± standard deviation over" if seeds > 1 else "no spread can be given for"
    lines = [
        f"Results on `{first['dataset']}`, source of the data: **{first['source']}**. "
        f"{int(first['segments'])} validation segments, {int(first['skipped'])} skipped, {views}; "
        f"{spread} {seeds} training seed(s). "
        f"Top-1, top-5, ECE and Brier in percent, NLL in nats, gain in points of {main} top-1.",
        "",
        "| " + " | ".join([*shown.values(), *(title for title, _ in numbers.values())]) + " |",
        "|" + " --- |" * len(shown) + " ---: |" * len(numbers),
    ]
    for index in table.index:
        cells = [str(table.at[index, column]) for column in shown]
        cells += [_cell(table, index, column, digits) for column, (_, digits) in numbers.items()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
