"""A packed model is asked about videos: ranges, windows, lists, several seeds, and files that cannot be read."""

import json
import shutil

import cv2
import numpy as np
import pytest

import egokd
from egokd.errors import UserError
from egokd.media.decode import read_frames
from egokd.media.errors import MediaError
from egokd.media.probe import probe_video
from egokd.portable.answers import Prediction, Skipped
from egokd.portable.requests import Window
from media_files import make_video
from packed_model import inputs_of, packed_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A model of two seeds and a video of 3 s."""
    folder = tmp_path_factory.mktemp("student")
    packed_model(folder / "seed0", 0)
    packed_model(folder / "seed1", 1, logit_scale={"verb": 1.0, "noun": 1.0})
    make_video(folder / "clip.mp4", frames=75)
    return folder


def test_a_whole_video_gets_one_answer(place):
    (answer,) = egokd.load(place / "seed0", device="cpu").predict(place / "clip.mp4")
    assert (answer.start_s, answer.stop_s) == (0.0, 3.0)
    assert answer.logits["verb"].shape == (3,) and answer.logits["noun"].shape == (2,)
    assert answer.scaled["verb"] == pytest.approx(2 * answer.logits["verb"])


def test_the_folder_is_all_that_is_needed(place, tmp_path):
    shutil.copytree(place / "seed0", tmp_path / "elsewhere")
    here, there = (
        egokd.load(at, device="cpu").predict(place / "clip.mp4")[0] for at in (place / "seed0", tmp_path / "elsewhere")
    )
    assert np.array_equal(here.logits["verb"], there.logits["verb"])


def test_a_range_and_the_window_there_see_the_same(place):
    student = egokd.load(place / "seed0", device="cpu")
    windows = student.predict(place / "clip.mp4", window_s=1.0, step_s=0.5)
    assert [answer.start_s for answer in windows] == [0.0, 0.5, 1.0, 1.5, 2.0]
    (part,) = student.predict(place / "clip.mp4", start_s=1.5, stop_s=2.5)
    assert part.logits["verb"] == pytest.approx(windows[3].logits["verb"], abs=1e-5)
    (whole,) = student.predict(place / "clip.mp4")
    assert np.abs(part.logits["verb"] - whole.logits["verb"]).max() > 1e-4  # or the test would prove nothing


def test_several_seeds_are_averaged_as_logits_each_with_its_own_scale(place):
    each = [egokd.load(place / f"seed{seed}", device="cpu").predict(place / "clip.mp4")[0] for seed in (0, 1)]
    (both,) = egokd.load(place / "seed0", place / "seed1", device="cpu").predict(place / "clip.mp4")
    for head in ("verb", "noun"):
        assert both.logits[head] == pytest.approx((each[0].logits[head] + each[1].logits[head]) / 2)
        assert both.scaled[head] == pytest.approx((each[0].scaled[head] + each[1].scaled[head]) / 2)


def test_models_of_two_experiments_are_not_averaged(place, tmp_path):
    other = packed_model(tmp_path / "other", inputs=inputs_of(views=(2, 1)))
    with pytest.raises(UserError, match="differ in their inputs"):
        egokd.load(place / "seed0", other)


def test_a_bad_file_is_said_and_stops_no_other(place, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    videos = [tmp_path / "text.mp4", tmp_path / "missing.mp4", place / "clip.mp4"]
    answers = list(egokd.load(place / "seed0", device="cpu").predict_all(videos, Window(2.0, 2.0)))
    assert [type(answer) for answer in answers] == [Skipped, Skipped, Prediction, Prediction]
    assert "not a readable video" in answers[0].reason and "no such file" in answers[1].reason
    with pytest.raises(MediaError, match=r"missing\.mp4: no such file"):
        egokd.load(place / "seed0", device="cpu").predict(tmp_path / "missing.mp4")


def test_frames_in_a_folder_stand_for_a_video_at_the_rate_that_is_given(place, tmp_path):
    frames = read_frames(probe_video(place / "clip.mp4"), np.array([[0.0, 3.0]]), 25, "pyav")
    (tmp_path / "frames").mkdir()
    for number, (_, image) in enumerate(frames, start=1):
        cv2.imwrite(str(tmp_path / "frames" / f"frame_{number:06d}.png"), image[..., ::-1])
    (answer,) = egokd.load(place / "seed0", device="cpu", fps=25).predict_all([tmp_path / "frames"])
    (wanted,) = egokd.load(place / "seed0", device="cpu").predict(place / "clip.mp4")
    assert answer.stop_s == 3.0
    assert answer.logits["verb"] == pytest.approx(wanted.logits["verb"], abs=1e-5)
    (unknown,) = egokd.load(place / "seed0", device="cpu").predict_all([tmp_path / "frames"])
    assert "--fps" in unknown.reason


def test_computed_flow_is_made_for_a_model_that_reads_it(place, tmp_path):
    chosen = inputs_of("flow").slice.model_copy(update={"inputs": {"flow": {"scale": 1.0}}})
    flow = {"source": "computed", "preset": "fast", "bound": 8.0}
    folder = packed_model(tmp_path / "seed0", inputs=inputs_of("flow", slice=chosen, flow=flow))
    (moving,) = egokd.load(folder, device="cpu").predict(place / "clip.mp4")
    assert np.abs(moving.logits["verb"]).max() > 0
    published = inputs_of("flow", slice=chosen, flow={**flow, "source": "official"})
    with pytest.raises(UserError, match="trained on published flow"):
        egokd.load(packed_model(tmp_path / "other", inputs=published), device="cpu").predict(place / "clip.mp4")


def test_sound_is_read_where_the_model_hears_and_silence_is_said(tmp_path):
    audio = {"window_s": 0.3, "n_fft": 256, "win_length": 256, "hop_length": 128, "n_mels": 16}
    audio |= {"mean": 0.0, "std": 1.0, "time_mask": 2, "freq_mask": 2}
    chosen = inputs_of("audio").slice.model_copy(update={"inputs": {"audio": audio}})
    stored = {"sample_rate": 16000, "margin_s": 0.2}
    folder = packed_model(tmp_path / "seed0", inputs=inputs_of("audio", slice=chosen, audio=stored))
    sound = (3000 * np.sin(np.arange(16000 * 2) / 5)).astype(np.int16)
    make_video(tmp_path / "loud.mp4", frames=50, audio=sound)
    make_video(tmp_path / "mute.mp4", frames=50)
    loud, mute = egokd.load(folder, device="cpu").predict_all([tmp_path / "loud.mp4", tmp_path / "mute.mp4"])
    assert isinstance(loud, Prediction)
    assert isinstance(mute, Skipped) and mute.reason == "there is no audio to read here"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: (folder / "inference.json").unlink(), "snakemake --cores 1"),
        (lambda folder: shutil.rmtree(folder), "no such folder"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no such model file"),
        (lambda folder: _edit(folder, "classes", {"verb": ["a"]}), "inference.json"),
        (lambda folder: _edit(folder, "logit_scale", {"verb": -1}), "logit_scale"),
        (lambda folder: _edit(folder, "egokd_inference", 2), "egokd_inference"),
    ],
)
def test_a_folder_that_is_not_whole_is_one_sentence(tmp_path, change, expected):
    folder = packed_model(tmp_path / "results/models/epic/student_heldout/seed0")
    change(folder)
    with pytest.raises(UserError, match=expected):
        egokd.load(folder, device="cpu")


def _edit(folder, key, value):
    path = folder / "inference.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
