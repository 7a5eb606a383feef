"""What is extracted from the videos."""

from typing import Annotated, Literal

from pydantic import Field

from egokd.config.audio import AudioMediaSettings
from egokd.config.base import Positive, Section
from egokd.config.flow import FlowMediaSettings


class MediaSettings(Section):
    """What is extracted from the videos, once."""

    reader: Literal["decord", "pyav"]
    """Preferred decoder. decord is used only for files it is known to read right, PyAV for all others."""
    frame_rate: Positive
    """Frames per second that are stored, whatever the videos' own rate."""
    short_side: Annotated[int, Field(ge=32, le=4320)]
    """Shorter side of stored frames in pixels."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    """JPEG quality of stored frames."""
    flow: FlowMediaSettings
    audio: AudioMediaSettings
