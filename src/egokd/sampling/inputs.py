"""From stores and a view to the nets' inputs, one function per modality.

Every function reads a store and returns small numpy arrays (`*_input`, run by the loader's workers); `finish` turns a
batch of them into what nets read, on the device. A view applies to each modality in its own way: frames, flow and
boxes share the crop (flow vectors are scaled with it, boxes are clipped to it), sound shares the times, colours are
changed in RGB only.

Legend: B segments, T frames, S side of the input in pixels, N boxes per frame, M mel bands, W columns, C channels.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
import torchaudio

from egokd.errors import UserError
from egokd.hashing import generator
from egokd.media.audio_store import AudioStore
from egokd.media.frame_store import FrameStore
from egokd.media.objects import ObjectStore
from egokd.sampling.views import IDENTITY_COLOUR, View
from egokd.times import nearest

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FLOW_CLIP = 4.0  # in units of flow_scale; far outliers of dense flow are errors rather than motion
FLOW_ZERO, FLOW_STEPS = 128, 127.5  # the stored code of no motion; codes from there to the store's bound
POWER_FLOOR = 1e-8  # -80 dB, about what the rounding of 16-bit samples leaves in a mel band
AUDIO_CLIP = 3.0  # standard deviations that the image of a spectrogram shows (omnivore)
BOX_FIELDS = ("boxes", "category", "score", "side", "state")
PAD, OBJECT, HAND = 0, 1, 2
OUTLINES = {OBJECT: (255, 0, 0), HAND: (0, 0, 255)}  # RGB


@dataclass(frozen=True)
class AudioSpec:
    """Log-mel windows: seconds per window; samples per FFT, analysis window and column; normalisation; masks."""

    window_s: float
    n_fft: int
    win_length: int
    hop_length: int
    n_mels: int
    mean: float
    std: float
    time_mask: int
    freq_mask: int

    def columns(self, rate: int) -> int:
        """Columns W of a window at `rate` samples per second."""
        return round(self.window_s * rate) // self.hop_length + 1


@dataclass(frozen=True)
class InputSpec:
    """What all inputs of an experiment share; what a modality does not need may be None.

    size: S. flow_scale (flow): displacement, in input pixels per frame step, that becomes 1.0. max_boxes (obj): N.
    box_tolerance_s (obj): a frame takes the boxes of the annotated frame nearest to it if that is within this many
    seconds: the distance of stored frames. audio (audio): its windows.
    """

    size: int
    flow_scale: float | None = None
    max_boxes: int | None = None
    box_tolerance_s: float | None = None
    audio: AudioSpec | None = None

    def lacking(self, modality: str) -> list[str]:
        """Fields that `modality` needs and that are None."""
        needs = {"flow": ["flow_scale"], "obj": ["max_boxes", "box_tolerance_s"], "audio": ["audio"]}
        return [name for name in needs.get(modality, []) if getattr(self, name) is None]


# --- frames and flow ------------------------------------------------------------------------------------------------


def crop_box(view: View, width: int, height: int) -> tuple[int, int, int]:
    """(left, top, side) of the view's square crop, in whole pixels of a stored frame."""
    side = max(1, round(view.scale * min(width, height)))
    return round(view.cx * (width - side)), round(view.cy * (height - side)), side


def _read_crops(store: FrameStore, video_id: str, view: View, column: str, out: np.ndarray) -> int:
    """Fill `out` uint8 [T, S, S, 3] or, one channel, [T, S, S]; returns the crop's side in stored pixels."""
    info = store.info(video_id)
    left, top, side = crop_box(view, info["width"], info["height"])
    colours, size = ("RGB" if out.ndim == 4 else "GRAY"), out.shape[1]
    # linear interpolation aliases once it skips pixels
    method = cv2.INTER_AREA if side > 1.5 * size else cv2.INTER_LINEAR
    rows = store.nearest(video_id, view.times_s, view.start_s, view.stop_s).tolist()
    for t, row in enumerate(rows):
        if t and row == rows[t - 1]:  # a short segment shows a frame several times
            out[t] = out[t - 1]
            continue
        try:
            frame = store.decoded(row, column, colours)
        except ValueError as error:
            raise UserError(
                f"video {video_id!r}: the stored frame near {view.times_s[t]:.2f} s is damaged ({error}); "
                "delete its shard and run the workflow again"
            ) from None
        cv2.resize(frame[top : top + side, left : left + side], (size, size), dst=out[t], interpolation=method)
    return side


