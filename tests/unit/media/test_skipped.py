"""One damaged video never stops a shard; too many do stop the run, with a table that stays."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from egokd.datasets.segments import Segments, write_segments
from egokd.errors import UserError
from egokd.media.audio_store import AudioStore
from egokd.media.frame_store import FrameStore
from egokd.media.objects import ObjectStore
from egokd.media.skipped import Skip, check_skipped, read_skipped, write_skipped
from egokd.steps import collect_skipped, extract_audio, extract_flow, extract_frames, extract_objects
from media_files import make_video

SETTINGS = {"reader": "decord", "frame_rate": 12.5, "short_side": 32, "jpeg_quality": 90, "sample_rate": 8000}
SETTINGS |= {"margin_s": 0.2}


@pytest.fixture
def world(tmp_path):
    """Four videos in shard 0: whole, cut off, missing, too short for its second segment; shard 1 has none."""
    folder = tmp_path / "P01" / "videos"
    folder.mkdir(parents=True)
    make_video(folder / "P01_01.MP4", audio=np.zeros(38400, np.int16), file_options={"format": "mp4"})
    data = make_video(folder / "P01_02.MP4", file_options={"movflags": "faststart"}).read_bytes()
    (folder / "P01_02.MP4").write_bytes(data[: len(data) // 2])
    make_video(folder / "P01_04.MP4")
    boxes = tmp_path / "P01" / "hand-objects"
    boxes.mkdir()
    for video_id in ("P01_01", "P01_04"):
        (boxes / f"{video_id}.pkl").write_bytes(pickle.dumps([b""] * 150))
    (boxes / "P01_02.pkl").write_bytes(b"damaged")
    rows = [("a", "P01_01", 0.2, 0.9), ("b", "P01_01", 0.5, 1.2), ("c", "P01_02", 0.0, 1.0), ("d", "P01_03", 0.0, 1.0)]
    rows += [("e", "P01_04", 0.0, 1.0), ("f", "P01_04", 2.0, 9.0)]
    table = pd.DataFrame(rows, columns=["segment_id", "video_id", "start_s", "stop_s"]).assign(fps=60.0, shard=0)
    table["split"] = ["train", "train", "train", "test", "val", "val"]
    write_segments(tmp_path / "annotations.parquet", Segments(table, {"verb": ["take"]}, "test"))
    return tmp_path


def run(step, world, shard, name, suffix):
    arguments = ["--segments", str(world / "annotations.parquet"), "--shard", str(shard), "--root", str(world)]
    arguments += ["--format", "epic100", "--settings", json.dumps(SETTINGS), "--threads", "1"]
    out, skipped = world / f"{name}{shard}.{suffix}", world / f"{name}{shard}.skipped.csv"
    step.main([*arguments, "--out", str(out), "--skipped", str(skipped)])
    return out, read_skipped(skipped)


def test_frames_and_flow(world):
    out, skipped = run(extract_frames, world, 0, "rgb", "arrow")
    frames = FrameStore([out])
    assert frames.videos == ["P01_01", "P01_04"]
    assert frames.info("P01_01") | {"reader": "decord", "width": 64, "height": 32} == frames.info("P01_01")
    # segments 0.2 to 1.2 s, one grid step of 0.08 s more on both sides: 0.12 <= k * 0.08 < 1.28
    np.testing.assert_allclose(frames.times("P01_01"), np.arange(2, 16) * 0.08)
    reasons = {(row.video_id, row.segment_id): row.reason for row in skipped.itertuples()}
    assert set(reasons) == {("P01_02", ""), ("P01_03", ""), ("P01_04", "f")}
    assert "cut off" in reasons["P01_02", ""] and "no such file" in reasons["P01_03", ""]
    assert "ends at 2.40 s" in reasons["P01_04", "f"] and set(skipped["step"]) == {"extract_frames"}

    flow = world / "flow.arrow"
    settings = json.dumps({"source": "computed", "preset": "fast", "bound": 8.0})
    arguments = ["--frames", str(out), "--settings", settings, "--threads", "1", "--out", str(flow)]
    extract_flow.main([*arguments, "--skipped", str(world / "flow.skipped.csv")])
    assert FrameStore([flow]).videos == frames.videos
    assert FrameStore([flow]).metadata["dt_s"] == 0.08 and FrameStore([flow]).metadata["bound"] == 8.0
    np.testing.assert_array_equal(FrameStore([flow]).times("P01_04"), frames.times("P01_04"))


def test_sound_and_boxes(world):
    out, skipped = run(extract_audio, world, 0, "audio", "arrow")
    sound = AudioStore([out])
    assert [sound.has(segment_id) for segment_id in "abcdef"] == [True, True, False, False, False, False]
    assert sound.waveform("a")[1:] == (0.0, 8000)
    assert skipped["video_id"].tolist() == ["P01_03"]  # P01_02 is silent, and what is left of it is never decoded
    out, skipped = run(extract_objects, world, 0, "obj", "parquet")
    assert skipped["video_id"].tolist() == ["P01_02", "P01_03"]
    assert not ObjectStore([out]).has("a")


def test_empty_shards(world):
    out, skipped = run(extract_frames, world, 1, "rgb", "arrow")
    assert FrameStore([out]).videos == [] and skipped.empty
    flow = world / "flow.arrow"
    settings = json.dumps({"source": "computed", "preset": "fast", "bound": 8.0})
    arguments = ["--frames", str(out), "--settings", settings, "--threads", "1", "--out", str(flow)]
    extract_flow.main([*arguments, "--skipped", str(world / "flow.skipped.csv")])
    assert FrameStore([flow]).videos == []
    assert not AudioStore([run(extract_audio, world, 1, "audio", "arrow")[0]]).has("a")
    assert not ObjectStore([run(extract_objects, world, 1, "obj", "parquet")[0]]).has("a")


def collect(world, limit, **skips):
    """`rgb0` are the rows of the table of shard 0 of rgb."""
    paths = [world / name[:-1] / f"{name[-1]}.skipped.csv" for name in skips]
    for path, rows in zip(paths, skips.values(), strict=True):
        path.parent.mkdir(exist_ok=True)
        write_skipped(path, rows)
    arguments = ["--segments", str(world / "annotations.parquet"), "--max-share", str(limit), "--dataset", "mine"]
    collect_skipped.main([*arguments, "--skipped", *map(str, paths), "--out", str(world / "skipped.csv")])


def test_share_of_skipped(world, capsys):
    frames = [Skip("P01_02", "", "extract_frames", "cut off"), Skip("P01_04", "f", "extract_frames", "too short")]
    sound = [Skip("P01_01", "", "extract_audio", "damaged, really")]
    tables = {"rgb0": frames, "rgb1": [], "audio1": sound}
    above = world / "skipped_above_limit.csv"
    with pytest.raises(UserError) as error:
        collect(world, 0.4, **tables)
    text = str(error.value)
    # each split by itself: of three train segments two lack their sound and one its frames; one of two val its frames
    assert "extract_audio skipped 2 of 3 train segments (66.7 %)" in text
    assert "extract_frames skipped 1 of 2 val segments (50.0 %)" in text and "1 of 3" not in text
    assert "the limit is 40.0 % of a split (data.max_skipped_share)" in text and str(above) in text
    assert "`snakemake --cores 1 reread_mine`" in text
    assert len(read_skipped(above)) == 3 and not (world / "skipped.csv").exists()
    capsys.readouterr()
    collect(world, 0.67, **tables)
    log = capsys.readouterr().err
    assert not above.exists()
    assert read_skipped(world / "skipped.csv")["reason"].tolist() == ["cut off", "too short", "damaged, really"]
    assert "reread_mine" in log and "extract_frames skipped 1 of 3 train segments" in log
    # a video named as a whole and one of its segments count once
    both = [Skip("P01_02", "", "extract_frames", "x"), Skip("P01_02", "c", "extract_frames", "y")]
    collect(world, 0.34, rgb0=both)
    collect(world, 0.0, rgb0=[], obj0=[])
    assert read_skipped(world / "skipped.csv").empty


def test_unlabelled_test_segments_never_stop_a_run(world, capsys):
    collect(world, 0.0, obj0=[Skip("P01_03", "", "extract_objects", "no such file")])
    log = capsys.readouterr().err
    assert read_skipped(world / "skipped.csv")["video_id"].tolist() == ["P01_03"]
    assert "extract_objects skipped 1 of 1 test segments (100.0 %)" in log


def test_foreign_table(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"x\.csv: expected a table with the columns"):
        read_skipped(tmp_path / "x.csv")


def test_missing_and_damaged_tables_are_named(tmp_path):
    path = tmp_path / "results/data/epic/skipped.csv"
    with pytest.raises(UserError, match=r"skipped\.csv: no such table"):
        read_skipped(path)
    write_skipped(path, [Skip("v1", "", "extract_frames", "cut off, really"), Skip("v2", "s2", "extract_audio", "x")])
    whole = path.read_bytes()
    table = pd.DataFrame({"video_id": ["v1", "v2"], "segment_id": ["s1", "s2"]})
    check_skipped(path, read_skipped(path), table, ("extract_frames",))
    damages = {
        b"": "it is empty",
        whole.replace(b"v2", b"\xff2"): "codec",
        whole.replace(b"s2", b"r2"): "segment_id 'r2' is not in the segment table",
        whole.replace(b"v1", b"w1"): "video_id 'w1' is not in the segment table",
        whole.replace(b"extract_frames", b"extract_framds"): "no step 'extract_framds'",
        whole.replace(b",extract_audio", b"-extract_audio"): "3 fields instead of 4",
        whole.replace(b"v1,", b'"v1,'): "",
    }
    for content, message in damages.items():
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"skipped\.csv: damaged .*{message}.*rule collect_skipped makes it"):
            check_skipped(path, read_skipped(path), table, ("extract_frames",))
