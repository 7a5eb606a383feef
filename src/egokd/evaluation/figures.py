"""Figures: reliability diagrams, accuracies, ensemble weights, training curves.

Functions take plain tables and lists and return a matplotlib figure, which `save` writes as SVG and PNG. Every figure
names its dataset and source, has axis labels with units, and a caption that says how to read it.
"""

from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from egokd.evaluation.tables import heads_of
from egokd.io import atomic_path
from egokd.modalities import MODALITIES
from egokd.names import RGB_BASELINE, head_place

OTHER = {"omnivore": "#8c8c8c", "ensemble": "#5b5b5b", "student": "#c44e52"}
NAMELESS = "#000000"  # a teacher that does not have the name of its modality
plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "egokd"})


def title_of(model: str) -> str:
    """A model's name for people: `student_heldout` -> `student (heldout)`."""
    kind, _, name = model.partition("_")
    if kind == "baseline":
        return f"{MODALITIES[name].title if name in MODALITIES else name} baseline"
    return f"{kind} ({name})" if name else kind


def colour_of(model: str) -> str:
    """One colour per modality, grey for ensembles and omnivore, red for students."""
    kind, _, name = model.partition("_")
    return colour_of_teacher(name) if kind == "baseline" else OTHER.get(kind, NAMELESS)


def colour_of_teacher(name: str) -> str:
    """The colour of the modality that a teacher is named after."""
    return MODALITIES[name].colour if name in MODALITIES else NAMELESS


