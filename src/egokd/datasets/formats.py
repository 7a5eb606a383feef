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
    test         those of them that only the test split is read from: it has a table and stores of its own, so that they
                 may arrive later
    box_files    patterns below the root, for formats whose boxes lie in few large files: the step index_boxes finds
                 each video in them; empty where each video has a file of its own, or none
    """

    module: str
    annotations: tuple[str, ...]
    test: tuple[str, ...] = ()
    box_files: tuple[str, ...] = ()


def _csv(*names: str) -> tuple[str, ...]:
    """Patterns of CSV files: every name in every folder that annotation files are looked for in."""
    return tuple(f"{folder}{name}.csv" for folder in ("", "annotations/", "labels/") for name in names)


def _json(folders: tuple[str, ...], names: tuple[str, ...], prefixes: tuple[str, ...] = ("",)) -> tuple[str, ...]:
    """Patterns of JSON files: every name in every folder."""
    return tuple(f"{folder}{prefix}{name}.json" for folder in folders for prefix in prefixes for name in names)


_SSV2_FOLDERS, _SSV2_PREFIX = ("", "labels/", "annotations/"), "something-something-v2-"
_JSON_BOXES = _json(("", "annotations/", "boxes/", "bounding_boxes/"), ("bounding_box*", "annotations*"))

FORMATS: dict[str, Format] = {
    "epic100": Format("egokd.datasets.epic100", _csv("EPIC_100_*"), _csv("EPIC_100_test_*", "EPIC_100_unseen_*_test")),
    "epic55": Format("egokd.datasets.epic55", _csv("EPIC_*"), _csv("EPIC_test_*")),
    "something_something": Format(
        "egokd.datasets.something_something",
        _json(_SSV2_FOLDERS, ("train", "validation", "test", "labels"), ("", _SSV2_PREFIX)),
        _json(_SSV2_FOLDERS, ("test",), ("", _SSV2_PREFIX)),
        _JSON_BOXES,
    ),
    "something_else": Format(
        "egokd.datasets.something_else",
        _json(
            ("", "labels/", "annotations/", "compositional/", "dataset_splits/compositional/"),
            ("train", "validation", "labels", "something-something-v2-labels"),
        ),
        box_files=_JSON_BOXES,
    ),
    "folder": Format("egokd.datasets.folder", ("*.csv", "annotations/*.csv", "labels/*.csv")),
}


def adapter(name: str) -> "Adapter":
    """The adapter module of a format (the config checks names)."""
    return cast("Adapter", import_module(FORMATS[name].module))
