"""Sound: log-mel windows, one centred on each time of the view."""

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Self

import cv2
import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from egokd.config.base import Count, Finite, Positive, Section
from egokd.hashing import generator
from egokd.sampling.modalities.common import Batch, Item, Paths, Segment, Shared, segments_available
from egokd.sampling.views import IDENTITY_COLOUR, View

if TYPE_CHECKING:
    import torch

    from egokd.media.audio_store import AudioStore

POWER_FLOOR = 1e-8  # -80 dB, about what the rounding of 16-bit samples leaves in a mel band
IMAGE_CLIP = 3.0  # standard deviations that the picture of a spectrogram shows (omnivore)


class Settings(Section):
    """Log-mel spectrogram windows, one centred on each sampled frame."""

    window_s: Positive
    """Seconds of sound per window."""
    n_fft: Count
    """FFT length in samples."""
    win_length: Count
    """Length of the analysis window in samples."""
    hop_length: Count
    """Samples between columns of the spectrogram."""
    n_mels: Count
    """Mel bands."""
    rows: Count | None = None
    """Rows of the picture that the net sees: bands are repeated to fill so many, as the authors' code stretches 128 to
    224; null for one row a band."""
    mean: Finite
    """Subtracted from the level in dB."""
    std: Positive
    """Divides the level in dB."""
    time_mask: Annotated[int, Field(ge=0)]
    """Widest masked run of columns in training; 0 for none."""
    freq_mask: Annotated[int, Field(ge=0)]
    """Widest masked run of bands in training; 0 for none."""

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        if self.win_length > self.n_fft:
            raise ValueError(f"win_length: {self.win_length} samples are more than n_fft has, {self.n_fft}")
        if self.n_mels > self.n_fft // 2 + 1:
            raise ValueError(f"n_mels: {self.n_mels} bands are more than the frequencies of n_fft {self.n_fft}")
        return self

    @property
    def height(self) -> int:
        """Rows M of a window."""
        return self.rows or self.n_mels

    def columns(self, rate: int) -> int:
        """Columns W of a window at `rate` samples per second."""
        return round(self.window_s * rate) // self.hop_length + 1


def open(paths: Paths) -> "AudioStore":
    """The stored waveforms."""
    from egokd.media.audio_store import AudioStore  # here, as egokd.sampling.modalities.common explains

    return AudioStore(list(paths))


def available(rows: pd.DataFrame, store: "AudioStore") -> np.ndarray:
    """bool [n]: whether the segment has sound."""
    return segments_available(rows, store)


@lru_cache(maxsize=4)
def _mel(rate: int, n_fft: int, win_length: int, hop_length: int, n_mels: int) -> "torch.nn.Module":
    import torch
    import torchaudio

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


def read(store: "AudioStore", segment: Segment, view: View, settings: Settings, shared: Shared) -> Item:
    """{"pixels": float32 [T, M, W]}: log-mel windows in dB, one centred on each time of the view, normalised.

    M is the number of bands or, with `rows`, so many: row i is band i * bands / rows, rounded down.
    Column j of a window shows the sound around (time + (j - (W - 1) / 2) * hop), to half a hop. Outside the waveform
    there is silence. Masks (training views only) hide the same columns and bands of every window of the clip: they
    take the value 0, which is the mean.
    """
    import torch

    samples, start_s, rate = store.waveform(segment.segment_id)
    columns, hop = settings.columns(rate), settings.hop_length
    # the first column of each window on one grid of hops, so that overlapping windows share their FFTs
    first = np.round((view.times_s - start_s) * rate / hop - (columns - 1) / 2).astype(np.int64)
    begin, together = int(first[0]), int(first[-1] - first[0]) + columns
    mel = _mel(rate, settings.n_fft, settings.win_length, hop, settings.n_mels)

    def waveform(column: int, count: int) -> np.ndarray:
        return _slice_padded(samples, column * hop - settings.n_fft // 2, (count - 1) * hop + settings.n_fft)

    if together < columns * len(first):
        level_MW = mel(torch.from_numpy(waveform(begin, together))).numpy()
        windows = np.lib.stride_tricks.sliding_window_view(level_MW, columns, axis=1)
        pixels = windows[:, first - begin].swapaxes(0, 1)
    else:
        pixels = mel(torch.from_numpy(np.stack([waveform(int(f), columns) for f in first]))).numpy()
    pixels = (np.maximum(pixels, 10 * np.log10(POWER_FLOOR)) - settings.mean) / settings.std
    if view.key:
        _mask(pixels, settings, view.key)
    if settings.rows:
        pixels = pixels[:, np.arange(settings.rows) * settings.n_mels // settings.rows]
    return {"pixels": np.ascontiguousarray(pixels, np.float32)}


def _mask(pixels_TMW: np.ndarray, settings: Settings, key: int) -> None:
    """Set one run of columns and one of bands to 0 in place; widths uniform in 0..mask, then places uniform."""
    random = generator("mask", key)
    for axis, widest in ((2, settings.time_mask), (1, settings.freq_mask)):
        width = int(random.integers(0, min(widest, pixels_TMW.shape[axis]) + 1))
        start = int(random.integers(0, pixels_TMW.shape[axis] - width + 1))
        pixels_TMW[(slice(None),) * axis + (slice(start, start + width),)] = 0


def as_image(item: Item, size: int) -> Item:
    """A picture uint8 [T, S, S, 3] of `read`'s item: windows as squares, 0..255 for -3..3, three times the same."""
    squares = [cv2.resize(window, (size, size), interpolation=cv2.INTER_LINEAR) for window in item["pixels"]]
    codes = np.rint(127.5 + 127.5 * np.clip(np.stack(squares) / IMAGE_CLIP, -1, 1)).astype(np.uint8)
    return {"pixels": np.repeat(codes[..., None], 3, axis=-1), "colour": IDENTITY_COLOUR}


def finish(batch: Batch, device: "torch.device | str") -> Batch:
    """{"pixels": float32 [B, 1, T, M, W]}."""
    return {"pixels": batch["pixels"].to(device, non_blocking=True).unsqueeze(1)}


def example(batch: int, num_frames: int, size: int, settings: Settings, stored: dict[str, Any]) -> Batch:
    """{"pixels": float32 [B, 1, T, M, W]}, W at the stored `sample_rate`."""
    import torch

    return {"pixels": torch.randn(batch, 1, num_frames, settings.height, settings.columns(stored["sample_rate"]))}
