"""What guards an Arrow store against damage; writers put it in, readers hold it against what they read.

- The metadata of the file carries a mark, as `egokd.checksums` describes it.
- Every column of encoded bytes has a neighbour, `{column}_crc32`, with the CRC-32 of each row's bytes: a row is checked
  when it is read, so opening a store touches no frame.
- Every record batch carries its number, whether it is the last, and the CRC-32 of its other columns (times, ids, sums,
  which rows are null), checked when the batch is first touched, after the places of its rows: a row that reached out of
  the file would end the process by a signal.

Stores from before that have none of the three and are read without a check.
"""

import json
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa

from egokd.checksums import BLANK, KEY, check, damaged, seal

SUFFIX = "_crc32"
DAMAGE = (pa.ArrowException, OSError)  # what Arrow raises for bytes that it cannot make sense of


def sums_of(column: str) -> str:
    """The name of the column with the sums of another."""
    return f"{column}{SUFFIX}"


def sealed_metadata(metadata: dict) -> bytes:
    """The metadata of a store as marked JSON."""
    return seal(json.dumps({**metadata, KEY: BLANK}).encode())


def read_metadata(path: Path, text: bytes) -> dict:
    """The metadata again; UserError where it is damaged. Raises JSONDecodeError for other text."""
    check(path, text, "stores")
    metadata = json.loads(text)
    metadata.pop(KEY, None)
    return metadata


def _small_columns(batch: pa.RecordBatch) -> int:
    """CRC-32 of all but the encoded bytes and the dictionary of video ids, which no reader looks at."""
    total = 0
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_binary(column.type):
            values = column.is_valid().to_numpy(zero_copy_only=False).tobytes()
        elif pa.types.is_string(column.type):
            values = json.dumps(column.to_pylist()).encode()
        elif pa.types.is_primitive(column.type):
            values = column.to_numpy(zero_copy_only=False).tobytes()
        else:
            continue
        total = crc32(values, crc32(f"{name} {column.type} {len(column)}\n".encode(), total))
    return total


def batch_mark(batch: pa.RecordBatch, number: int, last: bool) -> dict[str, str]:
    """What a batch carries: its number in the file, whether it is the last one, the sum of its small columns."""
    return {KEY: f"{number} {'last' if last else 'more'} {_small_columns(batch):08x}"}


def is_guarded(reader: pa.RecordBatchFileReader) -> bool:
    """Whether a store was written with sums."""
    return any(name.endswith(SUFFIX) for name in reader.schema.names)


def read_batches(path: Path, reader: pa.RecordBatchFileReader) -> list[pa.RecordBatch]:
    """The (mapped) batches of a store, without touching encoded bytes. UserError where anything else is damaged."""
    count, guarded = reader.num_record_batches, is_guarded(reader)
    if guarded and not count:
        raise damaged(path, "its list of record batches is empty")
    batches = []
    for number in range(count):
        try:
            batch, mark = reader.get_batch_with_custom_metadata(number)
            batch.validate(full=True)
            expected = batch_mark(batch, number, number == count - 1) if guarded else {}
        except DAMAGE as error:
            raise damaged(path, f"record batch {number} cannot be read: {error}") from None
        if {bytes(key): bytes(value) for key, value in dict(mark or {}).items()} != {
            key.encode(): value.encode() for key, value in expected.items()
        }:
            raise damaged(path, f"times, ids or places in record batch {number} do not match their checksum")
        batches.append(batch)
    return batches


def sums_in(batch: pa.RecordBatch, column: str) -> np.ndarray | None:
    """uint32 [rows]: the sums of a column's encoded bytes; None in a store without."""
    name = sums_of(column)
    return batch.column(name).to_numpy() if name in batch.schema.names else None
