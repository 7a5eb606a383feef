"""Frames that a test clip would show twice, by hand and as the store chooses."""

import numpy as np
import pandas as pd
import pytest

from egokd.sampling.repeated_frames import share_of_repeats, shown_frames
from egokd.times import nearest
from view_settings import views_of


def rows(*times):
    return pd.DataFrame(times, columns=["start_s", "stop_s"])


def test_share_of_clips_that_show_a_frame_twice_by_hand():
    spec = views_of(num_frames=4)
    # 10 frames a second. 0 to 0.4 s: frames 0 to 3, the middles 0.05, 0.15, 0.25, 0.35 lie between two each and take
    # the earlier: 0 1 2 3. 0 to 0.3 s holds three frames for four times. 1 to 3 s: 0.5 s apart. 2.01 to 2.02 s: none.
    table = rows((0.0, 0.4), (0.0, 0.3), (1.0, 3.0), (2.01, 2.02))
    assert shown_frames(np.array([0.05, 0.15, 0.25, 0.35]), 0.0, 0.4, 10.0).tolist() == [0, 1, 2, 3]
    assert share_of_repeats(table, spec, 1, 10.0) == 0.5
    assert share_of_repeats(table, spec, 1, 20.0) == 0.25  # 0 to 0.3 s holds six frames, 2.01 to 2.02 s still none
    assert share_of_repeats(table[:0], spec, 1, 10.0) == 0.0
    # a dense run of 4 x 0.1 s in 0.3 s repeats the end
    assert share_of_repeats(rows((0.0, 0.3), (0.0, 0.5)), spec.model_copy(update={"sampling": "dense"}), 1, 20.0) == 0.5


@pytest.mark.parametrize("frame_rate", [10.0, 25.0, 30.0])
def test_frames_are_those_that_a_store_shows(frame_rate):
    random = np.random.default_rng(0)
    stored = np.arange(400) / frame_rate
    for start in np.round(random.uniform(1, 6, 200) * 60) / 60:
        stop = start + random.integers(4, 200) / 60
        times = np.sort(random.integers(0, 1000, 16) / 1000 * (stop - start) + start)
        low, high = np.searchsorted(stored, np.array([start, stop]) - 1e-6)
        if low < high:
            expected = nearest(stored[low:high], times, 1e-6) + low
            assert shown_frames(times, start, stop, frame_rate).tolist() == expected.tolist()
