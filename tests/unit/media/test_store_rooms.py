"""Readers of stores import no writer: a change in a writer must not train nets again."""

import ast

import pytest

from paths import REPOSITORY

MEDIA = REPOSITORY / "src" / "egokd" / "media"
WRITERS = {"arrow_writer", "frame_writer", "audio_writer", "object_writer"}


def imports(module):
    """Modules of egokd.media that one of them names in its import statements."""
    found = set()
    for node in ast.walk(ast.parse((MEDIA / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "egokd.media":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("egokd.media."):
            found.add(node.module.rsplit(".", 1)[1])
    return found


@pytest.mark.parametrize("reader", ["frame_store", "audio_store", "objects"])
def test_readers_reach_no_writer(reader):
    waiting, seen = [reader], set()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(imports(module))
    assert "lazy" in seen and not seen & WRITERS


def test_there_are_no_other_writers():
    assert {path.stem for path in MEDIA.glob("*_writer.py")} == WRITERS