def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write both formats, without a date, so that the same figure always gives the same file."""
    for path, metadata in ((svg, {"Date": None}), (png, {"Software": None})):
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=150, metadata=metadata, bbox_inches="tight")
    plt.close(figure)


def write_caption(figure: Figure, text: str) -> None:
    """A line of small text below everything."""
    # names and sources may hold dollars, which would begin a formula
    figure.supxlabel(text.replace("$", r"\$"), fontsize=8, color="#444444", wrap=True)


def pool_bins(entries: list[dict]) -> pd.DataFrame:
    """Pool the reliability bins of several seeds: counts are added, confidence and accuracy weighted by them.

    Each entry has lists `count`, `confidence`, `accuracy` (shares in 0..1; 0 in an empty bin), one value per bin.
    """
    count = sum(np.asarray(entry["count"], dtype=float) for entry in entries)
    safe = np.maximum(count, 1)
    pooled = {
        name: sum(np.asarray(entry[name], dtype=float) * np.asarray(entry["count"]) for entry in entries) / safe
        for name in ("confidence", "accuracy")
    }
    return pd.DataFrame({"count": count, **pooled})


def _draw_bins(axis: Axes, bins: pd.DataFrame, colour: str) -> None:
    """Accuracy of every bin that has segments, the share of segments per bin, and the diagonal."""
    edges = np.linspace(0, 1, len(bins) + 1)
    filled = bins["count"] > 0
    confidence, accuracy = bins["confidence"][filled], bins["accuracy"][filled]
    bars: dict[str, Any] = {"align": "edge", "color": colour, "alpha": 0.75, "edgecolor": "white"}
    axis.bar(edges[:-1][filled], accuracy, edges[1], label="accuracy", **bars)
    axis.plot(confidence, accuracy, "o", ms=3, color="black", label="bin mean")
    axis.stairs(bins["count"] / bins["count"].sum(), edges, color="black", lw=0.8, label="share of segments")
    axis.plot([0, 1], [0, 1], "--", lw=1, color="black", label="perfectly calibrated")


def reliability(metrics: dict[str, list[dict]], subset: str = "all") -> Figure:
    """Accuracy against confidence per bin: a column per model, a row per head. Calibrated bars end on the diagonal."""
    first = next(iter(metrics.values()))[0]
    heads = list(first["reliability"][subset])
    figure, axes = plt.subplots(
        len(heads),
        len(metrics),
        figsize=(2.9 * len(metrics), 2.6 * len(heads)),
        squeeze=False,
        layout="constrained",
    )
    for column, (model, entries) in enumerate(metrics.items()):
        for row, head in enumerate(heads):
            axis = axes[row, column]
            bins = pool_bins([entry["reliability"][subset][head] for entry in entries])
            _draw_bins(axis, bins, colour_of(model))
            ece = mean(entry["subsets"][subset][f"{head}_ece"] for entry in entries)
            axis.set(xlim=(0, 1), ylim=(0, 1), title=f"{title_of(model)}, {head}: ECE {ece:.1f} %")
            axis.title.set_fontsize(9)
            axis.set_xlabel("confidence (probability of the top class)")
            axis.set_ylabel("accuracy, share of segments")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    seeds = len(next(iter(metrics.values())))
    write_caption(
        figure,
        f"Reliability on {first['dataset']} (source: {first['source']}), "
        f"{first['subsets'][subset]['segments']} segments, {seeds} seed(s) pooled. "
        "Bars below the diagonal are over-confident.",
    )
    return figure


def accuracy(table: pd.DataFrame) -> Figure:
    """Top-1 of the main head of every model on all segments and on unseen participants, with the spread over seeds."""
    main = heads_of({column: 0.0 for column in table.columns if not column.startswith(("unseen_", "tail_"))})[-1]
    panels = {f"{main}_top1": "all validation segments", f"unseen_{main}_top1": "unseen participants"}
    panels = {column: title for column, title in panels.items() if column in table and table[column].notna().all()}
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(4.4 * len(panels), 0.36 * len(table) + 1.6),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    positions = np.arange(len(table))[::-1]
    for axis, (column, title) in zip(axes[0], panels.items(), strict=True):
        spread = table[f"{column}_std"].astype(float).fillna(0)
        error_bars = spread if spread.any() else None
        axis.barh(
            positions,
            table[column],
            xerr=error_bars,
            color=[colour_of(m) for m in table["model"]],
            capsize=2,
            height=0.7,
        )
        baseline = table.loc[table["model"] == RGB_BASELINE, column].iloc[0]
        axis.axvline(baseline, color=colour_of(RGB_BASELINE), lw=1, ls="--")
        for position, value, error in zip(positions, table[column], spread, strict=True):
            axis.text(value + error + 1, position, f"{value:.1f}", va="center", fontsize=8)
        axis.set(title=title, xlabel=f"{main} top-1 accuracy, %", xlim=(0, 109))
    axes[0, 0].set_yticks(positions, [f"{title_of(m)}" for m in table["model"]])
    first = table.iloc[0]
    seeds = int(first["seeds"])
    errors = f"{seeds} seeds, error bars: standard deviation" if seeds > 1 else "one seed, no spread"
    write_caption(
        figure,
        f"{first['dataset']} (source: {first['source']}), {errors}. "
        "Dashed: the RGB baseline, which is the same net as the student at test time.",
    )
    return figure


def ensemble_weights(weights: list[dict], data: str) -> Figure:
    """Stacked weights of the teachers per ensemble and head, mean over seeds. `data` names dataset and source."""
    names = list(dict.fromkeys(entry["ensemble"] for entry in weights))
    heads = sorted(weights[0]["weights"], key=head_place)
    figure, axes = plt.subplots(
        1, len(heads), figsize=(3.4 * len(heads), 2.8), squeeze=False, sharey=True, layout="constrained"
    )
    for axis, head in zip(axes[0], heads, strict=True):
        for position, name in enumerate(names):
            chosen = [entry["weights"][head] for entry in weights if entry["ensemble"] == name]
            base = 0.0
            for teacher in chosen[0]:
                value = mean(entry[teacher] for entry in chosen)
                colour = colour_of_teacher(teacher)
                axis.bar(position, value, 0.7, base, color=colour, label=teacher if position == 0 else None)
                if value > 0.05:
                    axis.text(
                        position,
                        base + value / 2,
                        f"{value:.2f}",
                        ha="center",
                        va="center",
                        fontsize=8,
                        color="white",
                    )
                base += value
        axis.set(title=f"head: {head}", xlabel="weighting scheme", ylim=(0, 1))
        axis.set_xticks(range(len(names)), names)
    axes[0, 0].set_ylabel("weight of the teacher")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    seeds = len({entry["seed"] for entry in weights})
    write_caption(figure, f"{data}: teacher weights chosen on held-out training segments, mean over {seeds} seed(s).")
    return figure


def training_curves(histories: dict[str, list[pd.DataFrame]], data: str) -> Figure:
    """Training loss per epoch of every model, in two panels: training on labels and distillation have different losses.

    `data` names dataset and source.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for model, runs in histories.items():
        if runs[0].empty:  # a teacher without training segments is not trained
            continue
        axis = axes[1] if model.startswith("student") else axes[0]
        epochs = runs[0]["epoch"]
        values = np.stack([run["loss"].to_numpy() for run in runs])
        axis.plot(epochs, values.mean(0), color=colour_of(model), label=title_of(model))
        if len(runs) > 1:
            low, high = values.mean(0) - values.std(0, ddof=1), values.mean(0) + values.std(0, ddof=1)
            axis.fill_between(epochs, low, high, color=colour_of(model), alpha=0.2, lw=0)
    axes[0].set(title="trained on labels", xlabel="epoch", ylabel="cross-entropy, nats (mean over heads)")
    axes[1].set(title="distilled", xlabel="epoch", ylabel="distillation loss (mean over heads)")
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axis.lines:
            axis.legend(frameon=False, fontsize=8)
    if not histories:
        write_caption(figure, f"{data}: no model was trained here, all were imported from checkpoints.")
        return figure
    seeds = len(next(iter(histories.values())))
    write_caption(figure, f"{data}: loss on augmented training views, mean over {seeds} seed(s).")
    return figure
