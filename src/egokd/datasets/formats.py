"""The table of dataset formats, by the names that the config uses (`data.format`).

Pure data, and free of the adapters themselves: planning a workflow imports none of them, and a rule adds the adapter
that it uses to its code, so that a change in one never makes another dataset be indexed again.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from egokd.datasets.adapter import Adapter


@dataclass(frozen=True)
class Format:
    """One layout of official files.

    module       the adapter, a module as `egokd.datasets.adapter.Adapter` describes it
    annotations  patterns below the root: the files that the segment table is made of; the step index_segments runs
                 again when one of them changes
    box_files    patterns below the root, for formats whose boxes lie in few large files: the step index_boxes finds
                 each video in them; empty where each video has a file of its own, or none
    """

    module: str
    annotations: tuple[str, ...]
    box_files: tuple[str, ...] = ()


def _json(folders: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of JSON files: every name in every folder."""
    return tuple(f"{folder}{name}.json" for folder in folders for name in names)


_SSV2_NAMES = ("train", "validation", "test", "labels")
_SSV2_PREFIXED = tuple(f"something-something-v2-{name}" for name in _SSV2_NAMES)
_JSON_BOXES = _json(("", "annotations/", "boxes/", "bounding_boxes/"), ("bounding_box*", "annotations*"))

FORMATS: dict[str, Format] = {
    "epic100": Format("egokd.datasets.epic100", ("EPIC_100_*.csv", "annotations/EPIC_100_*.csv")),
    "epic55": Format("egokd.datasets.epic55", ("EPIC_*.csv", "annotations/EPIC_*.csv")),
    "something_something": Format(
        "egokd.datasets.something_something",
        _json(("", "labels/", "annotations/"), _SSV2_NAMES + _SSV2_PREFIXED),
        _JSON_BOXES,
    ),
    "something_else": Format(
        "egokd.datasets.something_else",
        _json(
            ("", "labels/", "annotations/", "compositional/", "dataset_splits/compositional/"),
            ("train", "validation", "labels", "something-something-v2-labels"),
        ),
        _JSON_BOXES,
    ),
    "folder": Format("egokd.datasets.folder", ("*.csv", "annotations/*.csv")),
}


def adapter(name: str) -> "Adapter":
    """The adapter module of a format (the config checks names)."""
    return cast("Adapter", import_module(FORMATS[name].module))
