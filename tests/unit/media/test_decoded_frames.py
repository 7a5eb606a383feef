"""Kept frames: found again by row and column, in one block of memory that has an end."""

import numpy as np

from egokd.media.decoded_frames import DecodedFrames


def picture(value, shape=(2, 3, 1)):
    return np.full(shape, value, np.uint8)


def test_frames_are_found_by_row_and_column():
    kept = DecodedFrames(3, 100)
    assert kept.get(0, "u") is None
    kept.keep(0, "u", picture(1))
    kept.keep(0, "v", picture(2))
    kept.keep(2, "u", picture(3, (1, 2, 3)))
    np.testing.assert_array_equal(kept.get(0, "u"), picture(1))
    np.testing.assert_array_equal(kept.get(0, "v"), picture(2))
    np.testing.assert_array_equal(kept.get(2, "u"), picture(3, (1, 2, 3)))
    assert kept.get(1, "u") is None and kept.get(2, "v") is None and kept.get(0, "image") is None


def test_what_does_not_fit_is_not_kept():
    kept = DecodedFrames(3, 11)
    kept.keep(0, "u", picture(1))
    kept.keep(1, "u", picture(2))  # six bytes where five are left
    kept.keep(2, "u", picture(3, (1, 5, 1)))
    assert kept.get(1, "u") is None
    np.testing.assert_array_equal(kept.get(2, "u"), picture(3, (1, 5, 1)))
    np.testing.assert_array_equal(kept.get(0, "u"), picture(1))


def test_nothing_is_kept_without_room():
    kept = DecodedFrames(1, 0)
    kept.keep(0, "u", picture(1))
    assert kept.get(0, "u") is None


def test_a_kept_frame_is_a_copy():
    kept, frame = DecodedFrames(1, 6), picture(1)
    kept.keep(0, "u", frame)
    frame[:] = 9
    assert kept.get(0, "u").max() == 1
