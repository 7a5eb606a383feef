"""The held-out fold: a stratified part of the train split that no model is trained on."""

import numpy as np
import pandas as pd

from egokd.errors import UserError
from egokd.hashing import unit


def assign_fold(table: pd.DataFrame, heads: list[str], share: float, seed: int) -> pd.Series:
    """The column `fold`: `heldout` for a stratified `share` of the train split, `fit` for the rest of it, else ''.

    Strata are the label tuples (verb-noun pairs). Segments are ordered by stratum and, inside it, by a hash of (seed,
    segment_id); every (1 / share)-th is held out, from a start that follows from the seed. So each stratum gives its
    share, the total is exact to one segment, and the outcome depends on the ids and labels alone. A stratum with a
    single segment stays in `fit`, and with share <= 0.5 no stratum is held out as a whole.

    Raises UserError when nothing would be held out.
    """
    fold = pd.Series("", index=table.index, dtype=object)
    train = table[table["split"] == "train"]
    fold[train.index] = "fit"
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
    fold[order[chosen]] = "heldout"
    return fold
