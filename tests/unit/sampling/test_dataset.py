"""Items are pure: any process and any number of workers sees the same ones."""

import numpy as np
import pandas as pd
import pytest
import simplejpeg
import torch

from egokd.errors import UserError
from egokd.media.audio_writer import audio_writer
from egokd.media.frame_writer import StoreWriter
from egokd.media.object_writer import write_boxes
from egokd.sampling.batches import EpochBatches, OrderedBatches
from egokd.sampling.dataset import ViewDataset, available_rows
from egokd.sampling.loading import finish, loader
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from egokd.sampling.views import train_view
from view_settings import views_of

VIEWS = views_of(num_frames=4, scale=(0.7, 1.0), brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1)
SHARED = Shared(16, 5.0)
AUDIO = {"window_s": 0.2, "n_fft": 128, "win_length": 128, "hop_length": 40, "n_mels": 16, "mean": -30.0, "std": 15.0}
INPUTS = {
    "obj": {"max_boxes": 3},
    "rgb": {},
    "audio": {**AUDIO, "time_mask": 2, "freq_mask": 2},
    "flow": {"scale": 1.0},
}
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
    return open_modalities(INPUTS, {**paths, "obj": [tmp_path / "obj.parquet"]}, SHARED)


def dataset(rows, modality, stores, **changes):
    wanted = stores if modality == "omnivore" else {modality: stores[modality]}
    rows = rows[available_rows(rows, wanted)].reset_index(drop=True)
    return ViewDataset(rows, modality, wanted, VIEWS, **{"seed": 1, "train": True, "labels": HEADS, **changes})


# --- what is available ------------------------------------------------------------------------------------------------


def test_available_rows(rows, stores):
    def found(*names):
        return available_rows(rows, {name: stores[name] for name in names}).tolist()

    assert found("rgb") == [True] * 5 + [False] * 3
    assert found("audio") == [True, True, True, False, True, True, False, False]
    assert found("obj") == [True, False] * 4
    assert found(*stores) == [True] * 7 + [False]
    nothing = open_modalities({"rgb": {}}, {"rgb": ["none.arrow"]}, SHARED)
    nothing["rgb"].store.paths.clear()
    assert available_rows(rows, nothing).tolist() == [False] * 8


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


def test_settings_and_files_of_every_modality_are_asked_for():
    for values, words in (({}, "inputs.flow: scale: this key is missing"), ({"scale": 1, "skale": 2}, "did you mean")):
        with pytest.raises(UserError, match=words):
            open_modalities({"flow": values}, {"flow": ["a.arrow"]}, SHARED)
    with pytest.raises(UserError, match="no files of it"):
        open_modalities({"rgb": {}}, {"flow": ["a.arrow"]}, SHARED)


def test_boxes_are_read_before_workers_start(stores, tmp_path):
    (tmp_path / "obj.parquet").unlink()
    assert stores["obj"].store.rows("s2")["time_s"].tolist() == [2.5]


def test_modalities_come_in_the_order_of_the_table(stores):
    assert list(stores) == ["rgb", "flow", "audio", "obj"]


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
