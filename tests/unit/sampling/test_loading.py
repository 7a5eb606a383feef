"""Batches are pure: any process, any number of workers and any restart sees the same items in the same order."""

import numpy as np
import pandas as pd
import pytest
import simplejpeg
import torch

from egokd.errors import UserError
from egokd.media.audio_writer import audio_writer
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.object_writer import write_boxes
from egokd.sampling.inputs import AudioSpec, InputSpec, finish
from egokd.sampling.loading import EpochBatches, OrderedBatches, ViewDataset, available_rows, loader, open_stores
from egokd.sampling.views import ViewSpec, train_view

VIEWS = ViewSpec(4, "uniform", 0.1, (0.7, 1.0), 0.2, 0.2, 0.2, 0.1)
INPUTS = InputSpec(16, 1.0, 3, 0.2, AudioSpec(0.2, 128, 128, 40, 16, -30.0, 15.0, 2, 2))
HEADS = ["verb", "noun"]


@pytest.fixture
def rows():
    """Eight segments of a second: s0..s5 of video a, s6 and s7 of videos that are not stored."""
    n = np.arange(8)
    return pd.DataFrame(
        {
            "segment_id": [f"s{k}" for k in n],
            "video_id": ["a"] * 6 + ["b", "c"],
            "start_s": n.astype(float),
            "stop_s": n + 1.0,
            "aspect": np.full(8, 1.5),
            "verb": n % 3,
            "noun": n,
        }
    )


@pytest.fixture
def stores(tmp_path):
    """Frames, flow and sound of video a; the frames end after 5 s, so s5 has none but the one just before it."""
    random = np.random.default_rng(0)
    for name, columns, channels in (("rgb", ("image",), 3), ("flow", ("u", "v"), 1)):
        metadata = {"kind": name, "frame_rate": 10.0, "bound": 8.0}
        with StoreWriter(tmp_path / f"{name}.arrow", columns, metadata) as writer:
            writer.begin("a")
            for k in range(48):
                image = random.integers(0, 256, (20, 30, channels), np.uint8)
                data = simplejpeg.encode_jpeg(image, 90, "RGB" if channels == 3 else "GRAY")
                writer.add(0.05 + 0.1 * k, **dict.fromkeys(columns, data))
            writer.end({"width": 30, "height": 20})
    with audio_writer(tmp_path / "audio.arrow", 4000, 0.1) as add:
        for k in range(6):
            add(f"s{k}", k - 0.1, None if k == 3 else random.integers(-9999, 9999, 4800).astype(np.int16))
    boxes = pd.DataFrame({"segment_id": [f"s{k}" for k in range(0, 8, 2)], "frame": 1, "category": "hand"})
    boxes = boxes.assign(time_s=[k + 0.5 for k in range(0, 8, 2)], score=0.9, side=0, state=3)
    write_boxes(tmp_path / "obj.parquet", [boxes.assign(x1=0.4, y1=0.4, x2=0.6, y2=0.6)])
    paths = {name: [tmp_path / f"{name}.arrow"] for name in ("rgb", "flow", "audio")}
    return open_stores("omnivore", {**paths, "obj": [tmp_path / "obj.parquet"]})


def dataset(rows, modality, stores, **changes):
    wanted = stores if modality == "omnivore" else {modality: stores[modality]}
    rows = rows[available_rows(rows, modality, wanted)].reset_index(drop=True)
    return ViewDataset(rows, modality, wanted, VIEWS, INPUTS, **{"seed": 1, "train": True, "labels": HEADS, **changes})


# --- order ------------------------------------------------------------------------------------------------------------


def test_the_order_is_a_pure_permutation():
    one = list(EpochBatches(10, 4, seed=0, epoch=3))
    np.random.seed(1)
    assert one == list(EpochBatches(10, 4, seed=0, epoch=3))
    assert [len(batch) for batch in one] == [4, 4, 2] == [len(b) for b in EpochBatches(10, 4, seed=0, epoch=4)]
    assert sorted(row for batch in one for row, _ in batch) == list(range(10))
    others = [EpochBatches(10, 4, seed=0, epoch=4), EpochBatches(10, 4, seed=1, epoch=3)]
    for other in others:
        assert [row for batch in other for row, _ in batch] != [row for batch in one for row, _ in batch]
    assert len(EpochBatches(10, 4, seed=0)) == 3


