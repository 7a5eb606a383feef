"""Dataset adapters, by the names that the config uses (`data.format`).

Each module offers `read(root) -> Segments` (without fold and shard), `video_path(root, video_id)` and
`boxes_path(root, video_id)`. Strings, so that planning a workflow imports no adapter.
"""

from importlib import import_module
from types import ModuleType

ADAPTERS: dict[str, str] = {
    "epic100": "egokd.datasets.epic100",
}


def adapter(name: str) -> ModuleType:
    """The adapter module of a format (names are checked by the config)."""
    return import_module(ADAPTERS[name])
