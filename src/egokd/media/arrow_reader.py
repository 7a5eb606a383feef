"""Opening the Arrow IPC files that stores are made of: memory-mapped, checked, their metadata read."""

import json
from pathlib import Path

import pyarrow as pa

from egokd.checksums import MARK, damaged
from egokd.errors import UserError
from egokd.io import METADATA_KEY
from egokd.makers import again
from egokd.media.arrow_checks import DAMAGE, is_guarded, read_metadata

COLUMNS = {  # beside those with encoded bytes of frames, which have names of their own
    "frames": {"time_s": pa.float64()},
    "audio": {"segment_id": pa.string(), "start_s": pa.float64(), "samples": pa.binary()},
}


def open_arrow(path: Path, kind: str) -> tuple[pa.RecordBatchFileReader, dict]:
    """Map an IPC file and read its metadata; UserError unless it is a whole, undamaged file of `kind`.

    kind: `frames` or `audio`
    """
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        text = (reader.schema.metadata or {})[METADATA_KEY]
        metadata = read_metadata(path, text)
        types = {field.name: field.type for field in reader.schema}
    except FileNotFoundError:
        raise UserError(f"{path}: no such store; run the step that makes it.") from None
    except (KeyError, json.JSONDecodeError):
        raise UserError(f"{path}: an Arrow file, but not a store of egokd (no metadata). {again(path)}") from None
    except (*DAMAGE, UnicodeDecodeError) as error:
        raise UserError(f"{path}: truncated, or not an Arrow file ({error}). {again(path)}") from None
    if metadata.get("store") != kind:
        raise UserError(f"{path}: expected a store of {kind}, found {metadata.get('store')!r}. {again(path)}")
    for name, expected in COLUMNS[kind].items():
        if types.get(name) != expected:
            raise damaged(path, f"its table has no column {name} of {expected}")
    if is_guarded(reader) != (MARK in text):
        raise damaged(path, "some of its checksums are missing")
    return reader, metadata