def test_views_follow_the_epoch():
    def view(epoch, views):
        return {v for batch in EpochBatches(5, 2, 0, epoch, views) for _, v in batch}

    assert [view(epoch, None) for epoch in (0, 1, 7)] == [{0}, {1}, {7}]
    assert [view(epoch, 3) for epoch in (0, 1, 7)] == [{0}, {1}, {1}]


def test_skipping_gives_the_tail():
    whole = list(EpochBatches(11, 3, seed=5, epoch=2))
    for skip in range(5):
        tail = EpochBatches(11, 3, seed=5, epoch=2, skip_batches=skip)
        assert list(tail) == whole[skip:] and len(tail) == len(whole[skip:])


def test_ranks_share_each_batch():
    whole = list(EpochBatches(11, 4, seed=5, epoch=2))
    parts = [list(EpochBatches(11, 4, seed=5, epoch=2, rank=rank, world=3)) for rank in range(3)]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert sorted(batch) == sorted(pair for share in shares for pair in share)
        assert all(shares)  # nobody waits with nothing to do
    with pytest.raises(UserError, match="batch_size 5"):
        EpochBatches(12, 5, seed=5, rank=0, world=3)


def test_ordered_batches_cover_rows_by_views():
    batches = OrderedBatches(3, [0, 5], 4)
    assert list(batches) == [[(0, 0), (0, 5), (1, 0), (1, 5)], [(2, 0), (2, 5)]] and len(batches) == 2


# --- what is available ------------------------------------------------------------------------------------------------


def test_available_rows(rows, stores):
    assert available_rows(rows, "rgb", stores).tolist() == [True] * 5 + [False] * 3
    assert available_rows(rows, "audio", stores).tolist() == [True, True, True, False, True, True, False, False]
    assert available_rows(rows, "obj", stores).tolist() == [True, False] * 4
    assert available_rows(rows, "omnivore", stores).tolist() == [True] * 7 + [False]
    assert available_rows(rows, "rgb", {"rgb": FrameStore([])}).tolist() == [False] * 8


def test_boxes_need_the_aspect(rows, stores):
    with pytest.raises(UserError, match="s2"):
        dataset(rows.assign(aspect=[1.5, 1.5, np.nan, 1.5, 1.5, 1.5, 1.5, 1.5]), "obj", stores)


# --- items ------------------------------------------------------------------------------------------------------------

SHAPES = {
    "rgb": {"pixels": (4, 16, 16, 3), "colour": (3, 4)},
    "flow": {"pixels": (4, 16, 16, 2), "gain": ()},
    "audio": {"pixels": (4, 16, 21)},
    "obj": {"boxes": (4, 3, 4), "category": (4, 3), "score": (4, 3), "side": (4, 3), "state": (4, 3)},
    "omnivore": {"pixels": (4, 16, 16, 3), "colour": (3, 4)},
}


@pytest.mark.parametrize("modality", SHAPES)
def test_items_and_what_the_nets_read(rows, stores, modality):
    data = dataset(rows, modality, stores)
    item = data[2, 7]
    assert {key: np.shape(value) for key, value in item.items()} == {**SHAPES[modality], "labels": (2,), "row": ()}
    segment = int(data.segment_ids[2][1:])
    assert item["labels"].tolist() == [segment % 3, segment] and item["row"] == 2
    (batch,) = loader(data, OrderedBatches(2, [0], 2), workers=0)
    read = finish(batch, modality, "cpu")
    if modality == "obj":
        assert {name: tuple(x.shape[1:]) for name, x in read.items()} == SHAPES["obj"]
    elif modality == "audio":
        assert read["pixels"].shape == (2, 1, 4, 16, 21)
    else:
        assert read["pixels"].shape == (2, 3, 4, 16, 16) and read["pixels"].dtype == torch.float32


