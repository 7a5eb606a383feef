"""Reading annotation tables so that whatever is wrong is named by file, line and value."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.errors import UserError

FOLDERS = (".", "annotations", "labels")  # of a dataset's root, in which annotation files are looked for
LONGEST_NAME, LONGEST_PATH = 250, 3000  # bytes, characters; file systems allow 255 and 4096 with what is around it
LONGEST_SHOWN, MOST_SHOWN = 40, 12  # letters of a column's name, and columns, in a sentence
MAX_DIGITS = 18  # all whole numbers of so many fit into 64 bits
LONGEST_S = 1e12  # what is longer is cut to this: every video ends before
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
    """Read a CSV as text, without the blanks around headers; UserError when a column is missing or there twice."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows with more values than the header has names
            table = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False).fillna("")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error}); save it as CSV in UTF-8") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, OSError) as error:
        raise UserError(f"{path}: not a readable CSV file ({str(error).strip()})") from None
    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UserError(f"{path}: lacks the columns {missing}; it has {_shortened(list(table.columns))}")
    for column in table.columns:
        base = re.sub(r"\.\d+$", "", column)  # the reader numbers the second of two equal names
        if list(table.columns).count(column) > 1 or (base != column and base in columns):
            raise UserError(f"{path}: has the column {base!r} twice")
    return table


def _shortened(names: list[str]) -> str:
    """A list for a sentence: a file that is no table may seem to have thousands of columns, or one of megabytes."""
    shown = [name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}..." for name in names[:MOST_SHOWN]]
    return f"{shown}" + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")


def need_rows(path: Path, table: pd.DataFrame) -> None:
    """UserError for a table with a header only."""
    if table.empty:
        raise UserError(f"{path}: has a header and no rows; expected at least one annotated segment")


def refuse_name(path: Path, name: str) -> None:
    """UserError for a name that no file can have."""
    if not name:
        raise UserError(f"{path}: an empty name, which no file can have")
    try:
        parts = name.encode().split(b"/")
    except UnicodeEncodeError:
        raise UserError(f"{path}: {name!r} is not a name that a file can have (broken Unicode)") from None
    if b"\0" in name.encode() or max(map(len, parts)) > LONGEST_NAME or len(name) > LONGEST_PATH:
        short = name if len(name) < 80 else f"{name[:60]}... ({len(name)} characters)"
        raise UserError(f"{path}: {short!r} is not a name that a file can have")


def refuse(path: Path, table: pd.DataFrame, bad: pd.Series, what: str) -> None:
    """Raise UserError naming the first bad row, if there is one; `what` may use the row's columns in braces."""
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        name = table.iloc[row, 0]
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise UserError(f"{path}, line {row + HEADER_ROWS} ({name}): {what.format(**table.iloc[row])}{more}")


def whole_numbers(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    """A column of text as int64."""
    bad = ~table[column].str.fullmatch(r"-?[0-9]+").astype(bool)
    refuse(path, table, bad, f"{column} is {{{column}!r}}, expected a whole number")
    bad = table[column].str.len() > MAX_DIGITS
    refuse(path, table, bad, f"{column} is {{{column}}}, expected a number of at most {MAX_DIGITS} digits")
    return table[column].astype(np.int64)


def seconds(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    """A column of text as float64 seconds, NaN where it is empty."""
    numbers = pd.to_numeric(table[column], errors="coerce").astype(np.float64)
    bad = (numbers.isna() & (table[column].str.strip() != "")) | np.isinf(numbers)
    refuse(path, table, bad, f"{column} is {{{column}!r}}, expected seconds like 12.5, or nothing")
    return numbers.clip(upper=LONGEST_S)


def class_names(path: Path, number: str, name: str) -> list[str]:
    """Names of a head's classes from columns `number` (0, 1, 2, ...) and `name`."""
    table = read_csv(path, [number, name])
    numbers = whole_numbers(path, table, number)
    refuse(path, table, numbers != np.arange(len(table)), f"classes must be numbered 0, 1, 2, ..., found {{{number}}}")
    return table[name].tolist()