def rgb_input(store: FrameStore, video_id: str, view: View, size: int) -> dict[str, np.ndarray]:
    """{"pixels": uint8 [T, S, S, 3], "colour": float32 [3, 4]}; colours are changed later, by `finish`."""
    pixels = np.empty((len(view.times_s), size, size, 3), np.uint8)
    _read_crops(store, video_id, view, "image", pixels)
    return {"pixels": pixels, "colour": view.colour}


def flow_input(store: FrameStore, video_id: str, view: View, size: int, flow_scale: float) -> dict[str, np.ndarray]:
    """{"pixels": uint8 [T, S, S, 2], "gain": float32 []}: u and v as stored codes, cropped and resized.

    (code - 128) * gain is the displacement in input pixels per frame step, divided by `flow_scale`: resizing the crop
    scales its vectors by S / side, and here this factor is part of the gain.
    """
    planes = np.empty((2, len(view.times_s), size, size), np.uint8)
    for plane, column in zip(planes, ("u", "v"), strict=True):
        side = _read_crops(store, video_id, view, column, plane)
    gain = store.metadata["bound"] / FLOW_STEPS * size / side / flow_scale
    return {"pixels": np.stack([*planes], axis=-1), "gain": np.float32(gain)}


# --- sound ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _mel(rate: int, n_fft: int, win_length: int, hop_length: int, n_mels: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torchaudio.transforms.MelSpectrogram(rate, n_fft, win_length, hop_length, n_mels=n_mels, center=False),
        torchaudio.transforms.AmplitudeToDB("power"),
    )


def _slice_padded(samples: np.ndarray, start: int, length: int) -> np.ndarray:
    """samples[start : start + length], with zeros where that lies outside the waveform."""
    low, high = max(start, 0), max(min(start + length, len(samples)), 0)
    out = np.zeros(length, np.float32)
    if high > low:
        out[low - start : high - start] = samples[low:high]
    return out


