"""Answers are drawn into their video: as long as it was, captions below, a strip that grows with confidence."""

import numpy as np
import pytest

import egokd
from egokd.errors import UserError
from egokd.media.decode import read_frames
from egokd.media.probe import probe_video
from egokd.portable.answers import Prediction
from egokd.portable.render import BAR, NOW, drawn, render_video
from media_files import make_video, read_barcode
from packed_model import packed_model


def answer(confidence, start_s=0.0, stop_s=4.0):
    values = np.log([confidence, 1 - confidence])
    return Prediction("a.mp4", start_s, stop_s, "", {"action": ["cut", "wash"]}, {"action": values}, {"action": values})


def test_the_drawing_shows_every_frame_of_the_video_above_its_captions(tmp_path):
    video = make_video(tmp_path / "clip.mp4", frames=50)
    student = egokd.load(packed_model(tmp_path / "seed0"), device="cpu")
    render_video(video, student.predict(video, window_s=1.0), tmp_path / "out.mp4")
    probe = probe_video(tmp_path / "out.mp4")
    assert len(probe.times_s) == 50 and probe.duration_s == pytest.approx(2.0)
    images = [image for _, image in read_frames(probe, np.array([[0.0, 2.0]]), 25, "pyav")]
    assert [read_barcode(image[:64]) for image in images] == list(range(50))
    assert images[0].shape[0] > 64 + 100


def test_the_strip_is_as_high_as_the_confidence():
    def blue(confidence):
        picture = drawn(np.zeros((120, 160, 3), np.uint8), 0.0, answer(confidence), [answer(confidence)], (0.0, 4.0))
        return int((picture == BAR).all(axis=-1).sum())

    assert blue(0.95) > 1.4 * blue(0.6)


def test_the_mark_moves_with_time():
    places = []
    for time_s in (0.0, 2.0, 4.0):
        picture = drawn(np.zeros((120, 160, 3), np.uint8), time_s, answer(0.7), [answer(0.7)], (0.0, 4.0))
        places.append(np.argwhere((picture == NOW).all(axis=-1))[:, 1].mean())
    assert np.diff(places) == pytest.approx(72, abs=2)


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"writes \.mp4"):
        render_video(tmp_path / "a.mp4", [answer(0.5)], tmp_path / "out.gif")
