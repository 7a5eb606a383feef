"""Opening the Arrow IPC files that stores are made of: memory-mapped, checked, their metadata read."""

import json
from pathlib import Path

import pyarrow as pa

from egokd.errors import UserError
from egokd.io import METADATA_KEY


def open_arrow(path: Path, kind: str) -> tuple[pa.RecordBatchFileReader, dict]:
    """Map an IPC file and read its metadata; UserError unless it is a whole file of `kind` (`frames`, `audio`)."""
    again = "Delete it and run the step that makes it again."
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        metadata = json.loads((reader.schema.metadata or {})[METADATA_KEY])
    except FileNotFoundError:
        raise UserError(f"{path}: no such store; run the step that makes it.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: truncated, or not an Arrow file ({error}). {again}") from None
    except (KeyError, json.JSONDecodeError):
        raise UserError(f"{path}: an Arrow file, but not a store of egokd (no metadata). {again}") from None
    if metadata.get("store") != kind:
        raise UserError(f"{path}: expected a store of {kind}, found {metadata.get('store')!r}. {again}")
    return reader, metadata
