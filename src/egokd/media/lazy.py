"""What all stores have in common: shards whose files are opened at first use."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Generic, TypeVar

Index = TypeVar("Index")


class LazyStore(ABC, Generic[Index]):
    """Shards that are opened at first use, and again after unpickling.

    So an instance may be handed to worker processes: only the paths travel, and each process maps the files itself. A
    store says in `_read_index` how its files are opened; whatever else that method sets is lost on pickling too.
    """

    def __init__(self, paths: list[str | Path]):
        self.paths = [Path(path) for path in paths]
        self._index: Index | None = None

    def __getstate__(self) -> dict:
        return {"paths": self.paths, "_index": None}

    @abstractmethod
    def _read_index(self) -> Index:
        """Open the files; where everything lies. UserError names a file that cannot be read."""

    def _open(self) -> Index:
        if self._index is None:
            self._index = self._read_index()
        return self._index
