"""The held-out fold: a stratified part of the train split that no model is trained on."""

import numpy as np
import pandas as pd

from egokd.errors import UserError
from egokd.hashing import generator, unit

DRAWS = 200  # choices of whole videos or groups that are compared
UNIT_COLUMNS = {"video": "video_id", "group": "group"}  # what may be held out as a whole


def assign_fold(table: pd.DataFrame, heads: list[str], share: float, seed: int, whole: str = "segment") -> pd.Series:
    """The column `fold`: `heldout` for a stratified `share` of the train split, `fit` for the rest of it, else ''.

    Strata are the label tuples (verb-noun pairs). `whole` says what is held out as a whole: `segment`, `video` or
    `group`. The outcome follows from ids, labels and `seed`, never from the order of the rows.

    Raises UserError when nothing would be held out, or when `group` is asked for and is not known.
    """
    fold = pd.Series("", index=table.index, dtype=object)
    train = table[table["split"] == "train"]
    fold[train.index] = "fit"
    chosen = _segments(train, heads, share, seed) if whole == "segment" else _units(train, heads, share, seed, whole)
    fold[chosen] = "heldout"
    return fold


def _segments(train: pd.DataFrame, heads: list[str], share: float, seed: int) -> pd.Index:
    """Index of held-out rows, chosen one by one.

    Segments are ordered by stratum and, inside it, by a hash of (seed, segment_id); every (1 / share)-th is held out,
    from a start that follows from the seed. So each stratum gives its share, and the total is exact to one segment. A
    stratum with a single segment stays in `fit`, and with share <= 0.5 no stratum is held out as a whole.
    """
    sizes = train.groupby(heads)["segment_id"].transform("size")
    candidates = train.loc[sizes > 1, [*heads, "segment_id"]]
    draw = candidates["segment_id"].map(lambda segment: unit(f"{seed}/{segment}"))
    order = candidates.assign(draw=draw).sort_values([*heads, "draw", "segment_id"]).index
    chosen = np.arange(unit(str(seed)) / share, len(order), 1 / share).astype(int)
    if len(chosen) == 0:
        raise UserError(
            f"heldout_share {share}: nothing would be held out, since only {len(order)} of {len(train)} training "
            "segments share their labels with another one. Raise the share or add data."
        )
    return order[chosen]


def _units(train: pd.DataFrame, heads: list[str], share: float, seed: int, whole: str) -> pd.Index:
    """Index of held-out rows: all of some videos or groups.

    `DRAWS` orders of the units follow from the seed. In each, a unit is taken where it brings the number of held-out
    segments nearer to the share; so never all are. The draw whose strata come nearest to giving their share is kept,
    measured by sum((held out - wanted)^2 / segments) over the strata and over the train split as one.
    """
    column = UNIT_COLUMNS[whole]
    if whole == "video" and "recording" in train:
        column = "recording"  # each clip has a video id of its own
    if (train[column] == "").any():
        unknown = train.loc[train[column] == "", "segment_id"]
        raise UserError(
            f"heldout_unit {whole}: the {whole} of {len(unknown)} of {len(train)} training segments is not known, the "
            f"first is {unknown.iloc[0]!r}. Give it in the annotations, or set data.heldout_unit to video."
        )
    strata = train.groupby(heads).ngroup()
    counts = pd.crosstab(train[column], strata).sort_index()
    sizes = counts.sum(axis=1).to_numpy()
    table = np.column_stack([counts.to_numpy(), sizes])
    everything = table.sum(axis=0)
    best, least = np.zeros(len(sizes), bool), np.inf
    for draw in range(DRAWS):
        taken = _nearest_to(share * len(train), sizes, generator("fold", seed, draw).permutation(len(sizes)))
        distance = ((table[taken].sum(axis=0) - share * everything) ** 2 / everything).sum()
        if taken.any() and distance < least:
            best, least = taken, distance
    if not best.any():
        raise UserError(
            f"heldout_unit {whole}, heldout_share {share}: nothing would be held out. The smallest of {len(sizes)} "
            f"{whole}s has {sizes.min()} of {len(train)} training segments, which must be less than twice the share. "
            "Raise the share or choose a smaller unit."
        )
    return train.index[train[column].isin(set(counts.index[best]))]


def _nearest_to(wanted: float, sizes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """bool [units]: each unit, in this order, that brings the sum of the sizes nearer to `wanted`."""
    taken, total = np.zeros(len(sizes), bool), 0
    for place in order.tolist():
        if abs(total + sizes[place] - wanted) < abs(total - wanted):
            taken[place] = True
            total += sizes[place]
    return taken
