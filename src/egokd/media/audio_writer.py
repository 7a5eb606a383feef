"""Writes an audio store: one shard of waveforms, as `egokd.media.audio_store` describes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from egokd.io import METADATA_KEY
from egokd.media import arrow_writer
from egokd.media.arrow_checks import sealed_metadata, sums_of

AUDIO_FIELDS = [
    ("segment_id", pa.string()),
    ("start_s", pa.float64()),
    ("samples", pa.binary()),
    (sums_of("samples"), pa.uint32()),
]


@contextmanager
def audio_writer(path: str | Path, sample_rate: int, margin_s: float) -> Iterator[Any]:
    """Yield `add(segment_id, start_s, samples int16 [N] or None)`; the store appears when the block ends well."""
    metadata = {"store": "audio", "sample_rate": sample_rate, "margin_s": margin_s}
    schema = pa.schema(AUDIO_FIELDS, {METADATA_KEY: sealed_metadata(metadata)})
    rows: list[tuple[str, float, bytes | None, int]] = []

    with arrow_writer.arrow_file(Path(path), schema) as writer:

        def flush(last: bool) -> None:
            arrays = [pa.array([row[i] for row in rows], kind) for i, (_, kind) in enumerate(AUDIO_FIELDS)]
            writer.write(pa.record_batch(arrays, schema=schema), last)
            rows.clear()

        def add(segment_id: str, start_s: float, samples: np.ndarray | None) -> None:
            data = None if samples is None else samples.astype("<i2").tobytes()
            rows.append((segment_id, start_s, data, crc32(data or b"")))
            if sum(len(row[2] or b"") for row in rows) > arrow_writer.BATCH_BYTES:
                flush(last=False)

        yield add
        flush(last=True)
