"""From plain values to a typed section of `egokd.config.experiment`, or one sentence about each bad key.

The config as a whole and the parts of it that rules hand to steps are read here, so both complain in the same words.
"""

import json
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from egokd.errors import UserError, nearest_name

S = TypeVar("S", bound=BaseModel)


def _valid_keys(model: type[BaseModel], location: tuple) -> list[str]:
    """The keys allowed at the place of an unknown key: walk the model along `location`."""
    for part in location:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None
        inner = [annotation, *get_args(annotation)]
        inner += [sub for item in inner for sub in get_args(item)]
        sections = [item for item in inner if isinstance(item, type) and issubclass(item, BaseModel)]
        if sections:
            model = sections[0]
        # a key of a mapping (a dataset's or a model's name) leaves the section as it is
    return list(model.model_fields)


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    location = error["loc"]
    key = ".".join(str(part) for part in location if part != "[key]") or "the config"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{nearest_name(location[-1], _valid_keys(model, location[:-1]))}"
    if error["type"] == "missing":
        return f"{key}: this key is missing"
    if error["type"] == "literal_error":
        return f"{key}: expected {error['ctx']['expected']}, got {error['input']!r}"
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}" if location else str(error["ctx"]["error"])
    return f"{key}: {error['msg'].lower()}, got {error['input']!r}"


def validate(model: type[S], values: Any, where: str) -> S:
    """Make a `model` of plain `values`, or raise one UserError that names each bad key and what was expected."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [_sentence(model, item) for item in error.errors()]
        raise UserError(f"{where}: " + "; ".join(dict.fromkeys(lines))) from None


def parse_settings(model: type[S], text: str) -> S:
    """Read the JSON that a rule hands to its step (`--settings`)."""
    return validate(model, json.loads(text), "--settings")
