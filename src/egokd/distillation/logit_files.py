"""Files of logits: banks (a teacher's logits on every training view, read while students train) and predictions.

A part is a safetensors file: one float16 tensor [segments, views, classes] per head, `available` uint8 [segments] (0
where the teacher's modality is missing; its logits are zero then), and as metadata the ids of the segments, the numbers
of the views, teacher, dataset and seed. Predictions have the same layout, in float32, with test views instead of
training views.

Parts are written through a memory map, chunk by chunk, so memory does not grow with the number of segments and views.

Against damage, `checksums` uint32 [segments, views] holds the CRC-32 of each row's logits, head after head in the order
of their names, checked whenever a row is read: a bank of 100 GB opens as fast as a small one. The metadata carries the
mark of `egokd.checksums` over the header and `available`. Files from before have neither and are read without a check.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from safetensors import SafetensorError, safe_open

from egokd.checksums import BLANK, KEY, check, damaged, seal
from egokd.distillation.tensor_files import Shapes, make_header, map_tensors, read_header
from egokd.errors import UserError
from egokd.io import atomic_path, reserve
from egokd.makers import again

AVAILABLE = "available"
SUMS = "checksums"
Chunk = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]  # rows [B], columns (index of the view) [B], {head: [B,K]}


def write_logits(
    path: str | Path,
    segment_ids: Sequence[str],
    views: Sequence[int],
    num_classes: dict[str, int],
    available: np.ndarray,
    chunks: Iterable[Chunk],
    metadata: Mapping[str, object],
    dtype: str = "float16",
) -> None:
    """Write a part of a bank, or predictions (dtype float32), atomically.

    chunks  every (row, column) of an available segment exactly once, in any order; rows index `segment_ids`, columns
            index `views`

    Raises UserError, naming the segment, for logits that are not finite or outside the range of `dtype`, and
    RuntimeError if a pair is missing or written twice, which would be a bug in egokd.
    """
    count, width = len(segment_ids), len(views)
    shapes: Shapes = {
        SUMS: ("uint32", (count, width)),
        **{head: (dtype, (count, width, classes)) for head, classes in num_classes.items()},
        AVAILABLE: ("uint8", (count,)),
    }
    text = {"segment_ids": json.dumps(list(segment_ids)), "views": json.dumps([int(view) for view in views])}
    text |= {key: str(value) for key, value in metadata.items()} | {KEY: BLANK}
    header, begins = make_header(shapes, text)
    available = np.asarray(available, dtype=bool)
    marks = available.astype(np.uint8).tobytes()
    header = seal(header + marks)[: len(header)]
    done = np.zeros((count, width), dtype=np.uint8)
    with atomic_path(path) as temporary:
        with temporary.open("wb") as handle:
            reserve(handle, begins[AVAILABLE] + count, path)
            handle.seek(0)
            handle.write(header)
            handle.seek(begins[AVAILABLE])
            handle.write(marks)
        tensors = {
            name: np.memmap(temporary, shapes[name][0], "r+", begins[name], shapes[name][1])
            for name in (*num_classes, SUMS)
            if count
        }
        if count:  # rows without the modality keep the zeros of the empty file
            tensors[SUMS][~available] = crc32(bytes(sum(num_classes.values()) * np.dtype(dtype).itemsize))
        for rows, columns, logits in chunks:
            if len(rows) == 0:
                continue
            np.add.at(done, (rows, columns), 1)
            stored = {}
            for head, values in logits.items():
                _check_range(values, dtype, rows, segment_ids, head)
                tensors[head][rows, columns] = stored[head] = values.astype(dtype, order="C")
            tensors[SUMS][rows, columns] = [_sum(stored, place) for place in range(len(rows))]
        for tensor in tensors.values():
            tensor.flush()
        expected = np.broadcast_to(available[:, None], done.shape)
        if not np.array_equal(done, expected):
            row, column = np.argwhere(done != expected)[0]
            raise RuntimeError(
                f"{path}: segment {segment_ids[row]!r}, view {views[column]}: written {done[row, column]} time(s) "
                f"instead of {int(expected[row, column])}"
            )


def _sum(logits: Mapping[str, np.ndarray], place: int | tuple[int, ...]) -> int:
    """CRC-32 of one row of C-contiguous arrays by head, as they are stored."""
    total = 0
    for head in sorted(logits):
        total = crc32(logits[head][place], total)
    return total


def _check_range(values: np.ndarray, dtype: str, rows: np.ndarray, segment_ids: Sequence[str], head: str) -> None:
    largest = np.abs(values).max(axis=1)
    bad = ~(largest <= np.finfo(dtype).max)  # true for NaN
    if bad.any():
        worst = int(np.argmax(bad))
        raise UserError(
            f"segment {segment_ids[rows[worst]]!r}: a logit of head {head!r} is {largest[worst]}, not a finite "
            f"{dtype}: the model has diverged. Train it again with a lower learning rate or a smaller clip_norm."
        )


class LogitFile:
    """Logits by (segment, view) from one or several files, read from disk on request.

    Files may be parts of the segments, blocks of views, or both: every block of views has the same segments.
    Can be passed to worker processes: open files are not pickled, and each process opens its own.
    Raises UserError for damaged files, for files that do not match, and for a pair that is in two files.
    """

    def __init__(self, paths: Sequence[str | Path]):
        self.paths = [str(path) for path in paths]
        self._open: dict[int, dict[str, np.ndarray]] = {}  # by file, its tensors, mapped
        self._blocks: dict[tuple[int, ...], dict[str, tuple[int, int]]] = {}  # views -> segment -> (file, row)
        self.available: dict[str, bool] = {}
        self.num_classes: dict[str, int] = {}
        self.metadata: dict[str, str] = {}
        self._guarded: list[bool] = []  # by file, whether it has sums
        for number, path in enumerate(self.paths):
            self._add(number, path)
        self._check_blocks()
        self.views = [view for block in sorted(self._blocks) for view in block]
        # view -> (its block's rows, its column in the block)
        self._column = {
            view: (rows, column) for block, rows in self._blocks.items() for column, view in enumerate(block)
        }

    def _add(self, number: int, path: str) -> None:
        try:
            with safe_open(path, framework="numpy") as handle:  # refuses what is no whole file of this format
                metadata = dict(handle.metadata() or {})
            ids, views = json.loads(metadata.pop("segment_ids")), tuple(json.loads(metadata.pop("views")))
            tensors = self._tensors(number)
            available = tensors[AVAILABLE]
            check(path, read_header(path) + available.tobytes(), "logits")
            shapes = {name: tensors[name].shape for name in sorted(tensors) if name != AVAILABLE}
            self._guarded.append(shapes.pop(SUMS, None) is not None)
        except FileNotFoundError:
            raise UserError(f"{path}: no such file of logits; run the rule that writes it") from None
        except (SafetensorError, KeyError, OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise UserError(f"{path}: not a readable file of logits ({error}). {again(path)}") from None
        metadata.pop(KEY, None)
        classes = {head: shape[2] for head, shape in shapes.items()}
        if number and classes != self.num_classes:
            raise UserError(
                f"{path} does not match {self.paths[0]}: heads {classes} instead of {self.num_classes}; make all files "
                "again with the same config"
            )
        self.num_classes, self.metadata = classes, metadata
        rows = self._blocks.setdefault(views, {})
        for row, segment_id in enumerate(ids):
            if segment_id in rows:
                raise UserError(f"{path}: segment {segment_id!r} is also in {self.paths[rows[segment_id][0]]}")
            rows[segment_id] = (number, row)
            if self.available.setdefault(segment_id, bool(available[row])) != bool(available[row]):
                raise UserError(
                    f"{path}: segment {segment_id!r} has its modality here and not in another block of views; make all "
                    "files again with the same stores"
                )

    def _check_blocks(self) -> None:
        """Raise UserError if blocks of views overlap or have different segments."""
        if not self._blocks:
            return
        views = [view for block in self._blocks for view in block]
        if len(set(views)) < len(views):
            twice = next(view for view in views if views.count(view) > 1)
            raise UserError(f"{self.paths[0]} and the other files: view {twice} is in two blocks of views")
        first = next(iter(self._blocks.values()))
        for block, rows in self._blocks.items():
            if rows.keys() != first.keys():
                odd = sorted(rows.keys() ^ first.keys())[0]
                raise UserError(
                    f"{self.paths[0]} does not match the other files: segment {odd!r} is not in every block of "
                    f"views (compare views {block[0]} to {block[-1]}); make all files again with the same config"
                )

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_open": {}}

    def _tensors(self, number: int) -> dict[str, np.ndarray]:
        """The tensors of a file, mapped."""
        if number not in self._open:
            self._open[number] = map_tensors(self.paths[number])
        return self._open[number]

    @property
    def segment_ids(self) -> list[str]:
        """All segments, in the order of the parts."""
        return list(next(iter(self._blocks.values()), {}))

    def check(self, segment_ids: Sequence[str], views: Sequence[int], num_classes: dict[str, int]) -> None:
        """Raise UserError unless the files have all these segments and views, and exactly these classes per head."""
        if num_classes != self.num_classes:
            raise UserError(
                f"{self.paths[0]}: classes per head are {self.num_classes}, but the dataset has {num_classes}; "
                "make it again for this dataset"
            )
        missing = [segment_id for segment_id in segment_ids if segment_id not in self.available]
        if missing:
            raise UserError(
                f"{self.paths[0]} and {len(self.paths) - 1} other file(s): {len(missing)} segment(s) are missing, "
                f"the first is {missing[0]!r}; make them again"
            )
        absent = [view for view in views if view not in self._column]
        if absent:
            raise UserError(
                f"{self.paths[0]} and {len(self.paths) - 1} other file(s) have {len(self.views)} views per segment, "
                f"view {absent[0]} is missing; make the bank again with as many views as the student has epochs, or "
                "set bank.views_per_segment"
            )

    def logits(self, segment_id: str, view: int) -> dict[str, np.ndarray] | None:
        """{head: float32 [K]} of one view, or None if the segment lacks the modality."""
        if segment_id not in self.available or view not in self._column:
            self.check([segment_id], [view], self.num_classes)
        if not self.available[segment_id]:
            return None
        rows, column = self._column[view]
        number, row = rows[segment_id]
        tensors = self._tensors(number)
        found = {head: tensors[head][row, column] for head in self.num_classes}
        if self._guarded[number] and _sum(found, ()) != tensors[SUMS][row, column]:
            raise self._damaged(number, segment_id, view)
        return {head: values.astype(np.float32) for head, values in found.items()}

    def all_logits(self, segment_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """{head: float32 [N,V,K]} of these segments, in this order; zeros where the modality is missing."""
        self.check(segment_ids, [], self.num_classes)
        out = {
            head: np.empty((len(segment_ids), len(self.views), classes), dtype=np.float32)
            for head, classes in self.num_classes.items()
        }
        begin = 0
        for block in sorted(self._blocks):
            places = [self._blocks[block][segment_id] for segment_id in segment_ids]
            index = np.array(places).reshape(-1, 2)  # file, row
            for number in np.unique(index[:, 0]):
                mine = np.flatnonzero(index[:, 0] == number)
                rows = self._rows(int(number), index[mine, 1], [segment_ids[place] for place in mine.tolist()], block)
                for head, values in rows.items():
                    out[head][mine, begin : begin + len(block)] = values
            begin += len(block)
        return out

    def _rows(self, number: int, rows: np.ndarray, ids: Sequence[str], views: Sequence[int]) -> dict[str, np.ndarray]:
        """{head: [rows,V,K]} of one file, as stored, held against their sums."""
        tensors = self._tensors(number)
        found = {head: tensors[head][rows] for head in self.num_classes}
        if self._guarded[number]:
            sums = tensors[SUMS][rows]
            for place in np.ndindex(sums.shape):
                if _sum(found, place) != sums[place]:
                    raise self._damaged(number, ids[place[0]], views[place[1]])
        return found

    def _damaged(self, number: int, segment_id: str, view: int) -> UserError:
        what = f"the logits of segment {segment_id!r}, view {view}, do not match their checksum"
        return damaged(self.paths[number], what)

    def availability(self, segment_ids: Sequence[str]) -> np.ndarray:
        """bool [N]: whether each of these segments has the modality."""
        return np.array([self.available[segment_id] for segment_id in segment_ids], dtype=bool)
