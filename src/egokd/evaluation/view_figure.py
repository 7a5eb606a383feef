"""The figure of test views: accuracy and calibration error against views, and against what the views cost."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

from egokd.evaluation.figures import colour_of, title_of, write_caption
from egokd.evaluation.view_table import TRENDS

MARKERS = "osD^v"
X_AXES = {"views": "test views per segment", "giga_multiply_adds_per_segment": "multiply-adds per segment, 10⁹"}
Y_AXES = {"top1": "top-1 accuracy, %", "ece": "calibration error (ECE), %"}


def views(table: pd.DataFrame, models: list[str]) -> Figure:
    """Two rows (accuracy, calibration error) by two columns (views, multiply-adds) with a line per model.

    table  as `egokd.evaluation.view_table.build_view_table` makes it
    """
    main = next(column for column in table if column.endswith("_per_doubling")).removesuffix("_top1_per_doubling")
    figure = Figure(figsize=(8.4, 6.0), layout="constrained")
    axes = figure.subplots(len(Y_AXES), len(X_AXES), sharey="row", sharex="col")
    shown = [model for model in models if model in set(table["model"])]
    for row, trend in enumerate(TRENDS):
        for column, x in enumerate(X_AXES):
            for number, model in enumerate(shown):
                _draw_line(axes[row, column], table[table["model"] == model], x, f"{main}_{trend}", MARKERS[number])
        axes[row, 0].set_ylabel(f"{main} {Y_AXES[trend]}")
    for column, (x, label) in enumerate(X_AXES.items()):
        axes[-1, column].set_xlabel(label)
        axes[-1, column].set_xscale("log", base=2 if x == "views" else 10)
    counts = sorted(set(table["views"]))
    axes[-1, 0].xaxis.set_major_locator(FixedLocator(counts))
    axes[-1, 0].xaxis.set_minor_locator(NullLocator())
    axes[-1, 0].xaxis.set_major_formatter(ScalarFormatter())
    axes[-1, 1].xaxis.set_minor_formatter(NullFormatter())
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    first = table.iloc[0]
    write_caption(
        figure,
        f"{first['dataset']} (source: {first['source']}), "
        + ("one seed" if first["seeds"] == 1 else f"mean and standard deviation over {int(first['seeds'])} seeds")
        + ". An ensemble costs the sum of its teachers.",
    )
    return figure


def _draw_line(axis: Axes, rows: pd.DataFrame, x: str, y: str, marker: str) -> None:
    """The results of one model, best to follow where settings have the same number of views: their order is kept."""
    model = rows["model"].iloc[0]
    errors = rows[f"{y}_std"].astype(float)
    axis.errorbar(
        rows[x],
        rows[y],
        errors if errors.notna().any() else None,
        marker=marker,
        ms=5,
        lw=1.4,
        capsize=2,
        color=colour_of(model),
        label=title_of(model),
    )
