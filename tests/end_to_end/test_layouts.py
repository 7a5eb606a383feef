"""The demo kitchen re-cut as people keep EPIC-KITCHENS: into pieces, and into clips.

Pictures are re-cut without loss, so stored frames must be the same bytes; sound is encoded anew, so it must be at the
same place and much alike.
"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from egokd.datasets.demos.kitchen.generate import generate
from egokd.datasets.demos.kitchen.script import World
from egokd.datasets.segments import read_segments
from egokd.media.audio_store import AudioStore
from egokd.media.frame_store import FrameStore
from egokd.media.skipped import read_skipped
from egokd.steps import extract_audio, extract_frames, index_segments
from paths import REPOSITORY
from recut import as_clips, as_pieces
from smoke import copy_workflow, snakemake

FRAME_RATE, SOUND, MARGIN_S = 8.0, 8000, 0.25
STEP_S = 3
WORLD = World(
    seed=0, train_kitchens=3, val_only_kitchens=1, train_segments=18, val_segments=6, frame_rate=FRAME_RATE,
    short_side=48, label_noise=0.0, habits=0.5, silent_share=0.1, missed_box_share=0.0,
)  # fmt: skip
SETTINGS = {"reader": "decord", "frame_rate": FRAME_RATE, "short_side": 48, "jpeg_quality": 90}


class Extracted:
    """Segment table, stores and skips of one root, made by the steps themselves."""

    def __init__(self, root, out):
        files = ["--root", str(root), "--format", "epic100"]
        shard = ["--segments", str(out / "annotations.parquet"), "--shard", "0", *files, "--threads", "1"]
        index = [*files, "--dataset", "demo", "--source", "demo", "--shards", "1"]
        index_segments.main([*index, "--out", str(out / "annotations.parquet")])
        for step, settings in (
            (extract_frames, SETTINGS),
            (extract_audio, {"sample_rate": SOUND, "margin_s": MARGIN_S}),
        ):
            name = step.__name__.rpartition("_")[2]
            arguments = [*shard, "--settings", json.dumps(settings), "--out", str(out / f"{name}.arrow")]
            step.main([*arguments, "--skipped", str(out / f"{name}.csv")])
        self.segments = read_segments(out / "annotations.parquet")
        self.table = self.segments.table.set_index("segment_id")
        self.frames, self.audio = FrameStore([out / "frames.arrow"]), AudioStore([out / "audio.arrow"])
        self.skipped = {name: read_skipped(out / f"{name}.csv") for name in ("frames", "audio")}

    def pictures(self, video_id):
        """{time in frames: JPEG} of a video."""
        first = self.frames.info(video_id)["first_row"]
        times = self.frames.times(video_id) * FRAME_RATE
        return {round(time): self.frames.read(first + index) for index, time in enumerate(times.tolist())}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a small demo kitchen, and what is extracted from its videos as they are."""
    folder = tmp_path_factory.mktemp("kitchen")
    generate(folder / "demo", WORLD)
    return folder / "demo", Extracted(folder / "demo", folder)


@pytest.fixture(scope="module")
def pieces(demo):
    """The same in pieces of 3 s."""
    as_pieces(demo[0], demo[0].parent / "pieces", STEP_S)
    return demo[0].parent / "pieces"


def assert_alike(ours, theirs):
    """Two waves agree best within 2 ms of each other, of a frame to either side, and are the same but for coding."""
    reach = round(SOUND / FRAME_RATE)
    middle = theirs[reach:-reach]
    parts = [ours[reach + lag : reach + lag + len(middle)] for lag in range(-reach, reach + 1)]
    best = int(np.argmax([part @ middle for part in parts]))
    assert abs(best - reach) <= 0.002 * SOUND
    assert parts[best] @ middle > 0.98 * np.linalg.norm(parts[best]) * np.linalg.norm(middle)


