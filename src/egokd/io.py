"""Reading and writing files so that a half-written file never looks complete.

Every output is written to a temporary name in its own folder, flushed to disk and then renamed: rename is atomic on
one file system, so a reader sees the old file, the new file or none.
"""

import fcntl
import glob
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from egokd.errors import UserError, writing

METADATA_KEY = b"egokd"


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, delete it on any error.

    The temporary name keeps the suffix, because some writers choose their format by it. What a killed process left of
    the same output is deleted. Raises UserError where the place is full or cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_left_over(path, f".part{path.suffix}")
        with temporary.open("xb") as handle:
            _mark(handle.fileno())
            try:
                yield temporary
                with temporary.open("rb") as written:  # a writer may have put another file in the place of this one
                    os.fsync(written.fileno())
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)


def _mark(descriptor: int) -> bool:
    """Take the lock that says that an open file is being written; False where another process has it, or none can."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # taken, or this file system has no locks: then nothing is known, and files stay
        return False
    return True


def remove_left_over(path: Path, ending: str) -> None:
    """Delete hidden files with this ending that a killed process left of the output `path`; those in use stay."""
    for name in glob.glob(f"{glob.escape(str(path.parent))}/.{glob.escape(path.stem)}.*{glob.escape(ending)}"):
        with suppress(OSError), open(name, "rb") as handle:  # deleted by another process, or not ours to open
            if len(Path(name).name) == len(f".{path.stem}.12345678{ending}") and _mark(handle.fileno()):
                os.unlink(name)


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


def write_parquet(path: str | Path, table: pd.DataFrame, metadata: dict | None = None) -> None:
    """Write a table as Parquet, with `metadata` as JSON under the schema key `egokd`."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    if metadata is not None:
        arrow = arrow.replace_schema_metadata(
            {**(arrow.schema.metadata or {}), METADATA_KEY: json.dumps(metadata).encode()}
        )
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a Parquet table. Raises UserError if the file is damaged."""
    try:
        return pq.read_table(path).to_pandas()
    except pa.ArrowInvalid as error:
        raise UserError(
            f"{path}: not a readable Parquet file ({error}). Delete it and run the workflow again."
        ) from None


def parquet_metadata(path: str | Path) -> dict:
    """The JSON that `write_parquet` stored; empty if there is none."""
    metadata = pq.read_schema(path).metadata or {}
    return json.loads(metadata.get(METADATA_KEY, b"{}"))
