"""Views are pure, lie inside the segment, and follow the documented distribution."""

import os
import subprocess
import sys

import numpy as np
import pytest

from egokd.sampling.views import IDENTITY_COLOUR, colour_map, evaluation_views, train_view, view_index
from view_settings import views_of

COLOURS = {"brightness": 0.25, "contrast": 0.25, "saturation": 0.25, "hue": 0.1}
UNIFORM = views_of(scale=(0.7, 1.0), **COLOURS)
DENSE = views_of(sampling="dense", stride_s=0.25, scale=(0.7, 1.0), **COLOURS)

PRINT_VIEW = """
from egokd.config.views import ViewSettings
from egokd.sampling.views import train_view
colours = {"brightness": 0.25, "contrast": 0.25, "saturation": 0.25, "hue": 0.1}
spec = ViewSettings(num_frames=8, sampling="uniform", stride_s=0.1, scale=(0.7, 1.0), **colours)
v = train_view(spec, 3, "P01_01_7", 5, 1.5, 4.0)
print(v.times_s.tobytes().hex(), v.scale, v.cx, v.cy, v.colour.tobytes().hex(), v.key)
"""


def as_tuple(view):
    return (view.times_s.tobytes(), view.scale, view.cx, view.cy, view.colour.tobytes(), view.key)


def test_equal_in_processes_with_other_hash_seeds():
    outputs = []
    for hash_seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run([sys.executable, "-c", PRINT_VIEW], env=env, capture_output=True, text=True, check=True)
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    view = train_view(UNIFORM, 3, "P01_01_7", 5, 1.5, 4.0)
    assert outputs[0].split()[0] == view.times_s.tobytes().hex()
    assert outputs[0].split()[-1] == str(view.key)


def test_independent_of_the_order_of_calls_and_of_global_generators():
    wanted = [(seed, name, view) for seed in (0, 1) for name in ("a", "b") for view in range(3)]
    one = {args: as_tuple(train_view(UNIFORM, *args, 0.0, 2.0)) for args in wanted}
    np.random.seed(0)
    two = {args: as_tuple(train_view(UNIFORM, *args, 0.0, 2.0)) for args in reversed(wanted)}
    assert one == two
    assert len(set(one.values())) == len(wanted)  # every seed, segment and view number counts


@pytest.mark.parametrize("spec", [UNIFORM, DENSE])
@pytest.mark.parametrize("stop_s", [10.02, 10.5, 30.0])
def test_times_lie_sorted_inside_the_segment(spec, stop_s):
    views = [train_view(spec, 0, "s", view, 10.0, stop_s) for view in range(50)]
    views += evaluation_views(spec, 10.0, stop_s, 5, 1)
    for view in views:
        assert view.times_s.shape == (8,) and view.times_s.dtype == np.float64
        assert (np.diff(view.times_s) >= 0).all()
        assert view.times_s[0] >= 10.0 and view.times_s[-1] < stop_s


def test_uniform_training_draws_one_time_in_each_part():
    times = np.stack([train_view(UNIFORM, 0, "s", view, 4.0, 12.0).times_s for view in range(400)])
    shares = times - 4.0 - np.arange(8)  # eight parts of one second
    assert shares.min() >= 0 and shares.max() < 1
    assert abs(shares.mean() - 0.5) < 0.02 and abs(shares.std() - 12**-0.5) < 0.02


def test_a_span_shows_a_part_of_the_segment_in_training_and_all_of_it_in_testing():
    spec = UNIFORM.model_copy(update={"span": (0.25, 0.75)})
    times = np.stack([train_view(spec, 0, "s", view, 4.0, 12.0).times_s for view in range(2000)])
    # 8 pieces of a part of L seconds: the middles of the outer pieces are L * 7 / 8 apart
    assert times.min() >= 4.0 and times.max() < 12.0
    assert abs((times[:, -1] - times[:, 0]).mean() - 0.5 * 8 * 7 / 8) < 0.06
    assert (times[:, -1] - times[:, 0]).max() < 0.75 * 8 and (times[:, -1] - times[:, 0]).min() < 0.25 * 8
    middle = times.mean(axis=1)
    assert abs(middle.mean() - 8.0) < 0.06 and middle.min() < 5.3 and middle.max() > 10.7
    assert (
        evaluation_views(spec, 4.0, 12.0, 1, 1)[0].times_s == evaluation_views(UNIFORM, 4.0, 12.0, 1, 1)[0].times_s
    ).all()


