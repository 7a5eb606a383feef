"""The figure of calibration: reliability with a band, as the models are and rescaled, and error against coverage."""

from statistics import mean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from egokd.evaluation.calibrated import AS_IS, CURVE_POINTS, SCALED, accuracy_band
from egokd.evaluation.calibration_table import heads_of, pooled_clusters
from egokd.evaluation.figures import colour_of, title_of, write_caption

DRAWS = 1000  # bootstrap samples of videos


def calibration(found: dict[str, list[dict]]) -> Figure:
    """A column per model with the reliability of the main head, as it is above and rescaled below, and a last column
    with error against coverage.

    found  {model: the JSON of `egokd.steps.calibrate` of every seed}
    """
    first = next(iter(found.values()))[0]
    head = heads_of(first)[-1]
    figure = Figure(figsize=(2.9 * (len(found) + 1), 6.0), layout="constrained")
    axes = figure.subplots(2, len(found) + 1, squeeze=False)
    for row, variant in enumerate((AS_IS, SCALED)):
        for column, (model, entries) in enumerate(found.items()):
            _draw_reliability(axes[row, column], pooled_clusters(entries, variant, head), colour_of(model))
            ece = mean(entry["variants"][variant]["metrics"][f"{head}_ece"] for entry in entries)
            axes[row, column].set_title(f"{title_of(model)}{variant}: ECE {ece:.1f} %", fontsize=9)
            _draw_curve(axes[row, -1], [entry["variants"][variant]["curves"][head] for entry in entries], model)
        axes[row, -1].set_title(f"errors among the surest {variant}", fontsize=9)
        axes[row, -1].set(xlabel="share of segments answered, %", ylabel="errors among them, %", xlim=(0, 100))
        axes[row, -1].set_ylim(bottom=0)
    axes[0, -1].legend(frameon=False, fontsize=8)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=8)
    write_caption(
        figure,
        f"{head} on {first['dataset']} (source: {first['source']}), {first['segments']} segments, "
        f"{len(next(iter(found.values())))} seed(s) pooled. Band: 90 % of {DRAWS} bootstrap samples of whole videos. "
        f"+ts: a temperature was fitted on {first['heldout_segments']} held-out training segments.",
    )
    return figure


def _draw_reliability(axis: Axes, sums: dict[str, np.ndarray], colour: str) -> None:
    """Accuracy per bin with its band, the count of segments in it, and the diagonal."""
    count = sums["count"].sum(axis=0)
    filled, edges = count > 0, np.linspace(0, 1, len(count) + 1)
    accuracy = sums["correct"].sum(axis=0)[filled] / count[filled]
    confidence = sums["confidence"].sum(axis=0)[filled] / count[filled]
    low, high = accuracy_band(sums["count"], sums["correct"], DRAWS, seed=0)
    axis.bar(
        edges[:-1][filled], accuracy, edges[1], align="edge", color=colour, alpha=0.75, ec="white", label="accuracy"
    )
    middle = edges[:-1][filled] + edges[1] / 2
    errors = np.clip([accuracy - low[filled], high[filled] - accuracy], 0, None)
    axis.errorbar(middle, accuracy, errors, fmt="none", ecolor="black", elinewidth=0.8, capsize=1.5, label="90 % band")
    axis.plot(confidence, accuracy, "o", ms=3, color="black", label="bin mean")
    axis.plot([0, 1], [0, 1], "--", lw=1, color="black", label="perfectly calibrated")
    for place, number in zip(middle, count[filled], strict=True):
        axis.text(place, 1.04, f"{int(number)}", rotation=90, ha="center", va="bottom", fontsize=6, color="#666666")
    axis.set(xlim=(0, 1), ylim=(0, 1.2), xlabel="confidence", ylabel="accuracy, share of segments")


def _draw_curve(axis: Axes, curves: list[list[float]], model: str) -> None:
    coverage = 100 * np.arange(1, CURVE_POINTS + 1) / CURVE_POINTS
    axis.plot(coverage, np.mean(curves, axis=0), color=colour_of(model), label=title_of(model))
