"""The section of stored sound."""

from egokd.config.base import Count, NonNegative, Section


class AudioMediaSettings(Section):
    """Waveforms cut from the videos' sound."""

    sample_rate: Count
    """Samples per second after resampling."""
    margin_s: NonNegative
    """Seconds of sound kept before and after each segment."""