def test_crop_and_colour_distribution():
    views = [train_view(UNIFORM, 0, f"s{n}", 0, 0.0, 1.0) for n in range(1000)]
    for values, low, high in (
        ([v.scale for v in views], 0.7, 1.0),
        ([v.cx for v in views], 0.0, 1.0),
        ([v.cy for v in views], 0.0, 1.0),
    ):
        assert low <= min(values) < low + 0.01 * (high - low) and high - 0.01 * (high - low) < max(values) <= high
        assert abs(np.mean(values) - (low + high) / 2) < 0.05 * (high - low)
    grey = np.array([v.colour @ [0.5, 0.5, 0.5, 1.0] for v in views])  # saturation, hue leave grey alone
    assert np.allclose(grey, grey[:, :1], atol=1e-6)
    assert len({v.key for v in views}) == 1000 and all(0 < v.key < 2**63 for v in views)


def test_crop_does_not_depend_on_the_number_of_frames():
    few = train_view(views_of(num_frames=4, scale=(0.7, 1.0)), 0, "s", 0, 0.0, 1.0)
    many = train_view(views_of(num_frames=16, scale=(0.7, 1.0)), 0, "s", 0, 0.0, 1.0)
    assert (few.scale, few.cx, few.cy, few.key) == (many.scale, many.cx, many.cy, many.key)
    assert np.allclose(few.colour, IDENTITY_COLOUR, atol=1e-6)


def test_uniform_test_clips_interleave_over_the_whole_segment():
    (middle,) = evaluation_views(UNIFORM, 2.0, 10.0, 1, 1)
    assert np.allclose(middle.times_s, 2.5 + np.arange(8))
    clips = evaluation_views(UNIFORM, 2.0, 10.0, 4, 1)
    assert np.allclose(clips[1].times_s, 2.375 + np.arange(8))
    together = np.sort(np.concatenate([clip.times_s for clip in clips]))
    assert np.allclose(np.diff(together), 0.25)  # 32 regular times
    for clip in clips:
        assert clip.times_s[0] < 3.0 and clip.times_s[-1] >= 9.0
        assert clip.key == 0 and (clip.colour == IDENTITY_COLOUR).all() and clip.scale == 1.0


def test_dense_runs():
    (middle,) = evaluation_views(DENSE, 0.0, 10.0, 1, 1)
    assert np.allclose(middle.times_s, 4.125 + 0.25 * np.arange(8))  # 2 s around 5 s
    two = evaluation_views(DENSE, 0.0, 10.0, 2, 1)
    assert np.allclose([view.times_s[0] for view in two], [2.125, 6.125])
    starts = [train_view(DENSE, 0, "s", view, 0.0, 10.0).times_s[0] for view in range(300)]
    assert min(starts) < 0.4 and max(starts) > 7.8 and max(starts) <= 8.125
    (short,) = evaluation_views(DENSE, 1.0, 2.0, 1, 1)  # half as long as the run: its end is repeated
    assert np.allclose(short.times_s, [1.125, 1.375, 1.625, 1.875, 2, 2, 2, 2])
    assert short.times_s[-1] < 2.0


def test_crops_come_left_centre_right_within_each_clip():
    views = evaluation_views(UNIFORM, 0.0, 1.0, 2, 3)
    assert [view.cx for view in views] == [0.0, 0.5, 1.0] * 2
    assert [view.cy for view in views] == [0.0, 0.5, 1.0] * 2
    assert (views[0].times_s == views[2].times_s).all() and (views[0].times_s < views[3].times_s).all()
    with pytest.raises(ValueError, match="crops"):
        evaluation_views(UNIFORM, 0.0, 1.0, 1, 2)


def test_view_index():
    assert [view_index(epoch, None) for epoch in range(4)] == [0, 1, 2, 3]
    assert [view_index(epoch, 3) for epoch in range(4)] == [0, 1, 2, 0]


def test_colour_map_by_hand():
    def apply(matrix, rgb):
        return matrix @ np.array([*rgb, 1.0])

    pixel = (0.8, 0.4, 0.2)
    assert np.allclose(colour_map(1, 1, 1, 0), IDENTITY_COLOUR, atol=1e-6)
    assert np.allclose(apply(colour_map(0.5, 1, 1, 0), pixel), (0.4, 0.2, 0.1), atol=1e-6)
    assert np.allclose(apply(colour_map(1, 2, 1, 0), pixel), (1.1, 0.3, -0.1), atol=1e-6)
    luma = 0.299 * 0.8 + 0.587 * 0.4 + 0.114 * 0.2
    assert np.allclose(apply(colour_map(1, 1, 0, 0), pixel), (luma,) * 3, atol=1e-6)
    assert np.allclose(apply(colour_map(1, 1, 1, 1), pixel), pixel, atol=1e-6)  # a full turn
    half = apply(colour_map(1, 1, 1, 0.5), pixel)  # the complement: same luma, chroma mirrored at grey
    assert np.allclose(half, 2 * luma - np.array(pixel), atol=1e-5)
    # brightness first, then contrast: 0.8 * 0.5 = 0.4, (0.4 - 0.5) * 2 + 0.5 = 0.3
    assert np.allclose(apply(colour_map(0.5, 2, 1, 0), pixel)[0], 0.3, atol=1e-6)
