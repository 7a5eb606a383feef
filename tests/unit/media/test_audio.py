"""Sound is cut at the right second, whatever the time stamps of the file."""

import numpy as np
import pandas as pd
import pytest

from egokd.media.audio import add_video, read_audio, video_start_s
from egokd.media.audio_store import AudioStore
from egokd.media.audio_writer import audio_writer
from media_files import make_video

RATE = 16000


def clicks(seconds, *at):
    """int16: silence with loud 5 ms tones at the given seconds."""
    sound = np.zeros(int(seconds * RATE), np.int16)
    tone = (20000 * np.sin(np.arange(80) * 0.8)).astype(np.int16)
    for second in at:
        sound[int(second * RATE) : int(second * RATE) + 80] = tone
    return sound


def loud_at(samples, rate):
    """Seconds at which the sound first becomes loud."""
    return float(np.flatnonzero(np.abs(samples.astype(int)) > 5000)[0] / rate)


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("rate", [16000, 24000])
def test_a_click_lands_on_its_second(tmp_path, container, rate):
    path = make_video(tmp_path / f"a.{container}", audio=clicks(2.4, 0.5, 1.7), audio_rate=RATE)
    (early, late, both), end_s = read_audio(path, np.array([[0.25, 1.0], [1.5, 2.0], [0.0, 2.4]]), rate)
    assert end_s == pytest.approx(2.4, abs=0.15)
    assert (len(early), len(late)) == (0.75 * rate, 0.5 * rate) and early.dtype == np.int16
    assert loud_at(early, rate) == pytest.approx(0.25, abs=0.004)
    assert loud_at(late, rate) == pytest.approx(0.2, abs=0.004)
    assert loud_at(both, rate) == pytest.approx(0.5, abs=0.004)


def test_sound_that_begins_late_and_ends_early(tmp_path):
    path = make_video(tmp_path / "a.mp4", audio=clicks(1.0, 0.2), audio_delay_s=0.5)
    (whole,), end_s = read_audio(path, np.array([[0.0, 2.4]]), RATE)
    assert end_s == pytest.approx(1.5, abs=0.15)
    assert loud_at(whole, RATE) == pytest.approx(0.7, abs=0.004)
    assert len(whole) == 2.4 * RATE and not whole[: int(0.4 * RATE)].any() and not whole[int(1.7 * RATE) :].any()


def test_seconds_count_from_the_first_picture(tmp_path):
    """The picture begins half a second after the sound: segment times are the picture's."""
    path = make_video(tmp_path / "a.mkv", pts=[500 + 40 * i for i in range(60)], audio=clicks(2.4, 1.5))
    assert video_start_s(path) == pytest.approx(0.5)
    assert loud_at(read_audio(path, np.array([[0.0, 1.5]]), RATE)[0][0], RATE) == pytest.approx(1.0, abs=0.004)


def test_segments_of_a_video(tmp_path):
    path = make_video(tmp_path / "a.mp4", audio=clicks(2.4, 0.5, 1.7))
    rows = pd.DataFrame({"segment_id": ["s0", "s1"], "start_s": [0.1, 1.5], "stop_s": [0.8, 2.0]}).assign(video_id="v")
    with audio_writer(tmp_path / "a.arrow", RATE, 0.25) as add:
        assert add_video(add, "v", path, rows, RATE, 0.25) == ([], True)
    sound = AudioStore([tmp_path / "a.arrow"])
    for segment_id, begin, end, click in (("s0", 0.0, 1.05, 0.5), ("s1", 1.25, 2.25, 1.7)):
        samples, start_s, rate = sound.waveform(segment_id)
        assert (start_s, rate, len(samples)) == (begin, RATE, round((end - begin) * RATE))
        assert start_s + loud_at(samples * 32768, rate) == pytest.approx(click, abs=0.004)


def test_sound_that_stops_before_a_segment(tmp_path):
    path = make_video(tmp_path / "a.mp4", audio=clicks(1.0, 0.5))
    rows = pd.DataFrame({"segment_id": ["s0", "s1"], "start_s": [0.1, 1.5], "stop_s": [0.8, 2.0]}).assign(video_id="v")
    with audio_writer(tmp_path / "a.arrow", RATE, 0.25) as add:
        skips, heard = add_video(add, "v", path, rows, RATE, 0.25)
    assert heard and [skip.segment_id for skip in skips] == ["s1"] and "the sound ends at 1.0" in skips[0].reason
    sound = AudioStore([tmp_path / "a.arrow"])
    assert sound.has("s0") and not sound.has("s1")


def test_silent_and_broken_videos(tmp_path):
    rows = pd.DataFrame({"segment_id": ["s0"], "start_s": [0.1], "stop_s": [0.8]}).assign(video_id="v")
    silent = make_video(tmp_path / "silent.mp4")
    with audio_writer(tmp_path / "a.arrow", RATE, 0.25) as add:
        assert add_video(add, "v", silent, rows, RATE, 0.25) == ([], False)
        skips, _ = add_video(add, "w", tmp_path / "gone.mp4", rows, RATE, 0.25)
    assert not AudioStore([tmp_path / "a.arrow"]).has("s0")
    assert (skips[0].video_id, skips[0].segment_id) == ("w", "") and "no such file" in skips[0].reason


def test_real_sound(realdata):
    """Whole tracks of real files decode; one of them is there and silent."""
    for path in sorted([*(realdata / "videos").iterdir(), *sorted((realdata / "grid_s1" / "videos").iterdir())[:3]]):
        sound = read_audio(path, np.array([[0.0, 2.0]]), RATE)
        if sound is not None:
            assert len(sound[0][0]) == 2 * RATE, path.name
            assert sound[0][0].any() == (path.name != "lavila_ego4d_3c0dffd0.mp4"), path.name


def test_real_sound_lies_where_the_words_are(realdata):
    """GRID speakers are silent at both ends of a clip; the words' times are in the alignment files (25 per second)."""
    for align in sorted((realdata / "grid_s1" / "align").iterdir())[:4]:
        words = [line.split() for line in align.read_text().splitlines()]
        spoken = [(int(begin) / 25000, int(end) / 25000) for begin, end, word in words if word not in ("sil", "sp")]
        video = realdata / "grid_s1" / "videos" / f"{align.stem}.mpg"
        (wave,), _ = read_audio(video, np.array([[0.0, 3.0]]), RATE)
        level = np.abs(wave.astype(float)).reshape(-1, RATE // 100).mean(axis=1)  # every 10 ms
        seconds = np.arange(len(level)) / 100
        inside = (seconds >= spoken[0][0]) & (seconds < spoken[-1][1])
        assert level[inside].mean() > 5 * level[~inside & (seconds > 0.1) & (seconds < 2.8)].mean(), align.name
