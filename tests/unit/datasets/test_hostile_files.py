"""Annotations that are wrong are refused in one sentence that names the file, before any work; never half believed."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from egokd.datasets import epic100, epic_files, folder, something_something
from egokd.datasets.annotation_files import read_csv, refuse_name, whole_numbers
from egokd.datasets.checks import check_lengths, check_shared, check_splits, check_videos
from egokd.datasets.segments import Segments
from egokd.errors import UserError
from egokd.io import USERS, read_json
from egokd.media.header import Header
from egokd.media.sources import FrameFiles
from egokd.steps import check, index_segments
from view_settings import PLAIN

OPTIONS = {"annotations": "clips.csv", "heads": ["action"], "val_share": 0.25, "split_seed": 0}


def table(root, text: str | bytes) -> pd.DataFrame:
    (root / "clips.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder.read(root, **OPTIONS).table


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("begin", "start"),
        ("end", "stop"),
        ("Split", "split"),
        ("groups", "group"),
        ("strat", "start"),
        ("START", "start"),
    ],
)
def test_a_column_near_a_known_one_is_refused_with_its_name(tmp_path, column, meant):
    with pytest.raises(UserError, match=rf"clips.csv: unknown column '{column}'; did you mean '{meant}'\?"):
        table(tmp_path, f"file,action,{column}\na.mp4,x,1\nb.mp4,y,2\n")


def test_blanks_are_stripped_and_other_columns_listed(tmp_path, caplog):
    caplog.set_level("INFO")
    rows = table(
        tmp_path, "file , start ,stop, action,split,weather\n a.mp4 , 1 ,2, x ,train ,rain\nb.mp4,,,y,val,sun\n"
    )
    assert rows["segment_id"].tolist() == ["a.mp4#1-2", "b.mp4"] and rows["start_s"].tolist() == [1.0, 0.0]
    assert "columns that mean nothing here: weather" in caplog.text


def test_ids_keep_every_digit_and_ordinary_ones_stay(tmp_path):
    text = "file,start,stop,action,split\na.mp4,1234.561,1240.001,x,train\na.mp4,1234.562,1240.002,x,train\n"
    rows = table(tmp_path, text + "a.mp4,0.5,2,x,train\na.mp4,2,100000000,x,train\nb.mp4,,,y,val\n")
    assert rows["segment_id"].tolist() == [
        "a.mp4#1234.561-1240.001",
        "a.mp4#1234.562-1240.002",
        "a.mp4#0.5-2",
        "a.mp4#2-1e+08",
        "b.mp4",
    ]


@pytest.mark.parametrize("other", ["./a.mp4", "x/../a.mp4", "videos/a.mp4", "link.mp4"])
def test_a_file_in_two_splits_is_found_under_any_name(tmp_path, other):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "videos" / "a.mp4")
    with pytest.raises(UserError, match=r"line 3 .*in train under another name"):
        table(tmp_path, f"file,action,split\na.mp4,x,train\n{other},y,val\n")
    # without a column `split` both names are one source
    rows = table(tmp_path, f"file,start,stop,action\na.mp4,0,1,x\n{other},1,2,y\nb.mp4,,,x\nc.mp4,,,y\n")
    assert rows["video_id"].tolist()[:2] == ["a.mp4"] * 2 and rows["split"][0] == rows["split"][1]


def test_overlapping_parts_in_two_splits_are_refused_and_others_reported(tmp_path):
    text = "file,start,stop,action,split\na.mp4,0,2,x,train\na.mp4,{},3,y,val\n"
    with pytest.raises(UserError, match=r"line 3 .*overlaps one in train"):
        table(tmp_path, text.format(1.9))
    (problem,) = check_shared(table(tmp_path, text.format(2)))
    assert (problem.level, problem.kind, problem.video_id) == ("warning", "video in two splits", "a.mp4")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,action,split\n", "a header and no rows"),
        ("file,action,split\n\u00e9.mp4,x,train\n".encode("latin-1"), "not UTF-8 text"),
        ("file,action\na.mp4,x\n".encode("utf-16"), "not UTF-8 text"),
        ("file,action\na.mp4,x,too,much\n", "not a readable CSV"),
        ("file,action,action\na.mp4,x,y\n", "the column 'action' twice"),
        (f"file,action\n{'a' * 300}.mp4,x\n", "not a name that a file can have"),
    ],
)
def test_other_mistakes(tmp_path, text, message):
    with pytest.raises(UserError, match=rf"clips.csv: .*{message}"):
        table(tmp_path, text)


def test_numbers_beyond_64_bits_and_broken_names(tmp_path):
    numbers = pd.DataFrame({"id": ["a", "b"], "n": ["1", "9" * 19]})
    with pytest.raises(UserError, match=r"line 3 \(b\): n is 9+, expected a number of at most 18 digits"):
        whole_numbers(tmp_path / "x.csv", numbers, "n")
    with pytest.raises(UserError, match="broken Unicode"):
        refuse_name(tmp_path / "x.json", "\ud800")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b'{"a": "\xe9"}', "not UTF-8"), (b"[" * 100000, "nested too deeply"), (b'{"a": ', "not valid JSON")],
)
def test_nobody_is_told_to_delete_the_own_file(tmp_path, content, message):
    (tmp_path / "train.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"train.json: .*{message}.*Mend it") as error:
        read_json(tmp_path / "train.json", USERS)
    assert "Delete" not in str(error.value)
    made = tmp_path / "results/metrics/epic/baseline_rgb/seed0/1x1.json"
    made.parent.mkdir(parents=True)
    made.write_bytes(content)
    with pytest.raises(UserError, match="Delete it and call the workflow again: rule evaluate makes it"):
        read_json(made)


@pytest.mark.parametrize("number", ["Infinity", "1.5", '"x"', "-1", "1" * 5000])
def test_a_class_number_that_is_none_names_its_class(tmp_path, number):
    (tmp_path / "labels.json").write_text('{"Pushing": 0, "Pulling": ' + number + "}")
    with pytest.raises(UserError, match=r"labels.json: (.*'Pulling' has the number|not valid JSON)"):
        something_something.class_names(tmp_path / "labels.json")


def test_shapes_of_zero_are_named_and_left_to_the_frames(tmp_path, caplog):
    (tmp_path / "info.csv").write_text("video_id,resolution\nP01_01,64x0\nP01_02,0x48\nP01_03,64x48\n")
    assert epic_files.aspects(tmp_path / "info.csv", "video_id") == {"P01_01": 0, "P01_02": 0, "P01_03": 64 / 48}
    assert "info.csv, line 2: P01_01 has the resolution 64x0" in caplog.text


def test_a_split_without_segments_is_named():
    rows = pd.DataFrame({"split": ["train", "train"]})
    with pytest.raises(UserError, match="mine: there are no val segments to report results of"):
        check_splits(Segments(rows, {}, "x"), "mine")
    with pytest.raises(UserError, match="no train segments to train on"):
        check_splits(Segments(rows.assign(split="val"), {}, "x"), "mine")


def test_sparse_frames_are_reported():
    rows = pd.DataFrame({"segment_id": ["s"], "video_id": ["v"], "start_s": [0.0], "stop_s": [10.0]})
    for there, level in ((21, "error"), (500, "warning")):
        (problem,) = check_videos(rows, {"v": Header(10.0, 64, 48, there, False, 0, 600)})
        assert (problem.level, problem.kind) == (level, "frames missing") and f"{there} of 600" in problem.message
    assert check_videos(rows, {"v": Header(10.0, 64, 48, 600, False, 0, 600)}) == []


def test_frames_at_another_rate_than_thought_are_noticed():
    """Clips of 3.8 s at 30 frames per second, read as 12, last 9.5 s."""
    sources = {str(n): FrameFiles(None, 12.0) for n in range(9)}
    rows = pd.DataFrame({"video_id": list(sources), "start_s": 0.0, "stop_s": 9.5})
    with pytest.raises(UserError, match=r"data\.frames_fps"):
        check_lengths(rows, something_something, sources, "here")
    check_lengths(rows.assign(stop_s=3.8), something_something, sources, "here")
    check_lengths(rows, epic100, sources, "here")  # where nothing is usual


RIGHT = {
    "folder_dup_alias": "under another name",
    "folder_overlap_train_val": "overlaps one in train",
    "folder_header_only": "a header and no rows",
    "folder_no_val": "no val segments",
    "ssv2_lab_inf": "labels.json: 'Pulling something' has the number inf",
    "ssv2_latin1": "train.json: not UTF-8 text",
    "boxes_trunc": "part1.json: cut off",
    "boxes_empty_file": "part1.json: empty",
}


@pytest.mark.parametrize("name", RIGHT)
def test_cases_that_are_refused(cases, tmp_path, name):
    shutil.copytree(cases / "faults" / name, tmp_path / "data")
    form = "folder" if name.startswith("folder") else "something_something"
    options = OPTIONS | {"annotations": "annotations.csv"} if form == "folder" else {}
    common = ["--root", str(tmp_path / "data"), "--format", form, "--dataset", "x", "--options", json.dumps(options)]
    settings = {"modalities": ["rgb", "obj"], "flow": "computed", "frame_rate": 12.5, "short_side": 48}
    settings = json.dumps(settings | {"sample_rate": 8000, "max_share": 0.9, "jobs": {}, "views": PLAIN, "clips": [1]})
    with pytest.raises(UserError, match=RIGHT[name]):
        check.main([*common, "--settings", settings, "--out", str(tmp_path / "out")])
    if "boxes" not in name:
        with pytest.raises(UserError, match=RIGHT[name]):
            index_segments.main([*common, "--source", "x", "--shards", "1", "--out", str(tmp_path / "a.parquet")])


def test_case_of_zero_shapes(cases, tmp_path):
    common = ["--root", str(cases / "faults" / "epic_info_zero"), "--format", "epic100", "--dataset", "x"]
    index_segments.main([*common, "--source", "x", "--shards", "1", "--out", str(tmp_path / "a.parquet")])
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "a.parquet")["aspect"], 64 / 48)


def test_a_header_twice_is_told_from_two_columns(tmp_path):
    (tmp_path / "a.csv").write_text("x, x\n1,2\n")
    with pytest.raises(UserError, match="the column 'x' twice"):
        read_csv(tmp_path / "a.csv", ["x"])
