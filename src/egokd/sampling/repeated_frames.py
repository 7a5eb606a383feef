"""How often a test clip would show a stored frame twice: a clip of T frames asks for more than a short segment has."""

import numpy as np
import pandas as pd

from egokd.config.views import ViewSettings
from egokd.media.frame_store import TIME_TOLERANCE_S
from egokd.sampling.views import evaluation_views


def shown_frames(times_s: np.ndarray, start_s: float, stop_s: float, frame_rate: float) -> np.ndarray:
    """int64 [T]: number k of the stored frame, at k / frame_rate, that is shown at each time.

    As `FrameStore.nearest` chooses if every frame of the segment is stored. Counted, never listed: an annotation may
    claim any length.
    """
    first, last = np.ceil((np.array([start_s, stop_s]) - TIME_TOLERANCE_S) * frame_rate)
    if first >= last:  # no frame inside: the neighbours are stored too
        first, last = first - 1, last + 1
    nearest = np.ceil((times_s - TIME_TOLERANCE_S / 2) * frame_rate - 0.5)
    return np.clip(nearest, first, last - 1).astype(np.int64)


def share_of_repeats(rows: pd.DataFrame, spec: ViewSettings, clips: int, frame_rate: float) -> float:
    """Share of the test clips (`clips` for each of `rows`) in which some frame is shown more than once; 0 without rows.

    It follows from the segments' times alone. A source with fewer frames than are stored repeats some besides.
    """
    repeated = 0
    for start_s, stop_s in rows[["start_s", "stop_s"]].to_numpy(np.float64):
        for view in evaluation_views(spec, start_s, stop_s, clips, 1):
            shown = shown_frames(view.times_s, start_s, stop_s, frame_rate)
            repeated += bool((np.diff(shown) == 0).any())
    return repeated / max(1, len(rows) * clips)
