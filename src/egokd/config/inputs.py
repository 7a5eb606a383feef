"""From the stores to the inputs of the nets."""

from typing import Annotated

from pydantic import Field

from egokd.config.base import Count, Positive, Section


class AudioInputSettings(Section):
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
    mean: float
    """Subtracted from the level in dB."""
    std: Positive
    """Divides the level in dB."""
    time_mask: Annotated[int, Field(ge=0)]
    """Widest masked run of columns in training; 0 for none."""
    freq_mask: Annotated[int, Field(ge=0)]
    """Widest masked run of bands in training; 0 for none."""


class InputSettings(Section):
    """From the stores to the nets' inputs."""

    size: Annotated[int, Field(ge=16)]
    """Side of the square input in pixels."""
    flow_scale: Positive
    """Flow in input pixels per frame step that becomes 1.0."""
    audio: AudioInputSettings
    max_boxes: Count
    """Boxes per frame; the highest scores are kept."""
