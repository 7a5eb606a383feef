"""Reading and writing files so that a half-written file never looks complete.

Every output is written to a temporary name in its own folder, flushed to disk and then renamed: rename is atomic on
one file system, so a reader sees the old file, the new file or none.

pandas and pyarrow are imported by the functions that need them: every step imports this module, and most of the short
ones would spend more time on these imports than on their work.
"""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egokd.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

METADATA_KEY = b"egokd"


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, delete it on any error.

    The temporary name keeps the suffix, because some writers choose their format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON. Raises ValueError for NaN: it is not JSON, and a metric must not be NaN."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


AGAIN = "Delete it and run the rule that makes it again."
USERS = "Mend it, or download it again."  # nobody is told to delete a file that no rule makes


def read_json(path: str | Path, advice: str = AGAIN) -> Any:
    """Read JSON; UserError with path and position when it is missing or damaged.

    `advice`: what to do then, `USERS` for files that the workflow was given.
    """
    try:
        return json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error}). {advice}") from None
    except RecursionError:
        raise UserError(f"{path}: not valid JSON (nested too deeply). {advice}") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}). {advice}") from None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a result table as CSV with four decimals; a missing number is an empty cell."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")


def write_parquet(path: str | Path, table: "pd.DataFrame", metadata: dict | None = None) -> None:
    """Write a table as Parquet, with `metadata` as JSON under the schema key `egokd`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    if metadata is not None:
        arrow = arrow.replace_schema_metadata(
            {**(arrow.schema.metadata or {}), METADATA_KEY: json.dumps(metadata).encode()}
        )
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_parquet(path: str | Path) -> "pd.DataFrame":
    """Read a Parquet table. Raises UserError if the file is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).to_pandas()
    except pa.ArrowInvalid as error:
        raise UserError(
            f"{path}: not a readable Parquet file ({error}). Delete it and run the workflow again."
        ) from None


def parquet_metadata(path: str | Path) -> dict:
    """The JSON that `write_parquet` stored; empty if there is none."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(path).metadata or {}
    return json.loads(metadata.get(METADATA_KEY, b"{}"))
