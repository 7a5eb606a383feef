"""The section of stored optical flow."""

from typing import Literal

from egokd.config.base import Positive, Section


class FlowMediaSettings(Section):
    """Optical flow: computed with OpenCV DIS, or the published one (EPIC-KITCHENS)."""

    source: Literal["computed", "official"]
    """official: flow_frames, brought to the stored frames."""
    preset: Literal["ultrafast", "fast", "medium"]
    """Quality preset of DIS."""
    bound: Positive
    """Displacement, in pixels per frame step, stored as the 8-bit extremes."""
