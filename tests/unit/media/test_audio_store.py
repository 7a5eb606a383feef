"""Audio stores: what was written is read by segment; silence is known."""

import pickle

import numpy as np
import pytest

from egokd.errors import UserError
from egokd.media.audio_store import AudioStore
from egokd.media.audio_writer import audio_writer
from stores import write_frames


def test_audio_store(tmp_path):
    with audio_writer(tmp_path / "a.arrow", 8000, 0.5) as add:
        add("s1", 1.25, np.array([0, 16384, -32768], np.int16))
        add("s2", 2.0, None)
    with audio_writer(tmp_path / "b.arrow", 8000, 0.5) as add:
        add("s3", 0.0, np.zeros(4, np.int16))
    with audio_writer(tmp_path / "empty.arrow", 8000, 0.5):
        pass
    sound = pickle.loads(pickle.dumps(AudioStore([tmp_path / f"{name}.arrow" for name in ("a", "empty", "b")])))
    assert [sound.has(segment_id) for segment_id in ("s1", "s2", "s3", "s4")] == [True, False, True, False]
    samples, start_s, rate = sound.waveform("s1")
    np.testing.assert_array_equal(samples, np.float32([0, 0.5, -1]))
    assert samples.dtype == np.float32 and (start_s, rate) == (1.25, 8000)
    with pytest.raises(UserError, match="'s2' has no sound"):
        sound.waveform("s2")


def test_a_store_of_frames_is_no_store_of_sound(tmp_path):
    good = write_frames(tmp_path / "good.arrow", {"a": [0.0]})
    with pytest.raises(UserError, match="expected a store of audio"):
        AudioStore([good]).has("a")
