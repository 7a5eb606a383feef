"""A view means the same for every modality: crops, vectors, boxes and sound land where computed by hand."""

import cv2
import numpy as np
import pytest
import simplejpeg
import torch

from egokd.errors import UserError
from egokd.media.audio_store import AudioStore
from egokd.media.audio_writer import audio_writer
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.modalities import MODALITIES, load
from egokd.sampling.loading import finish
from egokd.sampling.modalities import audio, flow, obj, rgb
from egokd.sampling.modalities.common import Segment, Shared
from egokd.sampling.views import IDENTITY_COLOUR, View, colour_map

WIDTH, HEIGHT, SIZE, BOUND = 120, 80, 20, 10.0
# crop of 40 pixels with its corner at (20, 20); an object at x 30..40, y 30..50 of the frame is at x 5..10, y 5..15 of
# the input of 20 pixels
CROP = {"scale": 0.5, "cx": 0.25, "cy": 0.5}
OBJECT = (slice(30, 50), slice(30, 40))
IN_CROP = (slice(5, 15), slice(5, 10))
SEGMENT = Segment("s", "v", WIDTH / HEIGHT)


def audio_settings(window_s=0.5, n_fft=256, win_length=256, hop_length=80, n_mels=32, mean=-30.0, std=15.0, **masks):
    sizes = {"window_s": window_s, "n_fft": n_fft, "win_length": win_length, "hop_length": hop_length}
    return audio.Settings(**sizes, n_mels=n_mels, mean=mean, std=std, **{"time_mask": 0, "freq_mask": 0, **masks})


AUDIO = audio_settings()


def rgb_input(store, video_id, view, size):
    return rgb.read(store, Segment("s", video_id, 1.5), view, rgb.Settings(), Shared(size, 10.0))


def flow_input(store, view, size, scale):
    return flow.read(store, SEGMENT, view, flow.Settings(scale=scale), Shared(size, 10.0))


def audio_input(store, view, settings):
    return audio.read(store, SEGMENT, view, settings, Shared(SIZE, 10.0))


def obj_input(store, view, size, max_boxes):
    return obj.read(store, SEGMENT, view, obj.Settings(max_boxes=max_boxes), Shared(size, 10.0))


def a_view(times_s=(0.05, 0.15), start_s=0.0, stop_s=1.0, scale=1.0, cx=0.5, cy=0.5, colour=IDENTITY_COLOUR, key=0):
    return View(np.asarray(times_s, np.float64), start_s, stop_s, scale, cx, cy, colour, key)


def jpeg(image):
    if image.ndim == 3:
        return simplejpeg.encode_jpeg(image, 100, "RGB", "444")
    return simplejpeg.encode_jpeg(image[..., None], 100, "GRAY")


@pytest.fixture
def frames(tmp_path):
    """Ten frames, 0.1 s apart; frame k is grey 20 k with the object in red."""
    with StoreWriter(tmp_path / "rgb.arrow", ("image",), {"kind": "rgb", "frame_rate": 10.0}) as writer:
        writer.begin("v")
        for k in range(10):
            image = np.full((HEIGHT, WIDTH, 3), 20 * k, np.uint8)
            image[OBJECT] = (250, 10, 10)
            writer.add(0.05 + 0.1 * k, image=jpeg(image))
        writer.end({"width": WIDTH, "height": HEIGHT})
    return FrameStore([tmp_path / "rgb.arrow"])


@pytest.fixture
def stored_flow(tmp_path):
    """Two frames; the object moves 4 pixels right and 2 up per step, all else rests."""
    u = np.full((HEIGHT, WIDTH), 128, np.uint8)
    v = u.copy()
    u[OBJECT], v[OBJECT] = 128 + round(4 * 127.5 / BOUND), 128 - round(2 * 127.5 / BOUND)
    metadata = {"kind": "flow", "frame_rate": 10.0, "bound": BOUND}
    with StoreWriter(tmp_path / "flow.arrow", ("u", "v"), metadata) as writer:
        writer.begin("v")
        for k in range(2):
            writer.add(0.05 + 0.1 * k, u=jpeg(u), v=jpeg(v))
        writer.end({"width": WIDTH, "height": HEIGHT})
    return FrameStore([tmp_path / "flow.arrow"])


