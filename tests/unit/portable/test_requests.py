"""Which parts of videos are asked about: windows cover everything, lists are read, what is outside is said."""

import numpy as np
import pytest

from egokd.errors import UserError
from egokd.portable.requests import Request, Window, listed_segments, whole_files


@pytest.mark.parametrize("duration_s", [0.4, 2.0, 2.1, 3.0, 7.0, 10.37, 61.0])
@pytest.mark.parametrize("step_s", [2.0, 1.0, 0.7])
def test_windows_cover_the_whole_video_and_nothing_beyond(duration_s, step_s):
    parts = Window(2.0, step_s).intervals(0.0, duration_s)
    assert parts[0, 0] == 0 and parts[-1, 1] == pytest.approx(duration_s)
    assert (parts[1:, 0] <= parts[:-1, 1] + 1e-9).all()  # no gap
    assert (parts[:, 0] >= 0).all() and (parts[:, 1] <= duration_s + 1e-9).all()
    if duration_s > 2.0:
        assert np.diff(parts, axis=1) == pytest.approx(2.0)


def test_a_whole_number_of_windows_leaves_no_sliver():
    parts = Window(0.1, 0.1).intervals(0.0, 0.3)
    assert parts == pytest.approx(np.array([[0, 0.1], [0.1, 0.2], [0.2, 0.3]]))


@pytest.mark.parametrize(("length", "step"), [(0, 1), (2, 0), (2, 3), (-1, -1)])
def test_a_window_that_would_miss_parts_is_refused(length, step):
    with pytest.raises(UserError, match="no longer than the window"):
        Window(length, step)


def test_without_an_end_a_request_reaches_to_the_end_of_the_video(tmp_path):
    (request,) = whole_files([tmp_path / "a.mp4"], 1.5, float("nan"), None)
    rows, outside = request.rows(9.0, 1.5)
    assert rows[["start_s", "stop_s", "aspect"]].values.tolist() == [[1.5, 9.0, 1.5]]
    assert outside == []


def test_what_begins_after_the_end_of_the_video_is_said_and_the_rest_kept(tmp_path):
    request = Request(tmp_path / "a.mp4", [("x", 12.0, 14.0), ("y", 1.0, 2.0)])
    rows, outside = request.rows(9.0, 1.0)
    assert rows["name"].tolist() == ["y"]
    assert outside == [("x", 12.0, 14.0, "not inside the video, which ends at 9.00 s")]


def test_a_folder_stands_for_its_videos_and_a_file_for_itself(tmp_path):
    for name in ("b.mp4", "deep/a.MKV", "notes.txt"):
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).touch()
    found = whole_files([tmp_path / "v", tmp_path / "odd.name"], 0.0, float("nan"), None)
    assert [request.video.name for request in found] == ["b.mp4", "a.MKV", "odd.name"]
    with pytest.raises(UserError, match="no video is given"):
        whole_files([], 0.0, float("nan"), None)


def test_an_annotation_file_is_a_list_of_segments(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "b.mp4").touch()
    path = tmp_path / "list.csv"
    path.write_text("file,start,stop,action,segment_id\na.mp4,0.5,2,cut,one\nb.mp4,,,wash,two\na.mp4,2,,cut,three\n")
    first, second = listed_segments(path)
    assert first.video == tmp_path / "a.mp4" and second.video == tmp_path / "videos" / "b.mp4"
    assert first.intervals[0] == ("one", 0.5, 2.0)
    assert first.rows(5.0, 1.0)[0]["stop_s"].tolist() == [2.0, 5.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("video,start\na,1\n", "lacks the columns"),
        ("file,start,stop\na,3,2\n", "line 2"),
        ("file,start\na,soon\n", "expected seconds"),
        ("file\n", "no rows"),
    ],
)
def test_a_bad_list_is_one_sentence_with_the_line(tmp_path, text, expected):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(UserError, match=expected):
        listed_segments(tmp_path / "list.csv")