def test_pieces_give_the_same_segments_frames_and_sound(demo, pieces, tmp_path):
    _, whole = demo
    joined = Extracted(pieces, tmp_path)
    pd.testing.assert_frame_equal(joined.table, whole.table)
    assert joined.segments.source == "demo"
    assert not len(joined.skipped["frames"]) and not len(joined.skipped["audio"])
    spans = (whole.table["start_s"] // STEP_S) != (whole.table["stop_s"] // STEP_S)
    assert spans.sum() > 10  # segments across a border
    for video_id in whole.frames.videos:
        assert joined.frames.info(video_id)["reader"] == "pieces"
        assert joined.pictures(video_id) == whole.pictures(video_id)
    heard = [segment_id for segment_id in whole.table.index if whole.audio.has(segment_id)]
    assert heard == [segment_id for segment_id in whole.table.index if joined.audio.has(segment_id)]
    for segment_id in heard:
        ours, theirs = joined.audio.waveform(segment_id), whole.audio.waveform(segment_id)
        assert ours[1:] == theirs[1:] and len(ours[0]) == len(theirs[0])
        assert_alike(ours[0], theirs[0])


def test_clips_give_the_same_segments_frames_and_sound(demo, tmp_path):
    root, whole = demo
    as_clips(root, tmp_path / "clips", whole.table.reset_index(), FRAME_RATE)
    cut = Extracted(tmp_path / "clips", tmp_path)
    assert cut.segments.source == "demo clips (official split)"
    same = ["group", "start_frame", "stop_frame", "fps", "verb", "noun", "split", "unseen", "tail_verb", "tail_noun"]
    pd.testing.assert_frame_equal(cut.table[same], whole.table[same])
    assert cut.segments.heads == whole.segments.heads
    assert not len(cut.skipped["frames"]) and not len(cut.skipped["audio"])
    for row in whole.table.itertuples():
        clip, first = cut.table.loc[row.Index], round(row.start_s * FRAME_RATE)
        assert abs((clip["stop_s"] - clip["start_s"]) - (row.stop_s - row.start_s)) <= 1 / FRAME_RATE
        pictures, video = cut.pictures(row.Index), whole.pictures(row.video_id)
        assert len(pictures) == round(clip["stop_s"] * FRAME_RATE)
        assert pictures == {number: video[first + number] for number in pictures}
        assert cut.audio.has(row.Index) == whole.audio.has(row.Index)
        if whole.audio.has(row.Index):
            ours, _, _ = cut.audio.waveform(row.Index)
            theirs, whole_start_s, _ = whole.audio.waveform(row.Index)
            ahead = round((first / FRAME_RATE - whole_start_s) * SOUND)
            count = min(round(clip["stop_s"] * SOUND), len(theirs) - ahead)
            assert_alike(ours[:count], theirs[ahead : ahead + count])


def config(root, **changes):
    """The cut-down demo with one teacher and short trainings, on the files in `root`."""
    small = {"options": {"width": 4}, "train": {"epochs": 1, "warmup_epochs": 0, "batch_size": 4}}
    smoke = yaml.safe_load((REPOSITORY / "workflow/configs/smoke.yaml").read_text())["datasets"]["smoke"]
    data = {"root": str(root), "demo": None, "heldout_unit": "video", "heldout_share": 0.5, "shards": 1, **changes}
    kept = {key: smoke[key] for key in ("recipe", "media", "views", "inputs", "compute")}
    ensembles = {
        "uniform": None,
        "fitted": None,
        "heldout": {"teachers": ["rgb"], "calibrate": False, "noisy_labels": False},
    }
    return {
        **kept, "data": data, "teachers": {"rgb": small, "audio": None, "flow": None, "obj": None},
        "omnivore": None, "ensembles": ensembles, "students": {"heldout": small},
    }  # fmt: skip


@pytest.mark.slow
def test_tables_of_both_layouts(demo, pieces, tmp_path):
    """Pieces of which one is missing; clips of the training part only, split by participant."""
    root, whole = demo
    training = whole.table[whole.table["split"] == "train"]
    as_clips(root, tmp_path / "clips", training.reset_index(), FRAME_RATE)
    copied = tmp_path / "pieces"
    shutil.copytree(pieces, copied)
    video = training["video_id"].value_counts().index[0]
    (copied / video[:3] / f"{video}.MP4" / f"{STEP_S}.MP4").unlink()
    work = tmp_path / "work"
    copy_workflow(work)
    datasets = {"pieces": config(copied, max_skipped_share=0.5), "clips": config(tmp_path / "clips")}
    (work / "mine.yaml").write_text(yaml.safe_dump({"seeds": [0], "datasets": datasets}))
    targets = ["results/tables/pieces.csv", "results/tables/clips.csv"]
    snakemake(work, *targets, config="mine.yaml")

    tables = {name: pd.read_csv(work / f"results/tables/{name}.csv") for name in datasets}
    assert {name: set(table["source"]) for name, table in tables.items()} == {
        "pieces": {"demo"}, "clips": {"demo clips (training part of 2018, split by participant)"}
    }  # fmt: skip
    for table in tables.values():
        assert list(table["model"]) == ["baseline_rgb", "ensemble_heldout", "student_heldout"]
        assert np.isfinite(table["action_nll"]).all()
    rows = training[training["video_id"] == video]
    touched = rows[(rows["start_s"] < 2 * STEP_S) & (rows["stop_s"] > STEP_S)]
    skipped = read_skipped(work / "results/data/pieces/skipped.csv")
    assert len(touched) and set(skipped["segment_id"]) == set(touched.index)
    assert skipped["reason"].str.contains("no piece holds 3.00 to 6 s").all()
    split = read_segments(work / "results/data/clips/segments.parquet").table
    assert len(split) == len(training) and split["unseen"].equals(split["split"] == "val")
    assert (split.groupby("recording")["fold"].nunique() == 1).all()