def audio_input(store: AudioStore, segment_id: str, view: View, spec: AudioSpec) -> dict[str, np.ndarray]:
    """{"pixels": float32 [T, M, W]}: log-mel windows in dB, one centred on each time of the view, normalised.

    Column j of a window shows the sound around (time + (j - (W - 1) / 2) * hop), to half a hop. Outside the waveform
    there is silence. Masks (training views only) hide the same columns and bands of every window of the clip: they
    take the value 0, which is the mean.
    """
    samples, start_s, rate = store.waveform(segment_id)
    columns, hop = spec.columns(rate), spec.hop_length
    # the first column of each window on one grid of hops, so that overlapping windows share their FFTs
    first = np.round((view.times_s - start_s) * rate / hop - (columns - 1) / 2).astype(np.int64)
    begin, together = int(first[0]), int(first[-1] - first[0]) + columns
    mel = _mel(rate, spec.n_fft, spec.win_length, hop, spec.n_mels)

    def waveform(column: int, count: int) -> np.ndarray:
        return _slice_padded(samples, column * hop - spec.n_fft // 2, (count - 1) * hop + spec.n_fft)

    if together < columns * len(first):
        level_MW = mel(torch.from_numpy(waveform(begin, together))).numpy()
        windows = np.lib.stride_tricks.sliding_window_view(level_MW, columns, axis=1)
        pixels = windows[:, first - begin].swapaxes(0, 1)
    else:
        pixels = mel(torch.from_numpy(np.stack([waveform(int(f), columns) for f in first]))).numpy()
    pixels = (np.maximum(pixels, 10 * np.log10(POWER_FLOOR)) - spec.mean) / spec.std
    if view.key:
        _mask(pixels, spec, view.key)
    return {"pixels": np.ascontiguousarray(pixels, np.float32)}


def _mask(pixels_TMW: np.ndarray, spec: AudioSpec, key: int) -> None:
    """Set one run of columns and one of bands to 0 in place; widths uniform in 0..mask, then places uniform."""
    random = generator("mask", key)
    for axis, widest in ((2, spec.time_mask), (1, spec.freq_mask)):
        width = int(random.integers(0, min(widest, pixels_TMW.shape[axis]) + 1))
        start = int(random.integers(0, pixels_TMW.shape[axis] - width + 1))
        pixels_TMW[(slice(None),) * axis + (slice(start, start + width),)] = 0


# --- boxes ----------------------------------------------------------------------------------------------------------


def crop_boxes(boxes: np.ndarray, view: View, aspect: float) -> np.ndarray:
    """Boxes [n, 4] (x1, y1, x2, y2 in shares of the frame) in shares of the view's crop, clipped to it.

    aspect: width / height of the frame.
    """
    side = view.scale * min(aspect, 1.0)
    corner = np.array([view.cx * (aspect - side), view.cy * (1.0 - side)] * 2)
    return np.clip((boxes * [aspect, 1.0, aspect, 1.0] - corner) / side, 0.0, 1.0)


def obj_input(
    store: ObjectStore, segment_id: str, view: View, size: int, max_boxes: int, aspect: float, tolerance_s: float
) -> dict[str, np.ndarray]:
    """The boxes of each frame, highest scores first, padded with zeros.

    {"boxes": float32 [T, N, 4] in shares of the crop, "category": int64 [T, N] (0 pad, 1 object, 2 hand), "score":
    float32 [T, N], "side": int64 [T, N] (0 none, 1 left, 2 right), "state": int64 [T, N] (0 none, 1..5)}. A frame
    takes the nearest annotated frame within `tolerance_s`, else it has no boxes. A box with less than one pixel left
    in the crop, in width or height, is dropped.
    """
    rows = store.rows(segment_id)
    shape = (len(view.times_s), max_boxes)
    out = {name: np.zeros(shape, np.float32 if name == "score" else np.int64) for name in BOX_FIELDS[1:]}
    out["boxes"] = np.zeros((*shape, 4), np.float32)
    if len(time_s := rows["time_s"]) == 0:
        return out
    boxes = crop_boxes(np.stack([rows[name] for name in ("x1", "y1", "x2", "y2")], axis=1), view, aspect)
    seen = ((boxes[:, 2:] - boxes[:, :2]) * size >= 1).all(axis=1)
    fields = {
        "boxes": boxes,
        "category": np.where(rows["category"] == "hand", HAND, OBJECT),
        "score": rows["score"],
        "side": rows["side"] + 1,
        "state": rows["state"] + 1,
    }
    moments = np.unique(time_s)
    shown = moments[nearest(moments, view.times_s)]
    near = np.abs(shown - view.times_s) <= tolerance_s + 1e-6
    first, stop = np.searchsorted(time_s, shown, "left"), np.searchsorted(time_s, shown, "right")
    for t in np.flatnonzero(near):
        chosen = first[t] + np.flatnonzero(seen[first[t] : stop[t]])
        chosen = chosen[np.argsort(-rows["score"][chosen], kind="stable")][:max_boxes]
        for name, values in fields.items():
            out[name][t, : len(chosen)] = values[chosen]
    return out


# --- everything as images, for the omnivore -------------------------------------------------------------------------


def drawn_boxes(boxes: dict[str, np.ndarray], size: int) -> np.ndarray:
    """uint8 [T, S, S, 3]: outlines two pixels wide on white, hands blue, objects red; higher scores are on top."""
    canvas = np.full((*boxes["category"].shape[:1], size, size, 3), 255, np.uint8)
    corners = np.rint(boxes["boxes"] * size).astype(int)
    for t, n in np.argwhere(boxes["category"] != PAD)[::-1].tolist():
        x1, y1, x2, y2 = corners[t, n].tolist()
        part = canvas[t, y1:y2, x1:x2]
        colour = OUTLINES[int(boxes["category"][t, n])]
        part[:2], part[-2:], part[:, :2], part[:, -2:] = colour, colour, colour, colour
    return canvas


def flow_image(flow: dict[str, np.ndarray]) -> np.ndarray:
    """uint8 [T, S, S, 3] of `flow_input`: u and v as 128 + 127 * value / FLOW_CLIP, and 0."""
    value = np.clip((np.arange(256) - FLOW_ZERO) * float(flow["gain"]), -FLOW_CLIP, FLOW_CLIP)
    codes = np.rint(128 + 127 * value / FLOW_CLIP).astype(np.uint8)[flow["pixels"]]
    return np.concatenate([codes, np.zeros_like(codes[..., :1])], axis=-1)


def audio_image(audio: dict[str, np.ndarray], size: int) -> np.ndarray:
    """uint8 [T, S, S, 3] of `audio_input`: each window resized to a square, 0..255 for -3..3, three times the same."""
    squares = [cv2.resize(window, (size, size), interpolation=cv2.INTER_LINEAR) for window in audio["pixels"]]
    codes = np.rint(127.5 + 127.5 * np.clip(np.stack(squares) / AUDIO_CLIP, -1, 1)).astype(np.uint8)
    return np.repeat(codes[..., None], 3, axis=-1)


def as_image(item: dict[str, np.ndarray], modality: str, size: int) -> dict[str, np.ndarray]:
    """Any modality's input in the form of `rgb_input`, so that one net takes them all."""
    if modality == "rgb":
        return item
    if modality == "flow":
        return {"pixels": flow_image(item), "colour": IDENTITY_COLOUR}
    draw = audio_image if modality == "audio" else drawn_boxes
    return {"pixels": draw(item, size), "colour": IDENTITY_COLOUR}


def finish(batch: dict[str, torch.Tensor], modality: str, device: torch.device | str) -> dict[str, torch.Tensor]:
    """What a net of `modality` reads, on `device`, from a collated batch; other entries of the batch are left out.

    rgb, omnivore: {"pixels": float32 [B, 3, T, S, S]}, colours changed, clipped to [0, 1], normalised with the mean and
    spread of ImageNet. flow: {"pixels": float32 [B, 3, T, S, S]}, (u, v, 0) in units of flow_scale, clipped. audio:
    {"pixels": float32 [B, 1, T, M, W]}. obj: the five tensors of `obj_input`.
    """
    if modality == "obj":
        return {name: batch[name].to(device, non_blocking=True) for name in BOX_FIELDS}
    pixels = batch["pixels"].to(device, non_blocking=True)
    if modality == "audio":
        return {"pixels": pixels.unsqueeze(1)}
    if modality == "flow":
        x_BTHWC = (pixels.float() - FLOW_ZERO) * batch["gain"].to(device, non_blocking=True).view(-1, 1, 1, 1, 1)
        x_BTHWC = torch.nn.functional.pad(x_BTHWC.clamp_(-FLOW_CLIP, FLOW_CLIP), (0, 1))
        return {"pixels": x_BTHWC.permute(0, 4, 1, 2, 3).contiguous()}
    colour = batch["colour"].to(device, non_blocking=True)
    x_BNC = pixels.flatten(1, 3).float()
    # in full precision even where autocast is on: it is the input
    with torch.autocast(pixels.device.type, enabled=False):
        x_BCN = torch.baddbmm(colour[:, :, 3:], colour[:, :, :3] / 255, x_BNC.transpose(1, 2)).clamp_(0, 1)
    mean, std = (torch.tensor(values, device=x_BCN.device).view(1, 3, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return {"pixels": x_BCN.sub_(mean).div_(std).unflatten(2, pixels.shape[1:4])}
