"""The section of views, and what rules hand to every step that reads views of segments."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from egokd.config.base import Count, NonNegative, Positive, Section


class ViewSettings(Section):
    """The distribution of training views: time sampling, crop, photometric changes. The same for every modality."""

    num_frames: Count
    """Frames per clip."""
    sampling: Literal["uniform", "dense"]
    """uniform: one frame from each of `num_frames` equal parts; dense: a run with a fixed stride."""
    stride_s: Positive
    """Seconds between frames of a dense run."""
    scale: tuple[Positive, Positive]
    """Range of the square crop's side, as share of the short side."""
    brightness: NonNegative
    """Largest relative change of brightness."""
    contrast: NonNegative
    """Largest relative change of contrast."""
    saturation: NonNegative
    """Largest relative change of saturation."""
    hue: Annotated[float, Field(ge=0, le=0.5)]
    """Largest turn of the hue circle, 1 = full turn."""
    span: tuple[Positive, Positive] = (1.0, 1.0)
    """Range of the share of the segment that a uniform training view spans; test views span all of it."""

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> "ViewSettings":
        for key in ("scale", "span"):
            low, high = getattr(self, key)
            if not low <= high <= 1:
                raise ValueError(f"{key} must be [low, high] with low <= high <= 1, got [{low}, {high}]")
        return self


class ViewSlice(Section):
    """`--settings` of the steps that run a trained model."""

    views: ViewSettings
    size: Count
    """Side of the square input in pixels."""
    frame_rate: Positive
    """Stored frames per second."""
    inputs: dict[str, dict[str, Any]]
    """For each modality that the job reads, its settings, which its own module checks."""
