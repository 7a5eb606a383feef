"""How predictions meet their labels: by the ids of the segments, never by their place in a file."""

import pandas as pd

from egokd.errors import UserError


def rows_of(table: pd.DataFrame, ids: list[str], file: str, where: str) -> pd.DataFrame:
    """The rows of these segments of a segment table, in the order of `ids` and indexed by them.

    Raises UserError, naming the `file` of predictions and the table's file `where`, if a segment is not in the table
    or is there twice.
    """
    by_id = table.set_index("segment_id")
    unknown = set(ids) - set(by_id.index)
    if unknown:
        raise UserError(f"{file}: segment {min(unknown)!r} is not in {where}; predict again")
    rows = by_id.loc[ids]
    if len(rows) != len(ids):
        twice = rows.index[rows.index.duplicated()][0]
        raise UserError(f"{where}: segment {twice!r} is there twice; delete this file and run the workflow again")
    return rows
