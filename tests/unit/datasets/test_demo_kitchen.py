"""The generated kitchen: official layout and conventions, determinism, and what the world promises."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from egokd.datasets.demos.kitchen.annotations import timestamp
from egokd.datasets.demos.kitchen.appliances import APPLIANCES
from egokd.datasets.demos.kitchen.generate import generate
from egokd.datasets.demos.kitchen.motion import make_script, state_at
from egokd.datasets.demos.kitchen.scene import Stage
from egokd.datasets.demos.kitchen.script import (
    NOUNS,
    PLACE,
    VERBS,
    Segment,
    World,
    draw_pairs,
    pair_shares,
    plan_videos,
)
from egokd.errors import UserError
from egokd.hashing import world_generator
from egokd.media.hand_object_proto import detections_class

# the header line of the published files
OFFICIAL = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,"
    "stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes"
)
WORLD = World(
    seed=5,
    train_kitchens=2,
    val_only_kitchens=1,
    train_segments=8,
    val_segments=4,
    segments_per_video=2,
    frame_rate=10.0,
    short_side=32,
    label_noise=0.0,
    habits=0.5,
    silent_share=0.3,
    missed_box_share=0.1,
)
LARGE = replace(WORLD, segments_per_video=10, silent_share=0.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kitchen")
    generate(root, WORLD)
    return root


@pytest.fixture(scope="module")
def tables(world: Path) -> dict[str, pd.DataFrame]:
    return {split: pd.read_csv(world / f"EPIC_100_{split}.csv") for split in ("train", "validation")}


def seconds(stamp: str) -> float:
    hours, minutes, rest = stamp.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def test_official_columns_and_sizes(world: Path, tables: dict[str, pd.DataFrame]) -> None:
    for split in ("train", "validation"):
        assert (world / f"EPIC_100_{split}.csv").read_text().splitlines()[0] == OFFICIAL
    assert len(tables["train"]) == 8 and len(tables["validation"]) == 4
    for kind, names in (("verb", VERBS), ("noun", NOUNS)):
        classes = pd.read_csv(world / f"EPIC_100_{kind}_classes.csv")
        assert list(classes.columns) == ["id", "key", "instances", "category"]
        assert tuple(classes["key"]) == names
        assert list(pd.read_csv(world / f"EPIC_100_tail_{kind}s.csv").columns) == [kind]
    info = pd.read_csv(world / "EPIC_100_video_info.csv")
    assert list(info.columns) == ["video_id", "duration", "fps", "resolution"]


def test_frames_follow_the_fixed_clock(tables: dict[str, pd.DataFrame]) -> None:
    table = pd.concat(tables.values())
    clocks = table["video_id"].map(lambda v: 50 if len(v.split("_")[1]) == 3 else 60)
    assert set(clocks) == {50, 60}
    for side in ("start", "stop"):
        times = table[f"{side}_timestamp"].map(seconds)
        expected = np.maximum(np.floor(times * clocks + 1e-6), 1)
        assert (table[f"{side}_frame"] == expected).all()
    assert (table["stop_frame"] > table["start_frame"]).all()
    assert table["narration_id"].is_unique


def test_classes_agree_with_names(tables: dict[str, pd.DataFrame]) -> None:
    for row in pd.concat(tables.values()).itertuples():
        assert VERBS[row.verb_class] == row.verb and NOUNS[row.noun_class] == row.noun
        assert row.all_nouns == str([row.noun]) and row.all_noun_classes == str([row.noun_class])
        assert row.noun in row.narration


def test_unseen_participants_only_in_validation(world: Path, tables: dict[str, pd.DataFrame]) -> None:
    unseen = set(pd.read_csv(world / "EPIC_100_unseen_participant_ids_validation.csv")["participant_id"])
    assert unseen == {"P03"}
    assert not unseen & set(tables["train"]["participant_id"])
    assert tables["validation"]["participant_id"].isin(unseen).sum() == 2
    assert not set(tables["train"]["video_id"]) & set(tables["validation"]["video_id"])


def test_videos_hold_their_segments(world: Path, tables: dict[str, pd.DataFrame]) -> None:
    manifest = json.loads((world / "manifest.json").read_text())
    table = pd.concat(tables.values())
    assert set(manifest["videos"]) == set(table["video_id"])
    silent = 0
    for video_id, rows in table.groupby("video_id"):
        path = world / video_id[:3] / "videos" / f"{video_id}.MP4"
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            assert video.codec.name == "h264" and (video.width, video.height) == (42, 32)
            assert video.average_rate == 10
            duration = video.frames / 10
            silent += not container.streams.audio
            frames = list(container.decode(video=0))
        assert len(frames) == int(duration * 10)
        assert rows["stop_timestamp"].map(seconds).max() < duration
    assert 0 < silent < len(manifest["videos"])  # a silent video has no audio stream at all


def test_detections_are_official_messages(world: Path, tables: dict[str, pd.DataFrame]) -> None:
    video_id = tables["train"]["video_id"].iloc[0]
    rows = tables["train"].query("video_id == @video_id")
    messages = pickle.loads((world / video_id[:3] / "hand-objects" / f"{video_id}.pkl").read_bytes())
    assert isinstance(messages, list) and all(isinstance(m, bytes) for m in messages)
    assert len(messages) >= rows["stop_frame"].max()
    hands = states = 0
    for number, data in enumerate(messages):
        message = detections_class().FromString(data)
        assert message.video_id == video_id and message.frame_number == number + 1
        for item in [*message.hands, *message.objects]:
            box = item.bbox
            assert 0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1
            assert 0 < item.score <= 1
        hands += len(message.hands)
        states += sum(hand.state == 3 for hand in message.hands)
    assert 0 < states < hands


def test_message_bytes_worked_out_by_hand() -> None:
    message = detections_class()(video_id="A", frame_number=1)
    hand = message.hands.add(score=1.0, state=3, side=1)
    hand.bbox.right = 0.5
    # tags: field << 3 | wire type; 1.0 is 00 00 80 3f and 0.5 is 00 00 00 3f in little-endian floats
    body = bytes.fromhex("0a05 1d0000003f 150000803f 1803 2801")
    assert message.SerializeToString() == bytes.fromhex("0a0141 1001 1a") + bytes([len(body)]) + body


def test_same_arguments_same_files(world: Path, tmp_path: Path) -> None:
    generate(tmp_path, WORLD, processes=2)
    files = sorted(p.relative_to(world) for p in world.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for name in files:
        if name.suffix == ".MP4":
            with av.open(str(world / name)) as a, av.open(str(tmp_path / name)) as b:
                for left, right in zip(a.decode(video=0), b.decode(video=0), strict=True):
                    assert np.array_equal(left.to_ndarray(format="rgb24"), right.to_ndarray(format="rgb24"))
        else:
            assert (world / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_pairs_have_a_long_tail() -> None:
    shares = pair_shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares.values()) > 5 * min(shares.values())
    counts = pd.Series(draw_pairs(800, world_generator(0, "test"))).value_counts()
    assert counts.sum() == 800 and len(counts) == len(shares)
    for pair, share in shares.items():  # each pair as often as its share says, rounded
        assert abs(counts[pair] - 800 * share) <= 1


def test_label_noise_is_in_training_only() -> None:
    world = replace(LARGE, seed=1, train_kitchens=3, train_segments=300, val_segments=100, label_noise=0.1)
    plans = plan_videos(world)
    wrong = {"train": [], "val": []}
    for plan in plans:
        for s in plan.segments:
            wrong[plan.split].append((s.verb, s.noun) != (s.label_verb, s.label_noun))
    assert sum(wrong["val"]) == 0 and 0.05 < np.mean(wrong["train"]) < 0.16
    assert len(wrong["train"]) == 300 and len(wrong["val"]) == 100


def test_habits_hold_for_participants_seen_in_training_only() -> None:
    sizes = {"train_kitchens": 4, "val_only_kitchens": 4, "train_segments": 800, "val_segments": 800}
    plans = plan_videos(replace(LARGE, seed=2, habits=0.6, **sizes))
    own = {(split, shifted): [] for split, shifted in (("train", False), ("val", False), ("val", True))}
    for plan in plans:
        own[plan.split, plan.shifted] += [s.place == PLACE[s.verb] for s in plan.segments]
    # 0.6 by habit and one eighth of the rest by chance: 0.65; without habits one eighth
    assert np.mean(own["train", False]) == pytest.approx(0.65, abs=0.06)
    assert np.mean(own["val", False]) == pytest.approx(0.65, abs=0.08)
    assert np.mean(own["val", True]) == pytest.approx(0.125, abs=0.06)


def test_every_place_looks_different() -> None:
    assert set(PLACE) == set(VERBS) and set(PLACE.values()) == set(APPLIANCES)
    sizes = {"train_kitchens": 1, "val_only_kitchens": 0, "train_segments": 1, "val_segments": 1}
    plan = plan_videos(replace(LARGE, seed=2, habits=0.0, **sizes))[0]
    pictures = []
    for name in APPLIANCES:
        there = replace(plan, segments=(replace(plan.segments[0], place=name),))
        pictures.append(Stage(2, there, 4 / 3, 64).frame(1.0)[0])
    for k, one in enumerate(pictures):
        for other in pictures[:k]:
            assert np.abs(one - other).max() > 0.2


def test_push_directions_differ_and_put_is_take_backwards() -> None:
    def positions(verb: str) -> list[float]:
        segment = Segment(0.0, 2.0, verb, "cup", verb, "cup", PLACE[verb])
        script = make_script(segment, 0.5, world_generator(3, "motion"))
        return [state_at(script, t).obj for t in np.linspace(0, 2, 21)]

    left, right = positions("push-left"), positions("push-right")
    assert left[-1][0] < left[0][0] - 0.2 and right[-1][0] > right[0][0] + 0.2
    assert positions("take") == pytest.approx(np.array(positions("put")[::-1]))


def test_time_stamps() -> None:
    assert timestamp(3671.5, 2) == "01:01:11.50"
    assert timestamp(59.999, 2) == "00:01:00.00"


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="training segments"):
        generate(tmp_path, replace(WORLD, train_segments=1))
    with pytest.raises(UserError, match="short_side 33"):
        generate(tmp_path, replace(WORLD, short_side=33))
