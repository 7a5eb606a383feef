"""Smaller view settings are parts of larger ones exactly where their views are the same to the bit."""

import itertools

import numpy as np
import pytest

from egokd.evaluation.view_settings import places_in, source_of
from egokd.sampling.views import View, evaluation_views
from view_settings import views_of

SETTINGS = list(itertools.product(range(1, 13), (1, 3)))


def same(one: View, other: View) -> bool:
    numbers = [(v.start_s, v.stop_s, v.scale, v.cx, v.cy, v.key) for v in (one, other)]
    return np.array_equal(one.times_s, other.times_s) and numbers[0] == numbers[1]


@pytest.mark.parametrize("sampling", ["uniform", "dense"])
def test_a_setting_is_a_part_of_another_exactly_where_all_its_views_are_among_the_others(sampling):
    spec, times = views_of(num_frames=4, sampling=sampling), (0.1, 3.7)
    views = {setting: evaluation_views(spec, *times, *setting) for setting in SETTINGS}
    for part, whole in itertools.product(SETTINGS, SETTINGS):
        found = [[place for place, view in enumerate(views[whole]) if same(view, mine)] for mine in views[part]]
        expected = [places[0] for places in found] if all(found) else None
        assert places_in(part, whole) == expected, (part, whole)


def test_the_source_is_the_largest_setting_that_holds_all_views():
    settings = [(1, 1), (3, 1), (3, 3), (2, 1), (4, 3)]
    assert [source_of(setting, settings) for setting in settings] == [(3, 3), (3, 3), (3, 3), (2, 1), (4, 3)]
    assert source_of((5, 1), settings) == (5, 1)
