"""How independent the held-out fold of EPIC-KITCHENS-100 is of what the teachers train on, for each unit.

PYTHONPATH=src python tests/benchmarks/measure_folds.py FOLDER_WITH_THE_ANNOTATIONS
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets import epic100
from egokd.sampling.folds import UNIT_COLUMNS, assign_fold

SHARE, SEED = 0.1, 0  # of the recipe


def overlaps(rows: pd.DataFrame, others: pd.DataFrame) -> float:
    """Share of `rows` that have a moment in common with one of `others`."""
    times = {video_id: group[["start_s", "stop_s"]].to_numpy() for video_id, group in others.groupby("video_id")}

    def overlapped(row) -> bool:
        found = times.get(row.video_id, np.zeros((0, 2)))
        return bool(((found[:, 0] < row.stop_s) & (found[:, 1] > row.start_s)).any())

    return float(np.mean([overlapped(row) for row in rows.itertuples()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder with the official annotations")
    segments = epic100.read(parser.parse_args().root)
    heads = list(segments.heads)
    train = segments.table[segments.table["split"] == "train"].reset_index(drop=True)
    print("| unit | segments held out | same participant | same video | overlap in time | verb-noun pair not in fit |")
    print("|---|---|---|---|---|---|")
    for unit in ("segment", *UNIT_COLUMNS):
        fold = assign_fold(train, heads, SHARE, SEED, unit)
        heldout, fit = train[fold == "heldout"], train[fold == "fit"]
        known = [heldout[column].isin(set(fit[column])).mean() for column in ("group", "video_id")]
        pairs = [pd.MultiIndex.from_frame(rows[heads]) for rows in (heldout, fit)]
        shares = [*known, overlaps(heldout, fit), (~pairs[0].isin(pairs[1])).mean()]
        cells = [unit, f"{len(heldout):,} ({len(heldout) / len(train):.1%})", *(f"{share:.1%}" for share in shares)]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
