"""The section of the generated kitchen."""

from typing import Annotated

from pydantic import Field

from egokd.config.base import AnySeed, Count, Positive, Section, Share


class DemoSettings(Section):
    """The generated kitchen that stands in for a real dataset (see docs/datasets.md)."""

    seed: AnySeed
    """Seed of the world: kitchens, objects, videos, sounds, annotations."""
    train_kitchens: Count
    """Participants in the training videos, each with an own kitchen."""
    val_only_kitchens: Count
    """Participants that appear in validation only."""
    train_segments: Count
    """Annotated segments in the training videos."""
    val_segments: Count
    """Annotated segments in the validation videos, half of unseen participants."""
    frame_rate: Positive
    """Frames per second of the rendered videos."""
    short_side: Annotated[int, Field(ge=48)]
    """Height of the rendered videos in pixels."""
    label_noise: Share
    """Share of training segments whose label is wrong."""
    habits: Share
    """Share of segments that happen at a place of the kitchen that goes with their verb; participants seen in
    validation only have no such habits."""
    silent_share: Share
    """Share of videos without a sound track."""
    missed_box_share: Share
    """Share of detections left out, as a detector would."""
    imu: bool = False
    """Write accelerometer files too, for the example in docs/extending.md."""
