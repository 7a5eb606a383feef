"""Writing Arrow IPC files in record batches, so that they appear only when complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from egokd.io import atomic_path

BATCH_BYTES = 32 * 2**20  # a record batch is written when its longest column holds this much


@contextmanager
def arrow_file(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatchFileWriter]:
    """An Arrow IPC file that appears under its name only when complete."""
    with (
        atomic_path(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        yield writer
