"""The EPIC-KITCHENS-100 adapter: frame clocks, splits, subsets, and errors that name file and line."""

import pandas as pd
import pytest

from egokd.datasets.epic100 import boxes_path, read, rgb_source, sound_path
from egokd.datasets.epic_files import clock_of
from egokd.datasets.formats import adapter
from egokd.datasets.segments import check_segments, read_segments, shard_of
from egokd.errors import UserError
from egokd.steps import index_segments

HEADER = "narration_id,participant_id,video_id,start_frame,stop_frame,verb_class,noun_class"
FILES = {
    "EPIC_100_train.csv": f"{HEADER}\nP01_01_0,P01,P01_01,8,202,1,0\nP01_101_5,P01,P01_101,51,100,0,2\n",
    "EPIC_100_validation.csv": f"{HEADER}\nP02_01_0,P02,P02_01,1,60,2,2\nP18_01_0,P18,P18_01,61,120,0,1\n",
    "EPIC_100_verb_classes.csv": "id,key,instances,category\n0,take,\"['take']\",a\n1,put,[],a\n2,wash,[],b\n",
    "EPIC_100_noun_classes.csv": "id,key,instances,category\n0,tap,[],a\n1,spoon,[],a\n2,plate,[],b\n",
    "EPIC_100_tail_verbs.csv": "verb\n2\n",
    "EPIC_100_tail_nouns.csv": "noun\n1\n2\n",
    "EPIC_100_unseen_participant_ids_validation.csv": "participant_id\nP18\n",
    "EPIC_100_video_info.csv": "video_id,fps,resolution\nP01_01,59.94,1920x1080\nP02_01,59.94,1920x1440\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def change(root, name, old, new):
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def test_table_by_hand(root):
    segments = read(root)
    table = segments.table.set_index("segment_id")
    assert segments.heads == {"verb": ["take", "put", "wash"], "noun": ["tap", "spoon", "plate"]}
    assert table.index.tolist() == ["P01_01_0", "P01_101_5", "P02_01_0", "P18_01_0"]
    assert table["split"].tolist() == ["train", "train", "val", "val"]
    assert table["group"].tolist() == ["P01", "P01", "P02", "P18"]
    assert table["fps"].tolist() == [60, 50, 60, 60]
    # frame n is on show from (n - 1) / rate until n / rate
    assert table["start_s"].tolist() == pytest.approx([7 / 60, 1.0, 0.0, 1.0])
    assert table["stop_s"].tolist() == pytest.approx([202 / 60, 2.0, 1.0, 2.0])
    assert table["unseen"].tolist() == [False, False, False, True]
    assert table["tail_verb"].tolist() == [False, False, True, False]
    assert table["tail_noun"].tolist() == [False, True, True, True]
    assert table["aspect"].tolist() == pytest.approx([16 / 9, float("nan"), 4 / 3, float("nan")], nan_ok=True)
    check_segments(segments, "test")


def test_annotations_may_lie_in_a_folder_of_their_own(root):
    (root / "annotations").mkdir()
    for name in FILES:
        (root / name).rename(root / "annotations" / name)
    assert len(read(root).table) == 4


def test_test_split_has_no_labels(root):
    header = "narration_id,participant_id,video_id,start_frame,stop_frame"
    (root / "EPIC_100_test_timestamps.csv").write_text(f"{header}\nP33_01_0,P33,P33_01,1,60\nP01_09_0,P01,P01_09,5,9\n")
    with pytest.raises(UserError, match=r"EPIC_100_unseen_participant_ids_test\.csv: not found"):
        read(root)
    (root / "EPIC_100_unseen_participant_ids_test.csv").write_text("participant_id\nP33\n")
    segments = read(root)
    test = segments.table[segments.table["split"] == "test"]
    assert test[["verb", "noun"]].to_numpy().tolist() == [[-1, -1], [-1, -1]]
    assert test["unseen"].tolist() == [True, False] and not test["tail_verb"].any()
    check_segments(segments, "test")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("train", "start_frame", "begin", r"EPIC_100_train\.csv: lacks the columns \['start_frame'\]"),
        (
            "train",
            "8,202",
            "203,202",
            r"train\.csv, line 2 \(P01_01_0\): reversed: start_frame 203 is after stop_frame 202",
        ),
        ("train", "51,100", "100,100", r"train\.csv, line 3 \(P01_101_5\): empty"),
        ("train", "8,202", "0,202", "line 2.*frames count from 1"),
        ("train", "8,202", "8,many", "line 2.*stop_frame is 'many', expected a whole number"),
        ("train", "202,1,0", "202,3,0", r"line 2.*verb_class is 3, there are classes 0 to 2"),
        ("train", "202,1,0", "202,1,-1", r"line 2.*noun_class is -1"),
        ("train", "P01_101_5", "P01_01_0", r"line 3 \(P01_01_0\): this narration_id occurs twice"),
        ("validation", "P02_01_0", "P01_01_0", r"validation\.csv, line 2.*also in EPIC_100_train\.csv"),
        ("train", ",P01_01,", ",kitchen1,", "line 2.*video_id is 'kitchen1'"),
        ("verb_classes", "1,put", "7,put", r"verb_classes\.csv, line 3 \(7\): classes must be numbered"),
        ("tail_verbs", "2", "two", r"tail_verbs\.csv, line 2 \(two\): verb is 'two'"),
        ("video_info", "1920x1080", "HD", r"video_info\.csv, line 2 \(P01_01\): resolution is 'HD'"),
    ],
)
def test_errors_name_file_and_line(root, name, old, new, message):
    change(root, f"EPIC_100_{name}.csv", old, new)
    with pytest.raises(UserError, match=message):
        read(root)


