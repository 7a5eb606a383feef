"""Reading annotation tables so that whatever is wrong is named by file, line and value."""

from pathlib import Path

import numpy as np
import pandas as pd

from egokd.errors import UserError

FOLDERS = (".", "annotations", "labels")  # of a dataset's root, in which annotation files are looked for
HEADER_ROWS = 2  # row i of a table stands in line i + 2 of its file


def find_file(root: str | Path, *names: str) -> Path | None:
    """The first of `names` that is a file in `root` or in its folders `annotations` or `labels`; None without one."""
    paths = (Path(root) / folder / name for name in names for folder in FOLDERS)
    return next((path for path in paths if path.is_file()), None)


def need_file(root: str | Path, dataset: str, *names: str) -> Path:
    """Like `find_file`, but UserError without one."""
    path = find_file(root, *names)
    if path is None:
        raise UserError(
            f"{Path(root) / names[0]}: not found, nor in the folders `annotations` and `labels` beside it. "
            f"Put the official annotation files of {dataset} there (docs/datasets.md)."
        )
    return path


def read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a CSV as text; UserError when a column is missing."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable CSV file ({str(error).strip()})") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UserError(f"{path}: lacks the columns {missing}; it has {list(table.columns)}")
    return table


def refuse(path: Path, table: pd.DataFrame, bad: pd.Series, what: str) -> None:
    """Raise UserError naming the first bad row, if there is one; `what` may use the row's columns in braces."""
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        name = table.iloc[row, 0]
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise UserError(f"{path}, line {row + HEADER_ROWS} ({name}): {what.format(**table.iloc[row])}{more}")


def whole_numbers(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    """A column of text as int64."""
    bad = ~table[column].str.fullmatch(r"-?\d+")
    refuse(path, table, bad, f"{column} is {{{column}!r}}, expected a whole number")
    return table[column].astype(np.int64)


def seconds(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    """A column of text as float64 seconds, NaN where it is empty."""
    numbers = pd.to_numeric(table[column], errors="coerce").astype(np.float64)
    bad = (numbers.isna() & (table[column].str.strip() != "")) | np.isinf(numbers)
    refuse(path, table, bad, f"{column} is {{{column}!r}}, expected seconds like 12.5, or nothing")
    return numbers


def class_names(path: Path, number: str, name: str) -> list[str]:
    """Names of a head's classes from columns `number` (0, 1, 2, ...) and `name`."""
    table = read_csv(path, [number, name])
    numbers = whole_numbers(path, table, number)
    refuse(path, table, numbers != np.arange(len(table)), f"classes must be numbered 0, 1, 2, ..., found {{{number}}}")
    return table[name].tolist()
