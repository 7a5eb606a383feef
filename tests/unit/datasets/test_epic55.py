"""EPIC-KITCHENS-55: class numbers, the two bad rows, who is validated on, and mistakes in the files."""

import pandas as pd
import pytest

from egokd.datasets.epic55 import read
from egokd.datasets.segments import check_segments
from egokd.errors import UserError

HEADER = "uid,participant_id,video_id,narration,start_timestamp,stop_timestamp,start_frame,stop_frame,verb,verb_class,"
HEADER += "noun,noun_class,all_nouns,all_noun_classes\n"
NOUNS = ["Nothing", "pan", "pan:dust", "tap", "trouser"]


def row(uid: int, participant: str, start: int, stop: int, verb: int, noun: int) -> str:
    video = f"{participant}_01"
    times = "00:00:00.10,00:00:03.40"
    return f"{uid},{participant},{video},take pan,{times},{start},{stop},take,{verb},pan,{noun},['x'],[1]\n"


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "annotations"
    folder.mkdir()
    rows = [row(0, "P01", 8, 202, 0, 1), row(5, "P25", 61, 121, 1, 3), row(9, "P26", 1, 60, 0, 2)]
    rows += [row(36787, "P30", 10, 20, 0, 4), row(36788, "P30", 30, 40, 1, 4)]
    (folder / "EPIC_train_action_labels.csv").write_text(HEADER + "".join(rows))
    (folder / "EPIC_verb_classes.csv").write_text("verb_id,class_key,verbs\n0,take,['take']\n1,put,['put']\n")
    nouns = "".join(f"{number},{name},['{name}']\n" for number, name in enumerate(NOUNS))
    (folder / "EPIC_noun_classes.csv").write_text("noun_id,class_key,nouns\n" + nouns)
    (folder / "EPIC_video_info.csv").write_text("video,resolution,duration,fps\nP01_01,1920x1080,9.9,59.94\n")
    test = "uid,participant_id,video_id,start_timestamp,stop_timestamp,start_frame,stop_frame\n"
    (folder / "EPIC_test_s2_timestamps.csv").write_text(test + "77,P09,P09_01,00:00:00.00,00:00:01.89,1,113\n")
    return tmp_path


def test_table(root):
    segments = read(root)
    check_segments(segments, "here")
    table = segments.table.set_index("segment_id")
    assert table.index.tolist() == ["0", "5", "9", "77"]  # the two rows of the stray class are gone
    assert segments.heads == {"verb": ["take", "put"], "noun": ["pan", "pan:dust", "tap"]}
    assert table["noun"].tolist() == [0, 2, 1, -1]  # one below the official number
    assert table["split"].tolist() == ["train", "train", "val", "test"]
    assert table["unseen"].tolist() == [False, False, True, True]
    assert table.loc["5", ["start_s", "stop_s"]].tolist() == [1.0, pytest.approx(121 / 60)]
    assert table.loc["0", "aspect"] == pytest.approx(16 / 9) and pd.isna(table.loc["5", "aspect"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("5,P25", "0,P25", r"line 3 \(0\): this uid occurs twice"),
        (",61,121,", ",121,61,", r"line 3 \(5\): reversed: start_frame 121"),
        ("take,0,pan,1", "take,0,pan,0", r"line 2 \(0\): noun_class 0 means 'Nothing'"),
        ("take,0,pan,1", "take,7,pan,1", r"line 2 \(0\): verb_class is 7, there are classes 0 to 1"),
        ("P25_01", "film", r"line 3 \(5\): video_id is 'film'"),
    ],
)
def test_mistakes(root, old, new, message):
    path = root / "annotations" / "EPIC_train_action_labels.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        read(root)
