"""The error for problems that the user can fix: a bad file, key or value; and the hint about an unknown name."""

import difflib
import re
from collections.abc import Iterable

OF_A_WORKER = re.compile(r"^egokd\.[\w.]+: ", re.MULTILINE)  # where the message begins in the traceback of a process
ALIKE = 0.5  # share of letters that two names must have in common for one to be suggested in place of the other


class UserError(ValueError):
    """Raised for problems that the user can fix.

    The message names the file, key or segment, what was expected, and what to do. Steps print it as one sentence
    without a traceback and exit with code 1 (`egokd.runtime.run`).
    """


def sentence_of(error: UserError) -> str:
    """The message alone: PyTorch puts the traceback of a loading process around what was raised there."""
    text = str(error)
    return OF_A_WORKER.split(text)[-1].strip() if text.startswith("Caught ") else text


def nearest_name(wrong: object, valid: Iterable[object]) -> str:
    """The end of a sentence about an unknown name: '; did you mean ...?' when a valid one is close, else all."""
    names = [str(name) for name in valid]
    near = difflib.get_close_matches(str(wrong), names, n=1, cutoff=ALIKE)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(names)) or 'none'}"
