"""From the stores to the inputs of the nets: what all modalities share, and a section of each that has settings.

The settings of a modality are written down in its own module (`egokd.sampling.modalities`), which is loaded by name
here. So steps must not import this module: they check the sections of the modalities they read, and no others.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from egokd.config.base import Section
from egokd.modalities import MODALITIES, load


class SharedInputSettings(Section):
    """From the stores to the nets' inputs."""

    size: Annotated[int, Field(ge=16, le=4096)]
    """Side of the square input in pixels."""


def _section(modality: str) -> Any:
    settings = load(modality).Settings
    described = Field(default=None, description=f"{settings.__doc__} Needed where a teacher sees {modality}.")
    return settings | None, described


if TYPE_CHECKING:
    InputSettings = SharedInputSettings
else:
    InputSettings = create_model(
        "InputSettings",
        __base__=SharedInputSettings,
        __doc__=SharedInputSettings.__doc__,
        **{name: _section(name) for name in MODALITIES if load(name).Settings.model_fields},
    )


def lacking(inputs: SharedInputSettings, modality: str) -> bool:
    """Whether a modality has settings and `inputs` does not give them."""
    return bool(load(modality).Settings.model_fields) and getattr(inputs, modality) is None


def sections(inputs: SharedInputSettings, read: list[str]) -> dict[str, dict]:
    """The settings of the modalities `read` as plain values, empty for one without any."""
    return {name: chosen.model_dump() if (chosen := getattr(inputs, name, None)) else {} for name in read}
