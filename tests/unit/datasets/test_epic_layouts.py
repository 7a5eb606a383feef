"""EPIC-KITCHENS as people keep it: videos in pieces, and one clip per segment with a split of its own."""

import json

import numpy as np
import pandas as pd
import pytest

from egokd.config.data import EpicSettings
from egokd.datasets import epic_clips, epic_files
from egokd.datasets.checks import full_source
from egokd.datasets.epic100 import VAL_SHARE, boxes, boxes_path, flow_source, read, rgb_source, sound_path
from egokd.datasets.segments import check_segments, read_segments
from egokd.errors import UserError
from egokd.media.hand_object_proto import detections_class
from egokd.media.sources import Pieces, VideoFile
from egokd.sampling.folds import assign_fold
from egokd.steps import check, index_segments
from media_files import make_video
from view_settings import PLAIN

HEADER = "narration_id,participant_id,video_id,start_frame,stop_frame,verb_class,noun_class"
# P01 to P03 have four, two and one training segments, all of 2020
TRAIN = [("P01", "P01_101", n, n % 3) for n in range(4)] + [("P02", "P02_102", n, n) for n in range(2)]
TRAIN += [("P03", "P03_101", 0, 2)]
VAL = [("P02", "P02_01", 0, 2), ("P18", "P18_01", 0, 0)]
SETTINGS = {
    "modalities": ["rgb", "audio"], "flow": "computed", "frame_rate": 10.0, "short_side": 64, "sample_rate": 8000,
    "max_share": 0.5, "jobs": {}, "views": PLAIN, "clips": [1],
}  # fmt: skip


def write_rows(path, rows):
    lines = [f"{v}_{n},{p},{v},{1 + 60 * n},{60 * (n + 1)},{verb},{verb}" for p, v, n, verb in rows]
    path.write_text("\n".join([HEADER, *lines]) + "\n")


@pytest.fixture
def root(tmp_path):
    """Annotations only."""
    write_rows(tmp_path / "EPIC_100_train.csv", TRAIN)
    write_rows(tmp_path / "EPIC_100_validation.csv", VAL)
    for head in ("verb", "noun"):
        (tmp_path / f"EPIC_100_{head}_classes.csv").write_text("id,key\n0,a\n1,b\n2,c\n3,d\n")
        (tmp_path / f"EPIC_100_tail_{head}s.csv").write_text(f"{head}\n2\n")
    (tmp_path / "EPIC_100_unseen_participant_ids_validation.csv").write_text("participant_id\nP18\n")
    return tmp_path


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def add_clips(root, rows, folder="clips"):
    for participant, video, number, _ in rows:
        touch(root / folder / participant / f"{video}_{number}.mp4")


# --- pieces ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["P01", "P01/videos", "EPIC-KITCHENS/P01/videos", "EPIC-KITCHENS/P01"])
def test_a_folder_named_like_the_video_holds_its_pieces(tmp_path, folder):
    path = tmp_path / folder / "P01_01.MP4"
    second, first = touch(path / "300.MP4"), touch(path / "0.MP4")
    assert rgb_source(tmp_path, "P01_01") == Pieces(path, ((0, first), (300, second)))
    assert sound_path(tmp_path, "P01_01") == path


def test_resized_videos_may_lie_right_in_the_participants_folder(tmp_path):
    path = touch(tmp_path / "P01" / "P01_01.MP4")
    assert rgb_source(tmp_path, "P01_01") == VideoFile(path) and sound_path(tmp_path, "P01_01") == path


def test_pieces_stand_beside_official_frames_as_the_video_does(tmp_path):
    (tmp_path / "P01" / "rgb_frames" / "P01_01").mkdir(parents=True)
    touch(tmp_path / "P01" / "P01_01.MP4" / "0.MP4")
    assert rgb_source(tmp_path, "P01_01").video == tmp_path / "P01" / "P01_01.MP4"


def test_an_empty_folder_hides_no_video(tmp_path):
    (tmp_path / "P01" / "videos" / "P01_01.MP4").mkdir(parents=True)
    video = touch(tmp_path / "P01" / "P01_01.mp4")
    assert rgb_source(tmp_path, "P01_01") == VideoFile(video)


# --- clips ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["clips", ".", "EPIC-KITCHENS/clips"])
def test_clips_of_all_segments_keep_the_official_split(root, folder):
    official = read(root).table
    add_clips(root, TRAIN + VAL, folder)
    segments = read(root)
    table = segments.table
    same = ["segment_id", "group", "start_frame", "stop_frame", "fps", "verb", "noun", "split", "unseen", "tail_verb"]
    pd.testing.assert_frame_equal(table[same], official[same])
    assert (table["video_id"] == table["segment_id"]).all() and table["recording"].tolist() == [*official["video_id"]]
    assert (table["start_s"] == 0).all() and table["stop_s"].isna().all()  # the whole file, however long
    assert segments.part == "clips (official split)"
    path = root / folder / "P01" / "P01_101_2.mp4"
    assert rgb_source(root, "P01_101_2").path.resolve() == path.resolve() == sound_path(root, "P01_101_2").resolve()


