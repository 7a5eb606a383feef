"""Modalities that are ready to be read: each with its module (loaded by name), its store and its settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from egokd.config.base import Section
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.modalities import MODALITIES, load
from egokd.sampling.modalities.common import Item, Segment, Shared
from egokd.sampling.views import View


def settings_of(modality: str, values: Mapping[str, Any]) -> Section:
    """The section `inputs.{modality}` from plain values; UserError that names each bad key."""
    return validate(load(modality).Settings, values, f"inputs.{modality}")


class OpenModality:
    """One modality with its store and settings. May be handed to worker processes, as its store may."""

    def __init__(self, name: str, store: Any, settings: Section, shared: Shared):
        self.name, self.store, self.settings, self.shared = name, store, settings, shared

    def available(self, rows: pd.DataFrame) -> np.ndarray:
        """bool [n]: which segments of `rows` there is anything to read of."""
        return load(self.name).available(rows, self.store)

    def read(self, segment: Segment, view: View) -> Item:
        """The segment as `view` shows it."""
        return load(self.name).read(self.store, segment, view, self.settings, self.shared)

    def as_image(self, item: Item) -> Item:
        """The same as a picture."""
        return load(self.name).as_image(item, self.shared.size)


def open_modalities(
    inputs: Mapping[str, Mapping[str, Any]], paths: Mapping[str, Sequence[Path]], shared: Shared
) -> dict[str, OpenModality]:
    """The modalities that `inputs` has settings of, in the order of the table, over the shards `paths`.

    Raises UserError for a modality without files, or with a bad key in its settings.
    """
    for name in inputs:
        if not paths.get(name):
            raise UserError(f"settings of {name} are given, but no files of it (--stores)")
    return {
        name: OpenModality(name, load(name).open(paths[name]), settings_of(name, inputs[name]), shared)
        for name in MODALITIES
        if name in inputs
    }
