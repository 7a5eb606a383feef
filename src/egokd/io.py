"""Reading and writing files so that a half-written file never looks complete.

Every output is written to a temporary name in its own folder, flushed to disk and then renamed: rename is atomic on
one file system, so a reader sees the old file, the new file or none.

pandas and pyarrow are imported by the functions that need them: every step imports this module, and most of the short
ones would spend more time on these imports than on their work.
"""

import errno
import fcntl
import glob
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from egokd import checksums
from egokd.checksums import again, check, damaged
from egokd.errors import UserError, writing

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

METADATA_KEY = b"egokd"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CANNOT_RESERVE = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}  # of some file systems
ZEROS = 2**20  # bytes written at a time where room cannot be reserved


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


def reserve(handle: IO[bytes], size: int, path: str | Path) -> None:
    """Make room for `size` bytes in a file opened for writing; those beyond its end are zeros.

    A file that is written through a memory map must have all of its room first: where the disk is full, a write to the
    map ends the process by a signal, without a word. Raises UserError that names `path`.
    """
    handle.flush()
    try:
        try:
            os.posix_fallocate(handle.fileno(), 0, size)
        except OSError as error:
            if error.errno not in CANNOT_RESERVE:
                raise
            handle.seek(0, os.SEEK_END)
            while (left := size - handle.tell()) > 0:
                handle.write(bytes(min(ZEROS, left)))
            handle.flush()
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UserError(
            f"{path}: no room for its {size / 1e6:.1f} MB ({os.strerror(error.errno)}); free some on the disk of "
            f"{Path(path).absolute().parent} and call the workflow again"
        ) from None


def write_json(path: str | Path, value: Any, sealed: bool = False) -> None:
    """Write `value` as indented JSON. Raises ValueError for NaN: it is not JSON, and a metric must not be NaN.

    sealed: with a checksum, one more entry of the dictionary `value`; for whatever decides a number of the results
    """
    value = {**value, checksums.KEY: checksums.BLANK} if sealed else value
    data = (json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(checksums.seal(data) if sealed else data)


USERS = "Mend it, or download it again."  # nobody is told to delete a file that no rule makes


def read_json(path: str | Path, advice: str = "") -> Any:
    """Read JSON; UserError with path and position when it is missing, damaged or not what its checksum says.

    `advice`: what to do then, `USERS` for files that the workflow was given; else the rule that makes it, by its place.
    """
    own, advice = not advice, advice or again(path)
    try:
        data = Path(path).read_bytes()
        value = json.loads(data.decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error}). {advice}") from None
    except RecursionError:
        raise UserError(f"{path}: not valid JSON (nested too deeply). {advice}") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}). {advice}") from None
    return _without_checksum(path, data, value) if own else value


def _without_checksum(path: str | Path, data: bytes, value: Any) -> Any:
    """The value, once its checksum was looked at and taken out; UserError where it is wrong or half there."""
    keyed = isinstance(value, dict) and value.pop(checksums.KEY, None) is not None
    if checksums.intact(data) is not (True if keyed else None):
        raise damaged(path, f"it does not match its {checksums.KEY}, which you remove if you changed the file yourself")
    return value


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a result table as CSV with four decimals; a missing number is an empty cell."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")


def write_parquet(path: str | Path, table: "pd.DataFrame", metadata: dict | None = None) -> None:
    """Write a table as Parquet, with a checksum, and with `metadata` as JSON under the schema key `egokd`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    extra = {checksums.KEY: checksums.BLANK} | ({METADATA_KEY: json.dumps(metadata)} if metadata is not None else {})
    sink = pa.BufferOutputStream()
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **extra})
    pq.write_table(arrow, sink, compression="zstd")
    with atomic_path(path) as temporary:
        temporary.write_bytes(checksums.seal(sink.getvalue().to_pybytes()))


def open_parquet(path: str | Path, columns: list[str] | None = None) -> tuple["pa.Table", dict]:
    """A Parquet table (or some columns of it) and the JSON that `write_parquet` stored, {} if there is none.

    Raises UserError if the file is missing, damaged or not what its checksum says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = Path(path).read_bytes()
        check(path, data, "tables")
        table = pq.read_table(pa.BufferReader(data), columns=columns)
        return table, json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such table. Call the workflow again, which makes it.") from None
    except (pa.ArrowException, OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}). {again(path)}") from None


def read_parquet(path: str | Path) -> "pd.DataFrame":
    """Read a Parquet table. Raises UserError if the file is missing or damaged."""
    return open_parquet(path)[0].to_pandas()
