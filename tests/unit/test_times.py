"""The nearest of rising moments, and what counts as equally near."""

import numpy as np

from egokd.times import nearest


def test_the_nearest_moment_is_chosen_and_the_ends_are_kept():
    times = np.array([0.0, 0.1, 0.4])
    assert nearest(times, np.array([-5.0, 0.04, 0.06, 0.24, 0.26, 0.4, 9.0])).tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert nearest(np.array([3.0]), np.array([0.0, 3.0, 7.0])).tolist() == [0, 0, 0]


def test_of_two_equally_near_moments_the_earlier_is_chosen():
    assert nearest(np.array([1, 3, 5]), np.array([2, 4])).tolist() == [0, 1]


def test_a_rounding_error_does_not_choose():
    times, wanted = np.array([0.0, 0.1]), np.array([0.05 + 1e-9])
    assert nearest(times, wanted).tolist() == [1]
    assert nearest(times, wanted, tolerance=1e-6).tolist() == [0]
    assert nearest(times, wanted, share=1e-6).tolist() == [0]
    assert nearest(times, wanted + 1e-6, share=1e-6).tolist() == [1]


def test_it_agrees_with_looking_at_all_distances():
    rng = np.random.default_rng(0)
    times, wanted = np.unique(rng.uniform(0, 10, 50)), rng.uniform(-1, 11, 500)
    assert (nearest(times, wanted) == np.abs(times - wanted[:, None]).argmin(1)).all()
