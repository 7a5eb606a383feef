"""Frame stores: what was written is read, by row and by time; damaged files are named."""

import pickle

import numpy as np
import pytest
import simplejpeg

from egokd.errors import UserError
from egokd.media import frame_store
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from stores import write_frames


def test_every_frame_is_found_in_its_shard(tmp_path):
    first = write_frames(tmp_path / "0.arrow", {"b": [0.0, 0.1], "a": [1.0, 1.1, 1.2]})
    empty = write_frames(tmp_path / "1.arrow", {})
    second = write_frames(tmp_path / "2.arrow", {"c": [5.0]})
    frames = FrameStore([first, empty, second])
    assert frames.videos == ["b", "a", "c"]
    assert frames.metadata["frame_rate"] == 10.0
    assert frames.info("a") | {"first_row": 2, "rows": 3, "width": 8, "reader": "pyav"} == frames.info("a")
    np.testing.assert_array_equal(frames.times("a"), [1.0, 1.1, 1.2])
    for video_id in frames.videos:
        for number, time_s in enumerate(frames.times(video_id)):
            row = frames.info(video_id)["first_row"] + number
            assert frames.read(row) == f"{video_id}/image/{time_s:g}".encode()


def store_of_grey(path):
    grey = np.full((6, 8, 1), 77, np.uint8)
    with StoreWriter(path, ("u",), {"frame_rate": 10.0}) as writer:
        writer.begin("a")
        writer.add(0.0, u=simplejpeg.encode_jpeg(grey, quality=100, colorspace="GRAY"))
        writer.end({"width": 8, "height": 6})
    return FrameStore([path])


def test_small_stores_keep_what_they_decoded(tmp_path):
    frames = store_of_grey(tmp_path / "0.arrow")
    first = frames.decoded(0, "u", "GRAY")
    assert first.shape == (6, 8, 1) and np.abs(first.astype(int) - 77).max() <= 1
    again = frames.decoded(0, "u", "GRAY")
    np.testing.assert_array_equal(again, first)
    assert np.shares_memory(frames.decoded(0, "u", "GRAY"), again)


def test_large_stores_and_loader_workers_keep_nothing(tmp_path, monkeypatch):
    frames = store_of_grey(tmp_path / "0.arrow")
    first = frames.decoded(0, "u", "GRAY")
    monkeypatch.setattr(frame_store, "KEPT_BYTES", 8 * 6 * 3 - 1)  # one byte too few
    large = store_of_grey(tmp_path / "1.arrow")
    np.testing.assert_array_equal(large.decoded(0, "u", "GRAY"), first)
    assert not np.shares_memory(large.decoded(0, "u", "GRAY"), large.decoded(0, "u", "GRAY"))
    monkeypatch.undo()
    monkeypatch.setattr(frame_store.multiprocessing, "parent_process", lambda: "a loader")
    worker = store_of_grey(tmp_path / "2.arrow")
    assert not np.shares_memory(worker.decoded(0, "u", "GRAY"), worker.decoded(0, "u", "GRAY"))


def test_nearest_stays_inside_the_segment(tmp_path):
    frames = FrameStore([write_frames(tmp_path / "0.arrow", {"z": [9.0], "a": [0.0, 0.1, 0.2, 0.3, 0.4]})])
    assert frames.nearest("a", np.array([0.12, 0.16, 0.15]), 0, 1).tolist() == [2, 3, 2]
    assert frames.nearest("a", np.array([-5.0, 0.0, 9.0]), 0, 1).tolist() == [1, 1, 5]
    # 0.3 is nearest but is the first instant after the segment
    assert frames.nearest("a", np.array([0.29]), 0.1, 0.3).tolist() == [3]
    # rounding of k / rate must not lose the frame at the start
    assert frames.nearest("a", np.array([0.1]), 0.1 + 1e-12, 0.3).tolist() == [2]
    # no frame inside: the nearest at all
    assert frames.nearest("a", np.array([0.33]), 0.32, 0.35).tolist() == [4]
    assert frames.nearest("z", np.array([0.0, 20.0]), 0, 1).tolist() == [0, 0]


def test_survives_pickling(tmp_path):
    frames = FrameStore([write_frames(tmp_path / "0.arrow", {"a": [0.0]})])
    assert frames.read(0) == b"a/image/0"
    assert pickle.loads(pickle.dumps(frames)).read(0) == b"a/image/0"


def test_errors_name_the_file(tmp_path):
    good = write_frames(tmp_path / "good.arrow", {"a": [0.0]})
    with pytest.raises(UserError, match="'b' has no frames"):
        FrameStore([good]).info("b")
    with pytest.raises(UserError, match=r"missing\.arrow: no such store"):
        _ = FrameStore([tmp_path / "missing.arrow"]).videos
    for name, data in {"cut": good.read_bytes()[:-200], "text": b"hello" * 99, "none": b""}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=f"{name}: truncated, or not an Arrow file"):
            _ = FrameStore([tmp_path / name]).videos
    with pytest.raises(UserError, match="other settings"):
        _ = FrameStore([good, write_frames(tmp_path / "2.arrow", {"b": [0.0]}, metadata={"frame_rate": 5.0})]).videos
    with pytest.raises(UserError, match="'a' is also in"):
        _ = FrameStore([good, write_frames(tmp_path / "3.arrow", {"a": [0.0]})]).videos
