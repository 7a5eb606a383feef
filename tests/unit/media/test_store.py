"""Frame and audio stores: what goes in comes out, by row and by time; damaged files are named."""

import pickle

import numpy as np
import pytest
import simplejpeg

from egokd.errors import UserError
from egokd.media import store
from egokd.media.store import AudioStore, FrameStore, StoreWriter, audio_writer


def write(path, videos, columns=("image",), metadata=None):
    """videos: {video_id: times}; the bytes of a frame spell its video, column and time."""
    with StoreWriter(path, columns, metadata or {"frame_rate": 10.0}) as writer:
        for video_id, times in videos.items():
            writer.begin(video_id)
            for time_s in times:
                writer.add(time_s, **{c: f"{video_id}/{c}/{time_s:g}".encode() for c in columns})
            writer.end({"width": 8, "height": 6, "reader": "pyav"})
    return path


def test_every_frame_is_found_in_its_shard(tmp_path):
    first = write(tmp_path / "0.arrow", {"b": [0.0, 0.1], "a": [1.0, 1.1, 1.2]})
    empty = write(tmp_path / "1.arrow", {})
    second = write(tmp_path / "2.arrow", {"c": [5.0]})
    frames = FrameStore([first, empty, second])
    assert frames.videos == ["b", "a", "c"]
    assert frames.metadata["frame_rate"] == 10.0
    assert frames.info("a") | {"first_row": 2, "rows": 3, "width": 8, "reader": "pyav"} == frames.info("a")
    np.testing.assert_array_equal(frames.times("a"), [1.0, 1.1, 1.2])
    for video_id in frames.videos:
        for number, time_s in enumerate(frames.times(video_id)):
            row = frames.info(video_id)["first_row"] + number
            assert frames.read(row) == f"{video_id}/image/{time_s:g}".encode()


def test_videos_that_span_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BATCH_BYTES", 50)
    times = [k / 10 for k in range(40)]
    path = write(tmp_path / "0.arrow", {"x": times, "y": times}, columns=("u", "v"))
    frames = FrameStore([path])
    np.testing.assert_array_equal(frames.times("y"), times)
    rows = frames.nearest("y", np.array(times), 0, 4)
    assert [frames.read(row, "v") for row in rows] == [f"y/v/{t:g}".encode() for t in times]
    assert frames._readers[0].num_record_batches > 5


def test_small_stores_keep_what_they_decoded(tmp_path, monkeypatch):
    grey = np.full((6, 8, 1), 77, np.uint8)
    with StoreWriter(tmp_path / "0.arrow", ("u",), {"frame_rate": 10.0}) as writer:
        writer.begin("a")
        writer.add(0.0, u=simplejpeg.encode_jpeg(grey, quality=100, colorspace="GRAY"))
        writer.end({"width": 8, "height": 6})
    frames = FrameStore([tmp_path / "0.arrow"])
    first = frames.decoded(0, "u", "GRAY")
    assert first.shape == (6, 8, 1) and np.abs(first.astype(int) - 77).max() <= 1
    again = frames.decoded(0, "u", "GRAY")
    np.testing.assert_array_equal(again, first)
    assert frames.decoded(0, "u", "GRAY") is again
    monkeypatch.setattr(store, "KEPT_BYTES", 8 * 6 * 3 - 1)  # one byte too few
    large = FrameStore([tmp_path / "0.arrow"])
    np.testing.assert_array_equal(large.decoded(0, "u", "GRAY"), first)
    assert not large._kept
    monkeypatch.undo()
    monkeypatch.setattr(store.multiprocessing, "parent_process", lambda: "a loader")
    inside_a_worker = FrameStore([tmp_path / "0.arrow"])
    inside_a_worker.decoded(0, "u", "GRAY")
    assert not inside_a_worker._kept


def test_nearest_stays_inside_the_segment(tmp_path):
    frames = FrameStore([write(tmp_path / "0.arrow", {"z": [9.0], "a": [0.0, 0.1, 0.2, 0.3, 0.4]})])
    assert frames.nearest("a", np.array([0.12, 0.16, 0.15]), 0, 1).tolist() == [2, 3, 2]
    assert frames.nearest("a", np.array([-5.0, 0.0, 9.0]), 0, 1).tolist() == [1, 1, 5]
    # 0.3 is nearest but is the first instant after the segment
    assert frames.nearest("a", np.array([0.29]), 0.1, 0.3).tolist() == [3]
    # rounding of k / rate must not lose the frame at the start
    assert frames.nearest("a", np.array([0.1]), 0.1 + 1e-12, 0.3).tolist() == [2]
    # no frame inside: the nearest at all
    assert frames.nearest("a", np.array([0.33]), 0.32, 0.35).tolist() == [4]
    assert frames.nearest("z", np.array([0.0, 20.0]), 0, 1).tolist() == [0, 0]


def test_dropped_video_leaves_nothing(tmp_path):
    with StoreWriter(tmp_path / "0.arrow", ("image",), {}) as writer:
        writer.begin("good")
        writer.add(0.0, image=b"keep")
        writer.end({})
        writer.begin("bad")
        writer.add(0.0, image=b"drop this")
        writer.drop()
        writer.begin("last")
        writer.add(0.0, image=b"also")
        writer.end({})
    frames = FrameStore([tmp_path / "0.arrow"])
    assert frames.videos == ["good", "last"]
    assert [frames.read(row) for row in range(2)] == [b"keep", b"also"]
    assert [path.name for path in tmp_path.iterdir()] == ["0.arrow"]


def test_failed_writing_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), StoreWriter(tmp_path / "0.arrow", ("image",), {}) as writer:
        writer.begin("a")
        writer.add(0.0, image=b"x")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_frames_must_come_in_order(tmp_path):
    with pytest.raises(ValueError, match="does not come after"):
        write(tmp_path / "0.arrow", {"a": [0.1, 0.1]})


def test_survives_pickling(tmp_path):
    frames = FrameStore([write(tmp_path / "0.arrow", {"a": [0.0]})])
    assert frames.read(0) == b"a/image/0"
    assert pickle.loads(pickle.dumps(frames)).read(0) == b"a/image/0"


def test_errors_name_the_file(tmp_path):
    good = write(tmp_path / "good.arrow", {"a": [0.0]})
    with pytest.raises(UserError, match="'b' has no frames"):
        FrameStore([good]).info("b")
    with pytest.raises(UserError, match=r"missing\.arrow: no such store"):
        _ = FrameStore([tmp_path / "missing.arrow"]).videos
    for name, data in {"cut": good.read_bytes()[:-200], "text": b"hello" * 99, "none": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=f"{name}: truncated, or not an Arrow file"):
            _ = FrameStore([tmp_path / name]).videos
    with pytest.raises(UserError, match="other settings"):
        _ = FrameStore([good, write(tmp_path / "2.arrow", {"b": [0.0]}, metadata={"frame_rate": 5.0})]).videos
    with pytest.raises(UserError, match="'a' is also in"):
        _ = FrameStore([good, write(tmp_path / "3.arrow", {"a": [0.0]})]).videos
    with pytest.raises(UserError, match="expected a store of audio"):
        AudioStore([good]).has("a")


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