def test_training_and_test_views(rows, stores):
    data = dataset(rows, "rgb", stores)
    wanted = train_view(VIEWS, 1, "s2", 7, 2.0, 3.0)
    assert (data.view(2, 7).times_s == wanted.times_s).all() and data.view(2, 7).key == wanted.key
    tests = dataset(rows, "rgb", stores, train=False, clips=2, crops=3)
    assert [(tests.view(0, v).cx, tests.view(0, v).times_s[0] > 0.1) for v in (0, 2, 3)] == [
        (0.0, False),
        (1.0, False),
        (0.0, True),
    ]


def test_boxes_of_a_stored_segment(rows, stores):
    item = dataset(rows, "obj", stores, train=False)[1, 0]  # s2: annotated at 2.5 s, times 2.125, 2.375, 2.625, 2.875
    assert item["category"].tolist() == [[0, 0, 0], [2, 0, 0], [2, 0, 0], [0, 0, 0]]
    assert np.allclose(item["boxes"][1, 0], (0.35, 0.4, 0.65, 0.6))  # the centre 20 x 20 of 30 x 20
    assert item["side"][1, 0] == 1 and item["state"][1, 0] == 4


def test_a_spec_without_what_a_modality_needs_is_refused(rows, stores):
    with pytest.raises(ValueError, match="flow_scale"):
        ViewDataset(rows, "flow", stores, VIEWS, InputSpec(16), 0, True, HEADS)
    ViewDataset(rows, "rgb", stores, VIEWS, InputSpec(16), 0, True, HEADS)


def test_targets_come_along(rows, stores):
    def targets(segment_id, view):
        return {"verb": np.array([int(segment_id[1:]), view], np.float32)}

    batch = next(iter(loader(dataset(rows, "rgb", stores, targets=targets), EpochBatches(5, 3, 0, epoch=4), 0)))
    assert batch["target_verb"].tolist() == [[row, 4.0] for row in batch["row"].tolist()]


def test_the_omnivore_draws_among_what_a_segment_has(rows, stores):
    data = dataset(rows, "omnivore", stores)
    drawn = {name: {data.drawn_modality(row, view) for view in range(60)} for row, name in enumerate(data.segment_ids)}
    assert drawn["s0"] == {"rgb", "flow", "audio", "obj"} and drawn["s1"] == {"rgb", "flow", "audio"}
    assert drawn["s3"] == {"rgb", "flow"} and drawn["s5"] == {"audio"} and drawn["s6"] == {"obj"}
    again = dataset(rows, "omnivore", stores)
    sequence = [data.drawn_modality(0, view) for view in range(60)]
    assert sequence == [again.drawn_modality(0, view) for view in reversed(range(60))][::-1]
    assert sequence != [dataset(rows, "omnivore", stores, seed=2).drawn_modality(0, view) for view in range(60)]
    assert {dataset(rows, "omnivore", stores, train=False).drawn_modality(0, v) for v in range(9)} == {"rgb"}


# --- workers ----------------------------------------------------------------------------------------------------------


def test_workers_change_nothing_and_are_kept_between_epochs(rows, stores):
    torch.set_num_threads(1)
    data = dataset(rows, "omnivore", stores)
    alone, shared = EpochBatches(7, 3, seed=0), EpochBatches(7, 3, seed=0)
    by_this_process, by_workers = loader(data, alone, workers=0), loader(data, shared, workers=2)
    for epoch in range(2):
        alone.epoch = shared.epoch = epoch
        pairs = list(zip(by_this_process, by_workers, strict=True))
        assert len(pairs) == 2
        for one, two in pairs:
            assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_leaves_the_global_generator_alone(rows, stores, workers):
    data = loader(dataset(rows, "audio", stores), EpochBatches(5, 3, seed=0), workers)
    before = torch.random.get_rng_state()
    assert len(list(data)) == 2
    assert torch.equal(before, torch.random.get_rng_state())