class Boxes:
    """Rows of one segment, as an object store gives them: time, box in pixels of the frame, category, score."""

    def __init__(self, *rows):
        times, boxes, categories, scores = zip(*rows, strict=True) if rows else ((), (), (), ())
        shares = np.array(boxes, np.float32).reshape(-1, 4) / np.array([WIDTH, HEIGHT] * 2, np.float32)
        self.columns = dict(zip(("x1", "y1", "x2", "y2"), shares.T, strict=True))
        self.columns |= {
            "time_s": np.array(times, np.float64),
            "category": np.array(categories, object),
            "score": np.array(scores, np.float32),
            "side": np.full(len(rows), 1, np.int8),
            "state": np.full(len(rows), -1, np.int8),
        }

    def rows(self, segment_id):
        return self.columns


def boxes_of(store, view, max_boxes=3):
    return obj_input(store, view, SIZE, max_boxes)


# --- one crop for all -------------------------------------------------------------------------------------------------


def test_crop_of_frames_by_hand(frames):
    item = rgb_input(frames, "v", a_view(**CROP), SIZE)
    assert item["pixels"].shape == (2, SIZE, SIZE, 3) and item["pixels"].dtype == np.uint8
    red = item["pixels"][..., 0] > 125
    assert red[0][IN_CROP].all() and red[0].sum() == 50  # nothing else is red
    assert np.allclose(item["pixels"][1][0, 0], 20, atol=3)  # the second frame is the second stored one


def test_crop_of_flow_by_hand_and_vectors_scaled_with_it(stored_flow):
    batch = {k: torch.as_tensor(np.stack([x])) for k, x in flow_input(stored_flow, a_view(**CROP), SIZE, 2.0).items()}
    x_CHW = finish(batch, "flow", "cpu")["pixels"][0, :, 0].numpy()
    # 40 pixels become 20: 4 stored pixels are 2 input pixels, 1.0 in units of scale 2
    inner = (slice(7, 13), slice(7, 9))
    assert np.allclose(x_CHW[0][inner], 1.0, atol=0.03) and np.allclose(x_CHW[1][inner], -0.5, atol=0.03)
    assert (x_CHW[0] > 0.5).sum() == 50 and (x_CHW[0][IN_CROP] > 0.5).all()
    assert np.abs(x_CHW[:2, 0, 0]).max() < 0.03 and (x_CHW[2] == 0).all()


def test_crop_of_boxes_by_hand():
    item = boxes_of(Boxes((0.05, (30, 30, 40, 50), "object", 0.9)), a_view(**CROP))
    assert np.allclose(item["boxes"][0, 0] * SIZE, (5, 5, 10, 15), atol=1e-5)
    assert item["category"][0].tolist() == [1, 0, 0]
    assert item["side"][0].tolist() == [2, 0, 0] and item["state"][0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("scale,cx,cy", [(1.0, 0.0, 0.0), (0.8, 0.3, 0.9), (0.6, 0.37, 0.41)])
def test_frames_flow_and_boxes_agree(frames, stored_flow, scale, cx, cy):
    view = a_view(scale=scale, cx=cx, cy=cy)
    red = rgb_input(frames, "v", view, 40)["pixels"][0, ..., 0].astype(float) / 250
    motion = (flow_input(stored_flow, view, 40, 1.0)["pixels"][0, ..., 0].astype(float) - 128) / 51
    item = obj_input(Boxes((0.05, (30, 30, 40, 50), "hand", 1.0)), view, 40, 1)
    x1, y1, x2, y2 = item["boxes"][0, 0] * 40
    for share in (red, motion):  # the edges of what is seen, from its area in each direction
        columns, rows = share.max(axis=0), share.max(axis=1)
        assert abs(columns.sum() - (x2 - x1)) < 0.8 and abs(rows.sum() - (y2 - y1)) < 0.8
        assert abs((columns * np.arange(0.5, 40)).sum() / columns.sum() - (x1 + x2) / 2) < 0.8
        assert abs((rows * np.arange(0.5, 40)).sum() / rows.sum() - (y1 + y2) / 2) < 0.8


# --- frames and flow --------------------------------------------------------------------------------------------------


def test_frames_of_a_short_segment_repeat_the_nearest(frames):
    view = a_view(times_s=(0.41, 0.42, 0.43), start_s=0.4, stop_s=0.5)
    pixels = rgb_input(frames, "v", view, SIZE)["pixels"]
    assert (pixels == pixels[:1]).all() and np.allclose(pixels[0, 0, 0], 80, atol=3)


def test_a_damaged_frame_and_a_missing_video_are_named(tmp_path, frames):
    with StoreWriter(tmp_path / "bad.arrow", ("image",), {"kind": "rgb", "frame_rate": 10.0}) as writer:
        writer.begin("broken")
        writer.add(0.0, image=b"not a jpeg")
        writer.end({"width": WIDTH, "height": HEIGHT})
    with pytest.raises(UserError, match="broken"):
        rgb_input(FrameStore([tmp_path / "bad.arrow"]), "broken", a_view(), SIZE)
    with pytest.raises(UserError, match="elsewhere"):
        rgb_input(frames, "elsewhere", a_view(), SIZE)


def test_flow_far_out_is_clipped(stored_flow):
    item = flow_input(stored_flow, a_view(**CROP), SIZE, 0.1)
    batch = {key: torch.as_tensor(np.stack([value])) for key, value in item.items()}
    assert finish(batch, "flow", "cpu")["pixels"].max() == flow.CLIP


def test_finish_of_rgb_by_hand():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4, 3)).astype(np.uint8)
    colour = np.stack([IDENTITY_COLOUR, colour_map(1.5, 1.2, 0.5, 0.1)])
    batch = {"pixels": torch.from_numpy(pixels), "colour": torch.from_numpy(colour)}
    got = finish(batch, "rgb", "cpu")["pixels"]
    assert got.shape == (2, 3, 3, 4, 4) and got.dtype == torch.float32 and got.is_contiguous()
    for b in range(2):
        x = pixels[b] / 255 @ colour[b, :, :3].T + colour[b, :, 3]
        x = (np.clip(x, 0, 1) - rgb.IMAGENET_MEAN) / rgb.IMAGENET_STD
        assert np.allclose(got[b].numpy(), x.transpose(3, 0, 1, 2), atol=1e-5)


