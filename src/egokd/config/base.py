"""What all sections of the config are made of: closed groups of typed keys."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from egokd.errors import nearest_name
from egokd.modalities import MODALITIES


def _known_modality(name: str) -> str:
    if name not in MODALITIES:
        raise ValueError(f"expected one of {', '.join(MODALITIES)}, got {name!r}{nearest_name(name, MODALITIES)}")
    return name


# a row of the table of modalities, checked when a config is read: a new row is no change of this code
Modality = Annotated[str, AfterValidator(_known_modality), WithJsonSchema({"enum": list(MODALITIES), "type": "string"})]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class Section(BaseModel):
    """A closed group of keys.

    The text below a key is its description. It is a docstring, so that wording never counts as a change of code
    (`egokd.planning.code`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True)
