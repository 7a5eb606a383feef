"""The section of the generated table top."""

from typing import Annotated

from pydantic import Field

from egokd.config.base import AnySeed, Count, Section, Share


class CompositionalSettings(Section):
    """The generated table top in the layout of Something-Else (see docs/datasets.md)."""

    seed: AnySeed
    """Seed of the world: objects, persons, clips, boxes, labels."""
    train_clips: Count
    """Clips in the training split."""
    val_clips: Count
    """Clips in the validation split; none of their objects occurs in training."""
    short_side: Annotated[int, Field(ge=48)]
    """Height of the rendered clips in pixels."""
    correlation: Annotated[float, Field(ge=0, le=1)]
    """Share of training clips that show one of their action's favourite objects; none in validation."""
    label_noise: Share
    """Share of training clips whose label is wrong."""
    unannotated_share: Share
    """Share of clips without boxes."""