# --- sound ------------------------------------------------------------------------------------------------------------


def sound(path, seconds, bursts=(), rate=8000, start_s=0.0):
    """A store of one silent waveform with tones of 0.1 s at the given video times."""
    samples = np.zeros(round(seconds * rate))
    for time_s in bursts:
        first = round((time_s - start_s) * rate)
        samples[first : first + rate // 10] = 8000 * np.sin(np.arange(rate // 10) * 2 * np.pi * 1000 / rate)
    with audio_writer(path, rate, 0.5) as add:
        add("s", start_s, samples.astype(np.int16))
        add("silent", start_s, None)
    return AudioStore([path])


@pytest.mark.parametrize("times_s", [(11.0, 12.0, 13.0, 14.0), (11.7, 11.9, 12.1, 12.3)])  # apart, overlapping
def test_a_tone_is_heard_in_the_right_windows_and_columns(tmp_path, times_s):
    store = sound(tmp_path / "a.arrow", 6.0, bursts=(11.95,), start_s=9.5)  # 11.95..12.05, its middle at 12 s
    level = audio_input(store, a_view(times_s, 10.0, 15.0), AUDIO)["pixels"]
    columns = AUDIO.columns(8000)
    assert level.shape == (4, 32, columns) and level.dtype == np.float32 and columns == 51
    loud_TW = level.max(axis=1) > 0
    for time_s, loud in zip(times_s, loud_TW, strict=True):
        offset_s = 12.0 - time_s
        if abs(offset_s) > 0.35:
            assert not loud.any()
        else:
            middle = (np.flatnonzero(loud).min() + np.flatnonzero(loud).max()) / 2
            visible = np.clip([offset_s - 0.05, offset_s + 0.05], -0.25, 0.25).mean()
            assert abs(middle - (25 + visible / 0.01)) <= 2  # a column is 0.01 s


def test_windows_do_not_depend_on_whether_they_overlap(tmp_path):
    samples = np.random.default_rng(0).normal(0, 2000, 8 * 8000).astype(np.int16)
    with audio_writer(tmp_path / "a.arrow", 8000, 0.0) as add:
        add("s", 0.0, samples)
    store = AudioStore([tmp_path / "a.arrow"])
    near = audio_input(store, a_view((3.9, 4.0, 4.1)), AUDIO)["pixels"]
    far = audio_input(store, a_view((1.0, 4.0, 7.0)), AUDIO)["pixels"]
    assert np.allclose(near[1], far[1], atol=1e-4)


def test_silence_outside_the_waveform_has_the_floor(tmp_path):
    store = sound(tmp_path / "a.arrow", 1.0)
    floor = (10 * np.log10(audio.POWER_FLOOR) - AUDIO.mean) / AUDIO.std
    level = audio_input(store, a_view((-5.0, 0.0, 0.9, 30.0)), AUDIO)["pixels"]
    assert np.isfinite(level).all() and np.allclose(level, floor)


def test_masks_in_training_only_and_pure(tmp_path):
    samples = np.random.default_rng(0).normal(0, 3000, 16000).astype(np.int16)
    with audio_writer(tmp_path / "a.arrow", 8000, 0.0) as add:
        add("s", 0.0, samples)
    store = AudioStore([tmp_path / "a.arrow"])
    spec = audio_settings(mean=0.0, std=1.0, time_mask=10, freq_mask=8)
    widths = []
    for key in range(30):
        level = audio_input(store, a_view((0.5, 1.0), key=key), spec)["pixels"]
        assert (level == audio_input(store, a_view((0.5, 1.0), key=key), spec)["pixels"]).all()
        hidden = level == 0
        columns, bands = hidden.all(axis=(0, 1)), hidden.all(axis=(0, 2))
        assert (hidden == (columns[None, None] | bands[None, :, None])).all()
        widths.append((columns.sum(), bands.sum()))
    assert widths[0] == (0, 0)  # a test view
    assert max(w for w, _ in widths) == 10 and max(w for _, w in widths) == 8 and len(set(widths)) > 10


def test_the_papers_windows_are_224_columns():
    assert audio_settings(1.116, 1024, 160, 80, 128).columns(16000) == 224


def test_bands_are_stretched_as_torch_resizes_to_the_nearest(tmp_path):
    samples = np.random.default_rng(0).normal(0, 3000, 16000).astype(np.int16)
    with audio_writer(tmp_path / "a.arrow", 8000, 0.0) as add:
        add("s", 0.0, samples)
    store, view = AudioStore([tmp_path / "a.arrow"]), a_view((0.5, 1.0), key=3)
    plain = audio_settings(time_mask=10, freq_mask=8)
    stretched = audio_settings(time_mask=10, freq_mask=8, rows=56)
    bands = torch.from_numpy(audio_input(store, view, plain)["pixels"])
    expected = torch.nn.functional.interpolate(bands[:, None], size=(56, bands.shape[2]), mode="nearest")[:, 0]
    assert (audio_input(store, view, stretched)["pixels"] == expected.numpy()).all()
    shape = audio.example(2, 4, SIZE, stretched, {"sample_rate": 8000})["pixels"].shape
    assert shape == (2, 1, 4, 56, stretched.columns(8000))


# --- boxes ------------------------------------------------------------------------------------------------------------


def test_boxes_are_clipped_dropped_padded_and_ranked():
    store = Boxes(
        (0.05, (10, 10, 40, 40), "object", 0.3),  # reaches out of the crop: clipped to its corner
        (0.05, (0, 0, 20, 80), "object", 0.9),  # only touches the crop
        (0.05, (20, 20, 21, 60), "object", 0.8),  # half a pixel of the input wide
        (0.05, (50, 50, 90, 90), "hand", 0.5),
        (0.05, (40, 40, 50, 50), "object", 0.1),
    )
    item = boxes_of(store, a_view(**CROP), max_boxes=2)
    assert item["category"][0].tolist() == [2, 1] and np.allclose(item["score"][0], [0.5, 0.3])
    assert np.allclose(item["boxes"][0] * SIZE, [(15, 15, 20, 20), (0, 0, 10, 10)], atol=1e-5)
    padded = boxes_of(store, a_view(**CROP), max_boxes=5)
    assert padded["category"][0].tolist() == [2, 1, 1, 0, 0]
    assert (padded["boxes"][0, 3:] == 0).all() and (padded["score"][0, 3:] == 0).all()


def test_boxes_come_from_the_nearest_annotated_frame_or_not_at_all():
    box = (30, 30, 40, 50)
    store = Boxes((1.0, box, "object", 0.1), (1.2, box, "object", 0.2), (1.2, box, "hand", 0.3))
    item = boxes_of(store, a_view((0.5, 0.95, 1.09, 1.11, 1.3, 1.31), 0.0, 2.0))
    assert np.allclose(item["score"][:, 0], [0, 0.1, 0.1, 0.3, 0.3, 0])
    assert (item["category"] != 0).sum(axis=1).tolist() == [0, 1, 1, 2, 2, 0]
    one = boxes_of(Boxes((1.0, box, "object", 0.1)), a_view((0.95, 1.05), 0.0, 2.0))
    assert (one["category"] != 0).sum(axis=1).tolist() == [1, 1]
    none = boxes_of(Boxes(), a_view())
    assert (none["category"] == 0).all() and none["boxes"].shape == (2, 3, 4)


def test_boxes_outside_the_segment_are_not_shown():
    box = (30, 30, 40, 50)
    store = Boxes(
        (0.95, box, "object", 0.1), (1.0, box, "object", 0.2), (1.95, box, "hand", 0.3), (2.0, box, "hand", 0.4)
    )
    item = boxes_of(store, a_view((1.02, 1.5, 1.99), 1.0, 2.0))
    assert np.allclose(item["score"][:, 0], [0.2, 0, 0.3])
    around = Boxes((0.95, box, "object", 0.1), (2.0, box, "object", 0.2))
    assert (boxes_of(around, a_view((1.02, 1.99), 1.0, 2.0))["category"] == 0).all()


def test_boxes_of_an_upright_video():
    view = a_view(scale=1.0, cx=0.5, cy=1.0)  # 80 wide, 120 high: the crop is the lower two thirds
    box = np.array([[0.5, 40 / 120, 1.0, 1.0]])
    assert np.allclose(obj.crop_boxes(box, view, 80 / 120), [[0.5, 0.0, 1.0, 1.0]])


# --- the omnivore -----------------------------------------------------------------------------------------------------


def test_drawn_outlines():
    store = Boxes((0.05, (30, 30, 40, 50), "object", 0.9), (0.05, (40, 40, 60, 60), "hand", 0.5))
    image = obj.as_image(boxes_of(store, a_view(**CROP)), SIZE)["pixels"]
    assert image.shape == (2, SIZE, SIZE, 3) and image.dtype == np.uint8
    assert (image[0, 5:15, 5:7] == (255, 0, 0)).all() and (image[0, 5:7, 5:10] == (255, 0, 0)).all()
    assert (image[0, 10:20, 18:20] == (0, 0, 255)).all()
    white = (image[0] == 255).all(axis=-1)
    assert white[7:13, 7:8].all() and white[:5].all() and white.sum() == 400 - (50 - 6) - (100 - 36)


def test_every_modality_as_an_image(frames, stored_flow, tmp_path):
    view = a_view(**CROP)
    item = flow_input(stored_flow, view, SIZE, 2.0)
    image = flow.as_image(item, SIZE)["pixels"]
    assert image.shape == (2, SIZE, SIZE, 3) and np.allclose(image[0, 10, 7], (128 + 127 / 4, 128 - 127 / 8, 0), atol=2)
    assert (image[0, 0, 0] == (128, 128, 0)).all()
    store = sound(tmp_path / "a.arrow", 2.0)
    image = audio.as_image(audio_input(store, view, AUDIO), SIZE)["pixels"]
    assert image.shape == (2, SIZE, SIZE, 3) and image.dtype == np.uint8 and (image == 0).all()
    assert rgb.as_image(rgb_input(frames, "v", view, SIZE), SIZE)["pixels"].dtype == np.uint8
    drawn = obj.as_image(boxes_of(Boxes(), view), SIZE)
    assert (drawn["pixels"] == 255).all() and (drawn["colour"] == IDENTITY_COLOUR).all()


def test_shrinking_much_averages(tmp_path):
    stripes = np.zeros((HEIGHT, HEIGHT), np.uint8)
    stripes[:, ::2] = 200
    with StoreWriter(tmp_path / "rgb.arrow", ("image",), {"kind": "rgb", "frame_rate": 10.0}) as writer:
        writer.begin("v")
        writer.add(0.05, image=jpeg(cv2.cvtColor(stripes, cv2.COLOR_GRAY2RGB)))
        writer.end({"width": HEIGHT, "height": HEIGHT})
    pixels = rgb_input(FrameStore([tmp_path / "rgb.arrow"]), "v", a_view((0.05,)), 20)["pixels"]  # four to one
    assert np.allclose(pixels, 100, atol=6)


# --- what every modality keeps to -------------------------------------------------------------------------------------


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_offers_the_same_functions(modality):
    module = load(modality)
    for name in ("Settings", "open", "available", "read", "as_image", "finish", "example"):
        assert callable(getattr(module, name)), f"{module.__name__} lacks {name}"


def test_examples_have_the_shape_of_what_is_read(frames, stored_flow, tmp_path):
    view = a_view(**CROP)
    items = {
        "rgb": (rgb_input(frames, "v", view, SIZE), rgb.Settings()),
        "flow": (flow_input(stored_flow, view, SIZE, 2.0), flow.Settings(scale=2.0)),
        "audio": (audio_input(sound(tmp_path / "a.arrow", 2.0), view, AUDIO), AUDIO),
        "obj": (boxes_of(Boxes((0.05, (30, 30, 40, 50), "hand", 0.9)), view), obj.Settings(max_boxes=3)),
    }
    for name, (item, settings) in items.items():
        batch = finish({key: torch.as_tensor(np.stack([value])) for key, value in item.items()}, name, "cpu")
        example = load(name).example(1, 2, SIZE, settings, {"sample_rate": 8000})
        assert {key: (tuple(x.shape), x.dtype) for key, x in example.items()} == {
            key: (tuple(x.shape), x.dtype) for key, x in batch.items()
        }
