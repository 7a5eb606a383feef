"""The generated table top: official files that the real adapter reads, determinism, and what the world promises."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from egokd.datasets import something_else
from egokd.datasets.demos.compositional.annotations import annotated_frames, entry, plain
from egokd.datasets.demos.compositional.generate import generate
from egokd.datasets.demos.compositional.motion import make_script, state_at
from egokd.datasets.demos.compositional.scene import HAND, Seen, Stage
from egokd.datasets.demos.compositional.script import ACTIONS, Clip, Thing, World, make_things, plan_clips
from egokd.datasets.segments import read_segments
from egokd.errors import UserError
from egokd.hashing import world_generator
from egokd.media.frame_store import FrameStore
from egokd.steps import extract_frames, extract_objects, index_boxes, index_segments

WORLD = World(
    seed=5,
    train_clips=16,
    val_clips=8,
    short_side=48,
    correlation=0.9,
    label_noise=0.1,
    unannotated_share=0.2,
)
LARGE = replace(WORLD, seed=3, train_clips=800, val_clips=400, label_noise=0.05, unannotated_share=0.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table")
    generate(path, WORLD)
    return path


@pytest.fixture(scope="module")
def clips() -> dict:
    return {clip.clip_id: clip for clip in plan_clips(WORLD)}


@pytest.fixture(scope="module")
def prepared(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the workflow's own steps make of it."""
    out = tmp_path_factory.mktemp("stores")
    common = ["--root", str(root), "--format", "something_else"]
    table = ["--dataset", "demo", "--source", "demo", "--shards", "1", "--out", str(out / "annotations.parquet")]
    index_segments.main([*common, *table])
    index_boxes.main([*common, "--out", str(out / "index.parquet")])
    shard = ["--segments", str(out / "annotations.parquet"), "--shard", "0", "--threads", "1", *common]
    frames = {"reader": "decord", "frame_rate": 12.0, "short_side": 48, "jpeg_quality": 90}
    for step, settings, name in (
        (extract_frames, frames, "rgb.arrow"),
        (extract_objects, {"frame_rate": 12.0}, "obj.parquet"),
    ):
        more = ["--index", str(out / "index.parquet")] if step is extract_objects else []
        skipped = str(out / f"{name}.skipped.csv")
        step.main([*shard, *more, "--settings", json.dumps(settings), "--skipped", skipped, "--out", str(out / name)])
    return out


def test_the_real_adapter_reads_it(root: Path, clips: dict) -> None:
    segments = something_else.read(root)
    table = segments.table.set_index("segment_id")
    assert set(table.index) == set(clips)
    names = segments.heads["action"]
    assert sorted(names) == sorted(plain(action.template) for action in ACTIONS)
    for clip_id, clip in clips.items():
        assert names[table.loc[clip_id, "action"]] == plain(ACTIONS[clip.label].template)
        assert table.loc[clip_id, "split"] == clip.split
    official = json.loads((root / "labels/labels.json").read_text())
    own = json.loads((root / "dataset_splits/compositional/labels.json").read_text())
    assert official.keys() == own.keys() and official != own  # two numberings, as published


def test_entries_are_official(root: Path) -> None:
    for folder in ("labels", "dataset_splits/compositional"):
        for split in ("train", "validation"):
            for item in json.loads((root / folder / f"{split}.json").read_text()):
                assert list(item) == ["id", "label", "template", "placeholders"] and item["id"].isdigit()
                assert item["template"].count("[something]") == len(item["placeholders"])
                assert "[" not in item["label"] and all(name in item["label"] for name in item["placeholders"])


def test_templates_are_real_ones(realdata: Path) -> None:
    known = json.loads((realdata / "ssv2" / "something-something-v2-labels.json").read_text())
    assert {plain(action.template) for action in ACTIONS} <= set(known)


