"""Frames that a store has decoded once and keeps."""

import numpy as np

ABSENT = -1


class DecodedFrames:
    """Room for `capacity` bytes of decoded frames, by row (0 to `rows` - 1) and column.

    All of it is one block of memory, found again by two tables of numbers: an object for each frame, thousands of
    them, would lie between a step's large tensors and leave holes in memory that fit nothing. The system gives the
    block's pages only as they are written.
    """

    def __init__(self, rows: int, capacity: int):
        self._rows = rows
        self._block = np.empty(capacity, np.uint8)
        self._used = 0
        self._offsets: dict[str, np.ndarray] = {}  # by column: int64 [rows], first byte of the frame or ABSENT
        self._shapes: dict[str, np.ndarray] = {}  # by column: int32 [rows, 3], height, width, channels

    def get(self, row: int, column: str) -> np.ndarray | None:
        """The frame, uint8 [height, width, channels], a view of the block; None where it was not kept."""
        if column not in self._offsets or (begin := int(self._offsets[column][row])) == ABSENT:
            return None
        height, width, channels = self._shapes[column][row].tolist()
        return self._block[begin : begin + height * width * channels].reshape(height, width, channels)

    def keep(self, row: int, column: str, frame: np.ndarray) -> None:
        """Copy a frame into the block, if there is room left for it."""
        if frame.size > len(self._block) - self._used:
            return
        if column not in self._offsets:
            self._offsets[column] = np.full(self._rows, ABSENT, np.int64)
            self._shapes[column] = np.zeros((self._rows, 3), np.int32)
        self._block[self._used : self._used + frame.size] = frame.reshape(-1)
        self._offsets[column][row], self._shapes[column][row] = self._used, frame.shape
        self._used += frame.size
