"""Stores of waveforms: Arrow IPC files, memory-mapped.

One row per segment: `segment_id`, `start_s` (video time of the first sample) and `samples` (mono int16, little-endian),
null where the source has no sound. The file's schema metadata holds JSON under the key `egokd`: sample rate, margin.
Checksums as in `egokd.media.arrow_checks`.
"""

from zlib import crc32

import numpy as np

from egokd.checksums import damaged
from egokd.errors import UserError
from egokd.media.arrow_checks import read_batches, sums_in
from egokd.media.arrow_reader import open_arrow
from egokd.media.lazy import LazyStore


class AudioStore(LazyStore[dict[str, tuple[int, int, int]]]):
    """Waveforms of several shards by segment id."""

    def _read_index(self) -> dict[str, tuple[int, int, int]]:
        self._files, index = [], {}
        self._checked: set[str] = set()  # segments whose samples were held against their sum
        for number, path in enumerate(self.paths):
            reader, metadata = open_arrow(path, "audio")
            batches = read_batches(path, reader)
            self._files.append((batches, int(metadata["sample_rate"])))
            for b, batch in enumerate(batches):
                known = batch.column("samples").is_valid().to_pylist()
                for row, segment_id in enumerate(batch.column("segment_id").to_pylist()):
                    if known[row]:
                        index[segment_id] = (number, b, row)
        return index

    def has(self, segment_id: str) -> bool:
        """Whether there is sound: False for silent videos and for segments that were skipped."""
        return segment_id in self._open()

    def waveform(self, segment_id: str) -> tuple[np.ndarray, float, int]:
        """(float32 [N] in [-1, 1), video time of the first sample in s, samples per second)."""
        try:
            number, b, row = self._open()[segment_id]
        except KeyError:
            raise UserError(f"segment {segment_id!r} has no sound in the store; ask has() first") from None
        batches, rate = self._files[number]
        data = batches[b].column("samples")[row].as_buffer()
        if segment_id not in self._checked:
            sums = sums_in(batches[b], "samples")
            if sums is not None and crc32(data) != sums[row]:
                raise damaged(self.paths[number], f"the sound of segment {segment_id!r} does not match its checksum")
            self._checked.add(segment_id)
        samples = np.frombuffer(data, "<i2")
        return samples.astype(np.float32) / 32768, batches[b].column("start_s")[row].as_py(), rate
