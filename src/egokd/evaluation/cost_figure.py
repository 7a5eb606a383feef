"""The figure of cost: accuracy against what one has to run per segment, from the raw video on."""

import pandas as pd
from matplotlib.figure import Figure

from egokd.evaluation.figures import colour_of, title_of, write_caption

PARTS = {"reading_ms_per_segment": "reading", "preparing_ms_per_segment": "preparing", "net_ms_per_segment": "nets"}
SHADES = ("#b8b8b8", "#8a8a8a", "#c44e52")


def cost(table: pd.DataFrame, models: list[str]) -> Figure:
    """Accuracy of `models` against the total time of a segment, and what that time is made of.

    table  as `egokd.evaluation.cost_table.build_cost_table` makes it; models whose total was not measured are left out
    """
    main = next(column for column in table if column.endswith("_top1"))
    chosen = table[table["model"].isin(models) & table["total_ms_per_segment"].notna()]
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for _, row in chosen.iterrows():
        spread = row[f"{main}_std"]
        error = None if pd.isna(spread) else spread
        left.errorbar(
            row["total_ms_per_segment"], row[main], error, fmt="o", ms=7, capsize=2, color=colour_of(row["model"])
        )
        left.annotate(
            title_of(row["model"]),
            (row["total_ms_per_segment"], row[main]),
            xytext=(6, 6),
            textcoords="offset points",
            fontsize=8,
        )
    left.set(xlabel="total time per segment, ms", ylabel=f"{main.replace('_top1', '')} top-1 accuracy, %")
    left.set_xlim(left=0, right=1.35 * chosen["total_ms_per_segment"].max() if len(chosen) else None)
    left.margins(y=0.2)
    positions, start = range(len(chosen))[::-1], pd.Series(0.0, index=chosen.index)
    for (column, title), shade in zip(PARTS.items(), SHADES, strict=True):
        right.barh(positions, chosen[column], left=start, color=shade, label=title, height=0.6)
        start = start + chosen[column].astype(float)
    right.set_yticks(list(positions), [title_of(model) for model in chosen["model"]])
    right.set_xlabel("time per segment, ms")
    right.legend(frameon=False, fontsize=8)
    first = table.iloc[0]
    write_caption(
        figure,
        f"{first['dataset']} (source: {first['source']}), {first['clips']} clip(s) x {first['crops']} crop(s), on "
        f"{first['device']}. From the raw video to the logits; boxes come from files, their detector is not counted.",
    )
    return figure
