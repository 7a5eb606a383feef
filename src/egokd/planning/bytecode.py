"""Compiled Python files that a full disk cut off.

Python before 3.12.8 keeps a half-written `.pyc` file, and every later job that imports it ends with an EOFError until
somebody deletes it. The Snakefile deletes such files before jobs start; Python then writes them anew.
"""

import marshal
from contextlib import suppress
from importlib.util import MAGIC_NUMBER
from pathlib import Path

HEADER = 16  # bytes before the code


def remove_cut_off(folder: Path) -> list[Path]:
    """Delete this Python's unreadable `.pyc` files below `folder`, and return them.

    Those of another version are left alone: this one cannot tell whether they are whole.
    """
    removed = []
    for file in sorted(folder.rglob("__pycache__/*.pyc")):
        with suppress(OSError):  # unreadable for us, or just replaced by a job of another run
            content = file.read_bytes()
            if content[:4] not in (MAGIC_NUMBER, MAGIC_NUMBER[: len(content)]):
                continue
            try:
                marshal.loads(content[HEADER:])
            except (EOFError, ValueError, TypeError):
                file.unlink()
                removed.append(file)
    return removed
