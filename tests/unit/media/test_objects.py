"""Official hand-object files: right boxes, and nothing in the file is ever run."""

import pickle

import numpy as np
import pandas as pd
import pytest

from egokd.errors import UserError
from egokd.media.errors import MediaError
from egokd.media.hand_object import clock_frames, frame_boxes, load_messages, segment_boxes
from egokd.media.hand_object_proto import detections_class
from egokd.media.object_writer import write_boxes
from egokd.media.objects import ObjectStore

SEGMENTS = pd.DataFrame({"segment_id": ["s0", "s1"], "start_s": [0.0, 0.5], "stop_s": [0.5, 1.0], "fps": [50.0, 50.0]})


def message(frame):
    """A left hand that touches nothing, a right hand on an object, one object, one weak hand, one weak object."""
    made = detections_class()(video_id="P01_101", frame_number=frame)
    box = {"left": frame / 1000, "top": 0.25, "right": 0.5, "bottom": 0.75}
    made.hands.add(bbox=box, score=0.9)
    made.hands.add(bbox=box, score=0.8, side=1, state=3)
    made.hands.add(bbox=box, score=0.05, side=1)
    made.objects.add(bbox=box, score=0.5)
    made.objects.add(bbox=box, score=0.001)
    return made.SerializeToString()


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "P01_101.pkl"
    file.write_bytes(pickle.dumps([message(frame) for frame in range(1, 51)]))
    return file


def test_boxes_of_segments(path, tmp_path):
    table = segment_boxes(path, SEGMENTS, 10.0)
    assert set(table["category"]) == {"hand", "object"}
    # instants 0, 0.1, ... are the clock's frames 1, 6, 11, ...; one more on both sides of a segment
    assert table[table["segment_id"] == "s0"]["frame"].unique().tolist() == [1, 6, 11, 16, 21, 26]
    assert table[table["segment_id"] == "s1"]["frame"].unique().tolist() == [21, 26, 31, 36, 41, 46]
    first = table[(table["segment_id"] == "s0") & (table["frame"] == 6)]
    assert first["time_s"].tolist() == [0.1] * 3
    assert first["category"].tolist() == ["hand", "hand", "object"]
    assert first["side"].tolist() == [0, 1, -1] and first["state"].tolist() == [0, 3, -1]
    np.testing.assert_allclose(first[["x1", "y1", "x2", "y2"]].iloc[1], [0.006, 0.25, 0.5, 0.75])
    assert len(segment_boxes(path, SEGMENTS, 10.0, 0.0, 0.0)) == 12 * 5

    write_boxes(tmp_path / "0.parquet", [table[table["segment_id"] == "s1"], table[table["segment_id"] == "s0"]])
    write_boxes(tmp_path / "1.parquet", [])
    boxes = pickle.loads(pickle.dumps(ObjectStore([tmp_path / "0.parquet", tmp_path / "1.parquet"])))
    assert boxes.has("s0") and boxes.has("s1") and not boxes.has("s2")
    rows = boxes.rows("s1")
    assert rows["frame"].tolist() == np.repeat([21, 26, 31, 36, 41, 46], 3).tolist()
    assert (rows["category"] == "hand").sum() == 12
    assert {name: rows[name].dtype.name for name in ("x1", "score", "side", "frame")} == {
        "x1": "float32",
        "score": "float32",
        "side": "int8",
        "frame": "int64",
    }
    with pytest.raises(UserError, match="'s2' has no boxes"):
        boxes.rows("s2")


def test_frames_of_the_clock():
    # stored at the clock's own rate: every frame of 1.0 to 1.1 s, one more on each side
    assert clock_frames(1.0, 1.1, 50, 50, 999).tolist() == [50, 51, 52, 53, 54, 55, 56]
    # 12.5 per second on a 60 clock: 0, 80, 160, 240 ms are 0, 4.8, 9.6, 14.4 frames after the first
    assert clock_frames(0.0, 0.2, 60, 12.5, 999).tolist() == [1, 6, 11, 15]
    assert clock_frames(0.0, 0.2, 60, 12.5, 10).tolist() == [1, 6]
    assert clock_frames(5.0, 6.0, 60, 12.5, 10).tolist() == []


def test_any_length_may_be_claimed():
    assert clock_frames(0.0, 1e12, 50, 10, 11).tolist() == [1, 6, 11]


def test_numbers_that_the_format_does_not_know_and_boxes_that_are_none():
    message = detections_class()()
    for left, state in ((0.1, 17), (float("nan"), 3)):
        hand = message.hands.add(score=0.9)
        hand.bbox.left, hand.state, hand.side = left, state, 9
    assert [row[5:] for row in frame_boxes(message.SerializeToString(), 0.1, 0.01)] == [(pytest.approx(0.9), -1, -1)]


class Harmful:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_runs_code_is_refused(tmp_path, protocol):
    path, victim = tmp_path / "bad.pkl", tmp_path / "made_by_pickle"
    path.write_bytes(pickle.dumps([Harmful(victim)], protocol=protocol))
    with pytest.raises(MediaError, match=r"bad\.pkl: refused: it asks for (io|builtins|__builtin__)\.open"):
        load_messages(path)
    assert not victim.exists()


def test_other_damage(tmp_path, path):
    data = path.read_bytes()
    cases = {
        "cut.pkl": (data[: len(data) // 2], "truncated or not a pickle"),
        "empty.pkl": (b"", "truncated or not a pickle"),
        "text.pkl": (b"segment,frame\n1,2\n", "truncated or not a pickle|refused"),
        "dict.pkl": (pickle.dumps({"a": 1}), "expected a list of bytes"),
        "strings.pkl": (pickle.dumps(["a"]), "expected a list of bytes"),
        "array.pkl": (pickle.dumps(np.zeros(3)), "refused: it asks for numpy"),
    }
    for name, (content, reason) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MediaError, match=rf"{name}: ({reason})"):
            load_messages(tmp_path / name)
    with pytest.raises(MediaError, match=r"gone\.pkl: no such file"):
        load_messages(tmp_path / "gone.pkl")
    (tmp_path / "wire.pkl").write_bytes(pickle.dumps([b"\xff\xff\xff"] * 50))
    with pytest.raises(MediaError, match="message of frame 1 is damaged"):
        segment_boxes(tmp_path / "wire.pkl", SEGMENTS, 10.0)
    (tmp_path / "not.parquet").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"not\.parquet: not a readable Parquet file"):
        ObjectStore([tmp_path / "not.parquet"]).has("s0")


def test_the_real_frame(realdata):
    """Frame 13404 of P01_09: two hands, both on portable objects, and two objects."""
    path = realdata / "epic_hoa" / "P01_09_frame13404_only.pkl"
    segments = pd.DataFrame({"segment_id": ["s"], "start_s": [0.0], "stop_s": [0.01], "fps": [60.0]})
    table = segment_boxes(path, segments, 60.0)
    assert table["category"].tolist() == ["hand", "hand", "object", "object"]
    assert table["side"].tolist() == [0, 1, -1, -1] and table["state"].tolist() == [3, 3, -1, -1]
    np.testing.assert_allclose(
        table.loc[0, ["x1", "y1", "x2", "y2"]].astype(float), [0.395, 0.426, 0.493, 0.762], atol=1e-3
    )
    assert (table["score"] > 0.88).all() and table["frame"].eq(1).all()
    assert detections_class().FromString(load_messages(path)[0]).frame_number == 13404