@pytest.mark.parametrize("name", [name for name in FILES if "video_info" not in name])
def test_missing_files(root, name):
    (root / name).unlink()
    with pytest.raises(UserError, match=f"{name}: not found"):
        read(root)


def test_paths(tmp_path):
    assert clock_of("P01_01") == 60 and clock_of("P01_101") == 50
    assert rgb_source(tmp_path, "P01_01").path == tmp_path / "P01" / "videos" / "P01_01.MP4"
    assert boxes_path(tmp_path, "P30_107") == tmp_path / "P30" / "hand-objects" / "P30_107.pkl"
    nested = tmp_path / "EPIC-KITCHENS" / "P01" / "videos" / "P01_01.MP4"
    nested.parent.mkdir(parents=True)
    nested.touch()
    assert rgb_source(tmp_path, "P01_01").path == sound_path(tmp_path, "P01_01") == nested
    with pytest.raises(UserError, match="not a video id"):
        rgb_source(tmp_path, "film")


def test_index_segments_step(root, tmp_path):
    out = tmp_path / "annotations.parquet"
    arguments = ["--root", str(root), "--format", "epic100", "--dataset", "epic", "--source", "demo"]
    index_segments.main([*arguments, "--shards", "3", "--out", str(out)])
    segments = read_segments(out)
    assert segments.source == "demo"
    assert segments.table["shard"].tolist() == [shard_of(v, 3) for v in segments.table["video_id"]]
    pd.testing.assert_frame_equal(segments.table.drop(columns="shard"), adapter("epic100").read(root).table)


def test_real_annotations(realdata):
    segments = read(realdata / "epic100_annotations")
    check_segments(segments, "real")
    table = segments.table
    assert table["split"].value_counts().to_dict() == {"train": 67217, "val": 9668}
    assert segments.num_classes == {"verb": 97, "noun": 300}
    val = table[table["split"] == "val"]
    tail_action = val["tail_verb"] | val["tail_noun"]
    assert [int(s.sum()) for s in (val["unseen"], val["tail_verb"], val["tail_noun"], tail_action)] == [
        1065,
        1760,
        1900,
        3105,
    ]
    assert int((val["tail_verb"] & val["tail_noun"]).sum()) == 555
    assert table["aspect"].notna().all()
    # within two frames of the official timestamps
    official = pd.read_csv(realdata / "epic100_annotations" / "EPIC_100_validation.csv", index_col="narration_id")
    for ours, column in (("start_s", "start_timestamp"), ("stop_s", "stop_timestamp")):
        seconds = pd.to_timedelta(official.loc[val["segment_id"], column]).dt.total_seconds().to_numpy()
        frames_apart = (val[ours].to_numpy() - seconds) * val["fps"].to_numpy()
        assert frames_apart.min() > -2.01 and frames_apart.max() < 0.01
