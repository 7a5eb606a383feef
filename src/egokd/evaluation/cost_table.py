"""What each model costs to train and to run, from the raw video on: one row per model, at the first view setting.

An ensemble has to read every modality of its teachers and run them all; computing flow needs the frames, so a model
that sees flow reads both. Frames that several teachers need are read once. Units stand in every header; multiply-adds
are not FLOPs, of which each is two.
"""

from collections.abc import Iterable
from statistics import mean

import pandas as pd

from egokd.evaluation.tables import main_head, spread

NEEDS = {"flow": ("rgb",)}  # modalities that must be read before another can be computed


def modalities_of(model: str, rows: list[dict]) -> list[str]:
    """What a model sees at test time: its input, or those of its members."""
    by_model = {row["model"]: row for row in rows}
    row = by_model[model]
    seen = [by_model[name]["input"] for name in row["members"]] or [row["input"]]
    return list(dict.fromkeys(seen))


def _total(parts: dict[str, float], names: Iterable[str]) -> float | None:
    """The sum over `names`; None where a part was not measured."""
    chosen = [parts.get(name) for name in names]
    return None if None in chosen else sum(value for value in chosen if value is not None)


def _run_columns(row: dict, rows: list[dict], cost: dict, pipeline: dict, views: int) -> dict[str, float | None]:
    nets = row["members"] or [row["model"]]
    measured = [pipeline["nets"][net] for net in nets]
    seen = modalities_of(row["model"], rows)
    read = dict.fromkeys(name for modality in seen for name in (*NEEDS.get(modality, ()), modality))
    # one input per net: two teachers of one modality may see it differently
    inputs = [modality for net in nets for modality in modalities_of(net, rows)]
    per_view = sum(cost[net]["gflops_per_view"] for net in nets)
    reading, preparing = _total(pipeline["reading_ms"], read), _total(pipeline["preparing_ms"], inputs)
    net_ms = sum(1000 / entry["clips_per_s_batched"] for entry in measured)
    total = None if reading is None or preparing is None else reading + views * (preparing + net_ms)
    return {
        "parameters_m": sum(cost[net]["params_m"] for net in nets),
        "giga_multiply_adds_per_view": per_view,
        "giga_multiply_adds_per_segment": per_view * views,
        "latency_ms_per_clip": sum(entry["latency_ms"] for entry in measured),
        "clips_per_s_batched": 1 / sum(1 / entry["clips_per_s_batched"] for entry in measured),
        "peak_memory_mb": max(entry["peak_memory_mb"] for entry in measured),
        "reading_ms_per_segment": reading,
        "preparing_ms_per_segment": None if preparing is None else views * preparing,
        "net_ms_per_segment": views * net_ms,
        "total_ms_per_segment": total,
    }


def build_cost_table(
    metrics: list[dict], rows: list[dict], cost: dict, pipeline: dict, hours: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """One row per model.

    metrics   of every model and seed at one view setting
    pipeline  the JSON of `egokd.steps.measure_pipeline`; hours as `egokd.evaluation.benchmarks.training_hours` gives

    `times_student` is the total of a segment over that of the first student; empty without one.
    """
    first = metrics[0]
    views, main = first["clips"] * first["crops"], main_head(first["subsets"]["all"])
    records = []
    for row in rows:
        entries = [entry for entry in metrics if entry["model"] == row["model"]]
        top1 = [entry["subsets"]["all"][f"{main}_top1"] for entry in entries]
        records.append(
            {
                "dataset": first["dataset"],
                "source": first["source"],
                "model": row["model"],
                "input": row["input"],
                "seeds": len(entries),
                "clips": first["clips"],
                "crops": first["crops"],
                f"{main}_top1": mean(top1),
                f"{main}_top1_std": spread(top1),
                **_run_columns(row, rows, cost, pipeline, views),
                **hours[row["model"]],
                "device": pipeline["device"],
                "batch": pipeline["batch"],
            }
        )
    table = pd.DataFrame(records)
    students = table.loc[table["model"].str.startswith("student_"), "total_ms_per_segment"]
    table["times_student"] = table["total_ms_per_segment"] / students.iloc[0] if len(students) else float("nan")
    return table


SHOWN = {
    "parameters_m": ("parameters, M", 2),
    "giga_multiply_adds_per_segment": ("multiply-adds per segment, 10⁹", 3),
    "latency_ms_per_clip": ("latency of a clip, ms", 1),
    "clips_per_s_batched": ("clips/s, batched", 0),
    "peak_memory_mb": ("peak memory, MB", 0),
    "reading_ms_per_segment": ("reading, ms", 1),
    "preparing_ms_per_segment": ("preparing, ms", 1),
    "net_ms_per_segment": ("nets, ms", 1),
    "total_ms_per_segment": ("total, ms per segment", 1),
    "times_student": ("times the student's", 2),
    "chain_hours": ("training of the whole chain, h", 2),
}


def as_markdown(table: pd.DataFrame, stages: pd.DataFrame) -> str:
    """The table for people, and below it the hours by stage."""
    first = table.iloc[0]
    main = next(column for column in table if column.endswith("_top1"))
    shown = {main: (main.replace("_top1", " top-1"), 1), **SHOWN}
    lines = [
        f"Cost on `{first['dataset']}`, source of the data: **{first['source']}**, {first['clips']} clip(s) x "
        f"{first['crops']} crop(s), from the raw video to the logits, on {first['device']}. Nets run in the precision "
        f"of the jobs, in batches of {int(first['batch'])}. Boxes are read from files: their detector is not counted.",
        "",
        "| model | " + " | ".join(title for title, _ in shown.values()) + " |",
        "| --- |" + " ---: |" * len(shown),
    ]
    for _, row in table.iterrows():
        cells = ["" if pd.isna(row[name]) else f"{row[name]:.{digits}f}" for name, (_, digits) in shown.items()]
        lines.append(f"| {row['model']} | " + " | ".join(cells) + " |")
    lines += ["", "| stage | jobs | hours | CPU hours | peak memory, MB |", "| --- | ---: | ---: | ---: | ---: |"]
    for stage, row in stages.iterrows():
        numbers = [f"{row['hours']:.3f}", f"{row['cpu_hours']:.3f}", f"{row['peak_memory_mb']:.0f}"]
        cells = ["" if text == "nan" else text for text in numbers]
        lines.append(f"| {stage} | {int(row['jobs'])} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