def test_clips_of_the_training_part_are_split_by_participant(root):
    add_clips(root, TRAIN)
    segments = read(root)
    table = segments.table.set_index("segment_id")
    assert segments.num_classes == {"verb": 4, "noun": 4}  # official numbers, also those of classes without a clip
    assert table["split"].value_counts().to_dict() == {"train": 6, "val": 1}
    assert table.index[table["split"] == "val"].tolist() == ["P03_101_0"]  # 15 % of seven; the only one that fits
    assert table["unseen"].tolist() == [False] * 6 + [True]
    assert table["verb"].tolist() == [0, 1, 2, 0, 0, 1, 2]
    assert segments.part == "clips (training part of 2020, split by participant)"
    assert segments.found == (
        "clips, one file per segment: 7 of 7 of train, 0 of 2 of val have one, the others are left out",
        "no clip is of the official validation split: the participants P03 are validation instead",
    )
    assert read(root, val_participants=["P01"]).table["split"].value_counts().to_dict() == {"val": 4, "train": 3}
    assert set(read(root, val_share=0.5).table.query("split == 'val'")["group"]) <= {"P02", "P03"}


def test_segments_without_a_clip_are_left_out(root):
    add_clips(root, [row for row in TRAIN if row[2] < 2] + VAL[:1])
    touch(root / "clips" / "P09" / "P09_101_7.mp4")
    segments = read(root)
    assert segments.table["segment_id"].tolist() == [
        "P01_101_0", "P01_101_1", "P02_102_0", "P02_102_1", "P03_101_0", "P02_01_0"
    ]  # fmt: skip
    assert segments.part == "clips (official split, 1 of 2 validation segments)"
    assert segments.found[0].startswith("clips, one file per segment: 5 of 7 of train, 1 of 2 of val have one")
    assert segments.found[1] == "1 clips are not in the annotation files and are not used"


def test_videos_come_before_clips_unless_the_config_says(root):
    add_clips(root, TRAIN)
    touch(root / "P01" / "P01_101.MP4" / "0.MP4")
    assert read(root).part == "" and len(read(root).table) == 9
    assert read(root, layout="clips").part != ""
    (root / "P01" / "P01_101.MP4" / "0.MP4").unlink()
    assert read(root).part != "" and read(root, layout="videos").part == ""


def test_what_cannot_be_split_is_refused(root):
    with pytest.raises(UserError, match="holds no clips"):
        read(root, layout="clips")
    add_clips(root, TRAIN[:4])
    with pytest.raises(UserError, match="of one participant, P01"):
        read(root)
    add_clips(root, TRAIN)
    with pytest.raises(UserError, match=r"P04 has no training clips; expected some of \['P01', 'P02', 'P03'\]"):
        read(root, val_participants=["P04"])
    with pytest.raises(UserError, match="none is left to train on"):
        read(root, val_participants=["P01", "P02", "P03"])


def test_participants_for_validation_are_refused_where_the_official_split_is_used(root):
    with pytest.raises(UserError, match="holds no clips, so the official split is used"):
        read(root, val_participants=["P01"])
    add_clips(root, TRAIN + VAL[:1])
    with pytest.raises(UserError, match="1 clips are of the official validation split"):
        read(root, val_participants=["P01"])


def test_no_annotated_clip(root):
    touch(root / "clips" / "P09" / "P09_101_7.mp4")
    with pytest.raises(UserError, match="none of the 1 clips is a segment"):
        read(root)


def test_boxes_of_a_clip_are_those_of_its_stretch_of_the_video(root):
    add_clips(root, TRAIN)
    message = detections_class()
    path = boxes_path(root, "P01_101_1")
    assert path == root / "P01" / "hand-objects" / "P01_101.pkl" and flow_source(root, "P01_101_1") is None
    frames = []
    for number in range(1, 201):
        frame = message()
        box = frame.objects.add(score=0.9).bbox
        box.left, box.top, box.right, box.bottom = number / 1000, 0, 1, 1
        frames.append(frame.SerializeToString())
    path.parent.mkdir(parents=True)
    path.write_bytes(__import__("pickle").dumps(frames))
    rows = read(root).table.query("segment_id == 'P01_101_1'").assign(stop_s=1.0)
    found = boxes(root, "P01_101_1", rows, 10.0, None)
    inside = found[(found["time_s"] >= 0) & (found["time_s"] < 1)]
    # frames 61 to 120 on a clock of 50 per second
    assert inside["time_s"].tolist() == pytest.approx(np.arange(0, 1, 0.1).tolist())
    assert inside["frame"].tolist() == [61 + 5 * k for k in range(10)]
    assert inside["x1"].tolist() == pytest.approx([(61 + 5 * k) / 1000 for k in range(10)])


