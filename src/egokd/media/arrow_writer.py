"""Writing Arrow IPC files in record batches, so that they appear only when complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from egokd.io import atomic_path
from egokd.media.arrow_checks import batch_mark

BATCH_BYTES = 32 * 2**20  # a record batch is written when its longest column holds this much


class BatchWriter:
    """Writes record batches, numbered and with their checksums; the last one, which may be empty, says that it is."""

    def __init__(self, writer: pa.RecordBatchFileWriter):
        self._writer, self._number = writer, 0

    def write(self, batch: pa.RecordBatch, last: bool) -> None:
        self._writer.write_batch(batch, custom_metadata=batch_mark(batch, self._number, last))
        self._number += 1


@contextmanager
def arrow_file(path: Path, schema: pa.Schema) -> Iterator[BatchWriter]:
    """An Arrow IPC file that appears under its name only when complete."""
    with (
        atomic_path(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        yield BatchWriter(writer)