def test_clips_are_silent_webm_at_12_frames(root: Path, clips: dict) -> None:
    for clip in clips.values():
        with av.open(str(something_else.rgb_source(root, clip.clip_id).path)) as container:
            video = container.streams.video[0]
            assert video.codec.name == "vp9" and container.format.name == "matroska,webm"
            assert (video.width, video.height) == (64, 48) and video.average_rate == 12
            assert not container.streams.audio
            assert len(list(container.decode(video=0))) == clip.frames
        assert 1.3 <= clip.frames / 12 <= 2.0


def test_frames_and_boxes_reach_the_stores(prepared: Path, clips: dict) -> None:
    table = read_segments(prepared / "annotations.parquet").table.set_index("segment_id")
    store = FrameStore([prepared / "rgb.arrow"])
    boxes = pd.read_parquet(prepared / "obj.parquet")
    assert set(store.videos) == set(clips)
    assert set(boxes["segment_id"]) == {clip_id for clip_id, clip in clips.items() if clip.annotated_frames}
    assert any(not clip.annotated_frames for clip in clips.values())
    for clip_id, clip in clips.items():
        assert len(store.times(clip_id)) == clip.frames
        assert table.loc[clip_id, "stop_s"] == pytest.approx(clip.frames / 12, abs=0.01)
        own = boxes[boxes["segment_id"] == clip_id]
        assert own["frame"].max() <= clip.annotated_frames or own.empty
    assert set(boxes["category"]) == {"hand", "object"}


def test_nothing_is_left_out(prepared: Path, root: Path, clips: dict) -> None:
    for name in ("rgb.arrow", "obj.parquet"):
        assert len(pd.read_csv(prepared / f"{name}.skipped.csv")) == 0
    assert all(something_else.sound_path(root, clip_id) is None for clip_id in clips)  # no sound is no error


