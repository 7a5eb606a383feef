"""Writing frames: in order, in batches, whole videos or nothing of them."""

import numpy as np
import pytest

from egokd.media import arrow_writer
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from stores import write_frames


def test_videos_that_span_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_writer, "BATCH_BYTES", 50)
    times = [k / 10 for k in range(40)]
    path = write_frames(tmp_path / "0.arrow", {"x": times, "y": times}, columns=("u", "v"))
    frames = FrameStore([path])
    np.testing.assert_array_equal(frames.times("y"), times)
    rows = frames.nearest("y", np.array(times), 0, 4)
    assert [frames.read(row, "v") for row in rows] == [f"y/v/{t:g}".encode() for t in times]
    assert frames._readers[0].num_record_batches > 5


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
        write_frames(tmp_path / "0.arrow", {"a": [0.1, 0.1]})