def test_a_held_out_video_is_the_one_that_clips_are_from():
    """Clips of a video of 2020 are never on both sides."""
    table = pd.DataFrame({"segment_id": [f"P01_10{v}_{n}" for v in range(1, 6) for n in range(4)]})
    table = table.assign(video_id=table["segment_id"], recording=table["segment_id"].str[:7], split="train", verb=0)
    fold = assign_fold(table, ["verb"], 0.2, 0, "video")
    assert (fold == "heldout").groupby(table["recording"]).sum().tolist().count(4) == 1 and (
        fold == "heldout"
    ).sum() == 4


def test_defaults_of_config_and_adapter_agree():
    assert EpicSettings().val_share == VAL_SHARE
    assert EpicSettings().model_dump() == {
        "layout": None, "val_participants": None, "val_share": VAL_SHARE, "split_seed": 0
    }  # fmt: skip


def test_source_says_it_once():
    part = "clips (training part of 2020, split by participant)"
    assert full_source("EPIC-KITCHENS-100", "") == "EPIC-KITCHENS-100"
    assert full_source("EPIC-KITCHENS-100", part) == f"EPIC-KITCHENS-100 {part}"
    assert full_source(f"EPIC-KITCHENS-100 {part}", part) == f"EPIC-KITCHENS-100 {part}"


# --- steps ----------------------------------------------------------------------------------------------------------


def look(root, **changes):
    """The report of a check, and its table of problems."""
    out = root / "out"
    arguments = [
        "--root",
        str(root),
        "--format",
        "epic100",
        "--dataset",
        "e",
        "--settings",
        json.dumps(SETTINGS | changes),
    ]
    check.main([*arguments, "--threads", "2", "--out", str(out)])
    return (out / "report.md").read_text(), pd.read_csv(out / "problems.csv", keep_default_na=False)


def test_the_table_of_clips_ends_where_the_files_end(root):
    add_clips(root, TRAIN)
    for participant, video, number, _ in TRAIN:
        make_video(root / "clips" / participant / f"{video}_{number}.mp4", frames=20 + 5 * number)
    out = root / "annotations.parquet"
    arguments = ["--root", str(root), "--format", "epic100", "--dataset", "e", "--source", "demo", "--shards", "2"]
    index_segments.main([*arguments, "--out", str(out)])
    segments = read_segments(out)
    assert segments.source == "demo clips (training part of 2020, split by participant)"
    assert segments.table["stop_s"].tolist() == pytest.approx([0.8, 1.0, 1.2, 1.4, 0.8, 1.0, 0.8])
    assert segments.table["aspect"].tolist() == [2.0] * 7
    check_segments(segments, "test")
    text, _ = look(root)
    assert text.startswith(f"# e: EPIC-KITCHENS-100 {segments.source.removeprefix('demo ')} in {root}")
    assert "- clips, one file per segment: 7 of 7 of train, 0 of 2 of val have one, the others are left out" in text
    assert "- 6 of 6 train segments have their pictures (100.00 %)\n- 1 of 1 val segments" in text


def test_check_names_the_layout_and_how_much_is_there(root):
    """Segments of a second, 1.2 s each on the clock of 50; a second is missing, another is damaged."""
    for participant, video in {(row[0], row[1]) for row in TRAIN + VAL}:
        folder = root / participant / f"{video}.MP4"
        folder.mkdir(parents=True)
        for start in range(0, 6, 2):
            make_video(folder / f"{start}.MP4", frames=50)
    (root / "P01" / "P01_101.MP4" / "2.MP4").unlink()  # second to fourth segment: 1.2 to 2.4, ..., 4.8 s
    (root / "P02" / "P02_102.MP4" / "0.MP4").write_bytes(b"")
    with pytest.raises(SystemExit):
        look(root, max_share=0.1)
    text, problems = look(root, max_share=0.99)
    assert "- 5 of 5 videos in pieces of 2 s" in text
    assert "- 2 of 7 train segments have their pictures (28.57 %)" in text
    assert "- 2 of 2 val segments have their pictures (100.00 %)" in text
    errors = problems[problems["level"] == "error"]
    assert set(errors["kind"]) == {"missing or unreadable piece"}
    assert errors["segment_id"].tolist() == ["P01_101_1", "P01_101_2", "P01_101_3", "P02_102_0", "P02_102_1"]


def test_the_real_training_part_of_2020(realdata):
    """What the copies that are passed around hold: 37,455 clips of 18 participants."""
    root = realdata / "epic100_annotations"
    official = read(root)
    clips = set(official.table.loc[official.table["video_id"].map(epic_files.is_2020), "segment_id"])
    clips &= set(official.table.loc[official.table["split"] == "train", "segment_id"])
    table, part, found = epic_clips.as_clips(official.table, clips, root, VAL_SHARE, None, 0)
    assert len(table) == 37_455 and part == "clips (training part of 2020, split by participant)"
    assert found[0].startswith("clips, one file per segment: 37455 of 67217 of train, 0 of 9668 of val have one")
    val = table["split"] == "val"
    assert 0.05 < val.mean() <= 0.15 and not set(table["group"][val]) & set(table["group"][~val])
    labels = official.table.set_index("segment_id")[["verb", "noun"]]
    assert (table[["verb", "noun"]].to_numpy() == labels.loc[table["segment_id"]].to_numpy()).all()
