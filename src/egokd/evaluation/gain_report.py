"""The tables of gains for people, and the figure of the classes that change most."""

import pandas as pd
from matplotlib.figure import Figure

from egokd.evaluation.figures import colour_of, title_of, write_caption
from egokd.evaluation.gains import Compared

MOST = 8  # classes and pairs shown at either end


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """The first and the last rows of a sorted table, each once."""
    if len(table) <= 2 * MOST:
        return table
    return pd.concat([table.head(MOST), table.tail(MOST)])


def _rows(table: pd.DataFrame, titles: dict[str, str]) -> list[str]:
    numbers = [column for column in titles if pd.api.types.is_numeric_dtype(table[column])]
    lines = ["| " + " | ".join(titles.values()) + " |"]
    lines.append("|" + "".join(" ---: |" if column in numbers else " --- |" for column in titles))
    for _, row in table.iterrows():
        cells = [
            ""
            if pd.isna(row[column])
            else f"{row[column]:.1f}".removesuffix(".0")
            if column in numbers
            else row[column]
            for column in titles
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def as_markdown(
    classes: pd.DataFrame, pairs: pd.DataFrame, lengths: pd.DataFrame, compared: Compared, data: str
) -> str:
    """Per head the classes that change most and the pairs that are untangled or confused more; then the lengths."""
    shown = (compared.baseline, compared.ensemble, compared.student)
    top1 = {f"{model}_top1": title_of(model) for model in shown}
    lines = [
        f"Where the gain of {title_of(compared.student)} over {title_of(compared.baseline)} comes from, on {data}. "
        "Top-1 in percent of the class's segments, changes in points; confusions in segments, mean over seeds."
    ]
    for head, of_head in classes.groupby("head", sort=False):
        titles = {
            "class": str(head),
            "segments": "segments",
            **top1,
            "change": "change",
            "best_teacher": "best teacher",
        }
        lines += ["", f"**{head}: largest changes**", "", *_rows(ends(of_head), titles)]
        mine = pairs[pairs["head"] == head]
        titles = {"class": "class", "taken_for": "taken for"}
        titles |= {f"{model}_segments": title_of(model) for model in (compared.baseline, compared.student)}
        titles |= {"change": "change"}
        lines += ["", f"**{head}: pairs untangled, and pairs confused more**", "", *_rows(ends(mine), titles)]
    titles = {"shortest_s": "from, s", "longest_s": "to, s", "segments": "segments"}
    titles |= {"share_in_view": "in view of a clip, %", **top1, "change": "change"}
    lines += ["", "**By length of the segment**", "", *_rows(lengths, titles)]
    return "\n".join(lines) + "\n"


def figure_of_classes(classes: pd.DataFrame, compared: Compared, data: str) -> Figure:
    """A panel per head: baseline, ensemble and student at the classes that change most."""
    heads = list(dict.fromkeys(classes["head"]))
    chosen = {head: ends(classes[classes["head"] == head]) for head in heads}
    height = 0.3 * max(len(rows) for rows in chosen.values()) + 1.4
    figure = Figure(figsize=(4.6 * len(heads), height), layout="constrained")
    axes = figure.subplots(1, len(heads), squeeze=False)[0]
    for axis, (head, rows) in zip(axes, chosen.items(), strict=True):
        positions = list(range(len(rows)))[::-1]
        before, after = rows[f"{compared.baseline}_top1"], rows[f"{compared.student}_top1"]
        axis.hlines(positions, before, after, color="#bbbbbb", lw=2, zorder=1)
        for model, marker in ((compared.baseline, "o"), (compared.ensemble, "d"), (compared.student, "^")):
            axis.plot(
                rows[f"{model}_top1"], positions, marker, ms=5, ls="none", color=colour_of(model), label=title_of(model)
            )
        names = [f"{name} ({count})" for name, count in zip(rows["class"], rows["segments"], strict=True)]
        axis.set_yticks(positions, names)
        axis.set(xlim=(-3, 103), xlabel="top-1 accuracy, %", title=f"{head}, by the student's change")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    write_caption(figure, f"{data}: the classes that change most, with their number of segments.")
    return figure