def test_boxes_sit_on_the_objects() -> None:
    """Drawn in another colour, an object changes its picture inside its box, and nowhere else."""
    for clip in plan_clips(replace(LARGE, train_clips=16, val_clips=8)):
        for k, thing in enumerate(clip.things):
            other = Thing(thing.shape, "red" if thing.colour != "red" else "blue")
            repainted = replace(clip, things=(*clip.things[:k], other, *clip.things[k + 1 :]))
            stages = [Stage(LARGE.seed, c, 4 / 3, 96) for c in (clip, repainted)]
            for number in (0, clip.frames // 2, clip.frames - 1):
                (one, seen), (two, _) = (stage.frame(number) for stage in stages)
                changed = np.abs(one - two).max(2) > 0.06
                x1, y1, x2, y2 = (round(v * 96) for v in next(item.box for item in seen if item.what == k))
                inside = np.zeros_like(changed)
                inside[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2] = True  # soft edges
                assert not (changed & ~inside).any()
                if number in (0, clip.frames - 1) and ACTIONS[clip.action].motion != "lift":
                    assert changed[inside].mean() > 0.12  # no hand in front of it


def test_box_format_worked_out_by_hand(clips: dict) -> None:
    clip = next(clip for clip in clips.values() if clip.annotated_frames and len(clip.things) == 2)
    seen = [Seen(0, (0.25, 0.5, 0.5, 0.75)), Seen(1, (1.2, 0.0, 1.9, 0.5)), Seen(HAND, (0.5, 0.9, 0.8, 1.2))]
    frame = annotated_frames(0, clip, [seen] * clip.frames, 4 / 3)[0]
    assert frame["name"] == f"{clip.clip_id}/0001.jpg" and frame["nr_instances"] == 2
    thing, hand = frame["labels"]  # of the second object, less than a quarter is in the picture
    assert thing["standard_category"] == "0000" and thing["category"] == clip.things[0].name
    assert hand["standard_category"] == hand["category"] == "hand"
    edges = [thing["box2d"][key] for key in ("x1", "y1", "x2", "y2")]
    np.testing.assert_allclose(edges, [60, 120, 120, 180], atol=8)  # 240 pixels a height
    assert hand["box2d"]["y2"] == 240


def test_same_arguments_same_files(root: Path, tmp_path: Path) -> None:
    generate(tmp_path, WORLD, processes=2)
    files = sorted(p.relative_to(root) for p in root.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for name in files:
        if name.suffix == ".webm":
            with av.open(str(root / name)) as a, av.open(str(tmp_path / name)) as b:
                for left, right in zip(a.decode(video=0), b.decode(video=0), strict=True):
                    assert np.array_equal(left.to_ndarray(format="rgb24"), right.to_ndarray(format="rgb24"))
        else:
            assert (root / name).read_bytes() == (tmp_path / name).read_bytes(), name
    assert json.loads((root / "manifest.json").read_text())["parameters"] == asdict(WORLD)


@pytest.mark.parametrize("seed", range(5))
def test_no_object_is_in_both_splits(seed: int) -> None:
    names = {split: {thing.name for group in groups for thing in group} for split, groups in make_things(seed).items()}
    assert len(names["train"]) == len(names["val"]) == 16
    assert not names["train"] & names["val"]
    things = make_things(seed)
    for split in things:  # a colour belongs to one group: the shift is in who goes with whom, not in what there is
        assert len({group[0].colour for group in things[split]}) == len(ACTIONS)


def test_objects_follow_the_action_in_training_only() -> None:
    clips = plan_clips(LARGE)
    things = make_things(LARGE.seed)
    share = {}
    for split in ("train", "val"):
        own = [clip for clip in clips if clip.split == split]
        pool = {thing for group in things[split] for thing in group}
        assert all(set(clip.things) <= pool and (clip.clutter is None or clip.clutter in pool) for clip in own)
        share[split] = np.mean([clip.things[0] in things[split][clip.action] for clip in own])
        assert np.bincount([clip.action for clip in own]).tolist() == [len(own) // len(ACTIONS)] * len(ACTIONS)
    assert share["train"] == pytest.approx(0.9, abs=0.03)
    assert share["val"] == pytest.approx(2 / 16, abs=0.05)  # chance


def test_label_noise_is_in_training_only() -> None:
    clips = plan_clips(replace(LARGE, unannotated_share=0.1))
    wrong = {split: np.mean([c.label != c.action for c in clips if c.split == split]) for split in ("train", "val")}
    assert 0.02 < wrong["train"] < 0.08 and wrong["val"] == 0
    assert all(entry(clip)["template"] == ACTIONS[clip.label].template for clip in clips)
    assert 0.05 < np.mean([clip.annotated_frames == 0 for clip in clips]) < 0.15


@pytest.mark.parametrize("motion", ["push", "recede", "lift", "approach"])
def test_pairs_differ_in_the_direction_of_time_only(motion: str, clips: dict[str, Clip]) -> None:
    forward, reverse = (k for k, action in enumerate(ACTIONS) if action.motion == motion)
    clip = next(iter(clips.values()))
    paths = []
    for action in (forward, reverse):
        script = make_script(replace(clip, action=action), 4 / 3, world_generator(1, "motion"))
        paths.append([state_at(script, u) for u in np.linspace(0, 1, 11)])
    for a, b in zip(paths[0], paths[1][::-1], strict=True):
        assert a.thing == pytest.approx(b.thing) and a.hand == pytest.approx(b.hand)
        assert a.lift == pytest.approx(b.lift) and a.grip == b.grip
    first, last = paths[0][0], paths[0][-1]
    if motion == "push":
        assert last.thing[0] > first.thing[0] + 0.25
    elif motion == "recede":
        assert last.thing[1] < first.thing[1] - 0.2 and last.size < first.size
    elif motion == "lift":
        assert last.lift > 0.2 and first.lift == 0


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least 8 training clips"):
        generate(tmp_path, replace(WORLD, train_clips=7))
    with pytest.raises(UserError, match="short_side 49"):
        generate(tmp_path, replace(WORLD, short_side=49))
