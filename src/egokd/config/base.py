"""What all sections of the config are made of: closed groups of typed keys."""

from pathlib import PurePath
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from egokd.errors import nearest_name
from egokd.modalities import MODALITIES


def _known_modality(name: str) -> str:
    if name not in MODALITIES:
        raise ValueError(f"expected one of {', '.join(MODALITIES)}, got {name!r}{nearest_name(name, MODALITIES)}")
    return name


# a row of the table of modalities, checked when a config is read: a new row is no change of this code
Modality = Annotated[str, AfterValidator(_known_modality), WithJsonSchema({"enum": list(MODALITIES), "type": "string"})]
Share = Annotated[float, Field(ge=0, lt=1)]
# no setting needs more than the upper bounds here; with more, a job would run out of memory or of numbers
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**6)]
Jobs = Annotated[int, Field(ge=1, le=10**5)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
AnySeed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
LONGEST_PATH = 3000  # characters; file systems allow 4096 with what is around it


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"expected one line of text that can be printed, got {text!r}")
    return text


def _plain_path(path: str) -> str:
    if not path.isprintable() or {"{", "}"} & set(path) or len(path) > LONGEST_PATH or not path:
        raise ValueError(
            f"expected a path of 1 to {LONGEST_PATH} printable characters without braces, which Snakemake takes for "
            f"wildcards, got {path if len(path) < 80 else path[:80] + '...'!r}; rename it, or make a link to it"
        )
    return f"./{path}" if path.startswith("-") else path  # commands would take a dash for the start of an option


def _inside(path: str) -> str:
    if PurePath(path).is_absolute() or ".." in PurePath(path).parts:
        raise ValueError(f"expected a file in the folder `root`, got {path!r}")
    return path


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
GivenPath = Annotated[str, AfterValidator(_plain_path)]
InnerPath = Annotated[str, Field(max_length=250), AfterValidator(_plain_path), AfterValidator(_inside)]


class Section(BaseModel):
    """A closed group of keys.

    The text below a key is its description. It is a docstring, so that wording never counts as a change of code
    (`egokd.planning.code`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _yes_is_no_number(cls, values: Any) -> Any:
        for key, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(key)
            if isinstance(value, bool) and field and bool not in (field.annotation, *get_args(field.annotation)):
                raise ValueError(f"{key}: expected another value than {'yes' if value else 'no'} (true, false)")
        return values
