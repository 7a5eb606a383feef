"""View settings with a value for every key, for tests that care about few of them."""

from typing import Any

from egokd.config.views import ViewSettings

PLAIN = {
    "num_frames": 8,
    "sampling": "uniform",
    "stride_s": 0.1,
    "scale": (1.0, 1.0),
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "hue": 0.0,
}


def views_of(**changes: Any) -> ViewSettings:
    """Eight frames of the whole picture in their own colours, but for `changes`."""
    return ViewSettings(**{**PLAIN, **changes})
