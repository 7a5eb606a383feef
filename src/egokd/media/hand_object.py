"""Official EPIC-KITCHENS-100 hand-object detections -> boxes of segments.

A detection file is a pickle of `list[bytes]`; element i is the protobuf message of frame i + 1 on the dataset's frame
clock, shown from i / rate seconds on. Pickles can run code, so this one is read by an unpickler that knows nothing but
lists and bytes.
"""

import io
import math
import pickle
import struct
from pathlib import Path

import numpy as np
import pandas as pd
from google.protobuf.message import DecodeError

from egokd.media.errors import MediaError
from egokd.media.hand_object_proto import SIDES, STATES, detections_class
from egokd.media.objects import BOX_COLUMNS

HAND_THRESHOLD, OBJECT_THRESHOLD = 0.1, 0.01  # published with the detections
# what a damaged pickle makes the unpickler raise, besides its own error
DAMAGED = (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, AttributeError, struct.error, TypeError)


class _ListsAndBytes(pickle.Unpickler):
    """Refuses every name and every persistent reference: without them a pickle can build plain values only."""

    def find_class(self, module: str, name: str) -> object:
        raise MediaError(f"refused: it asks for {module}.{name}; a detection file holds only a list of bytes")

    def persistent_load(self, pid: object) -> object:
        raise MediaError("refused: it asks for an object outside the file; a detection file holds only a list of bytes")


def load_messages(path: str | Path) -> list[bytes]:
    """The serialised messages of a detection file, one per frame. MediaError if missing, damaged, or anything else.

    Nothing in the file is executed.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise MediaError(f"{path}: no such file") from None
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        messages = _ListsAndBytes(io.BytesIO(data)).load()
    except MediaError as error:
        raise MediaError(f"{path}: {error}") from None
    except (*DAMAGED, OverflowError, MemoryError) as error:
        raise MediaError(f"{path}: truncated or not a pickle ({type(error).__name__}: {error})") from None
    if not isinstance(messages, list) or not all(isinstance(message, bytes) for message in messages):
        raise MediaError(f"{path}: expected a list of bytes, one per frame, found something else")
    return messages


def frame_boxes(message: bytes, hand_threshold: float, object_threshold: float) -> list[tuple]:
    """(x1, y1, x2, y2, category, score, side, state) of the detections of a frame with at least the threshold score.

    Coordinates are shares of width and height; side is -1 none, 0 left, 1 right; state is -1 none, 0 no contact,
    1 self, 2 other person, 3 portable object, 4 stationary object. Numbers that the format does not know are -1; boxes
    without finite coordinates are left out.
    """
    found = detections_class().FromString(message)
    rows = []
    for hand in found.hands:
        if hand.score >= hand_threshold:
            box = hand.bbox
            side, state = (n if n in range(len(s)) else -1 for n, s in ((hand.side, SIDES), (hand.state, STATES)))
            rows.append((box.left, box.top, box.right, box.bottom, "hand", hand.score, side, state))
    for item in found.objects:
        if item.score >= object_threshold:
            box = item.bbox
            rows.append((box.left, box.top, box.right, box.bottom, "object", item.score, -1, -1))
    return [row for row in rows if all(map(math.isfinite, row[:4]))]


def clock_frames(start_s: float, stop_s: float, fps: float, frame_rate: float, count: int) -> np.ndarray:
    """int64, rising: 1-based frames of the clock `fps` nearest to the instants k / frame_rate in [start_s, stop_s).

    One instant more on both sides, as for stored frames; frames outside 1..count are left out.
    """
    stop_s = min(stop_s, count / fps)  # annotations may claim any length
    first, last = np.ceil(start_s * frame_rate - 1e-6) - 1, np.ceil(stop_s * frame_rate - 1e-6) + 1
    frames = np.rint(np.arange(first, last) / frame_rate * fps).astype(np.int64) + 1
    return np.unique(frames[(frames >= 1) & (frames <= count)])


def segment_boxes(
    path: str | Path,
    segments: pd.DataFrame,
    frame_rate: float,
    hand_threshold: float = HAND_THRESHOLD,
    object_threshold: float = OBJECT_THRESHOLD,
) -> pd.DataFrame:
    """Boxes of the segments of one video (rows with segment_id, start_s, stop_s, fps), columns as in `BOX_COLUMNS`.

    Frames are thinned out to `frame_rate`. MediaError if the file cannot be read.
    """
    messages = load_messages(path)
    known: dict[int, list[tuple]] = {}
    rows = []
    for segment in segments.itertuples():
        for frame in clock_frames(segment.start_s, segment.stop_s, segment.fps, frame_rate, len(messages)).tolist():
            if frame not in known:
                try:
                    known[frame] = frame_boxes(messages[frame - 1], hand_threshold, object_threshold)
                except DecodeError as error:
                    raise MediaError(f"{path}: the message of frame {frame} is damaged ({error})") from None
            time_s = (frame - 1) / segment.fps
            rows += [(segment.segment_id, frame, time_s, *box) for box in known[frame]]
    return pd.DataFrame(rows, columns=list(BOX_COLUMNS)).astype(BOX_COLUMNS)
