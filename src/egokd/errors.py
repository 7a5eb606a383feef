"""Raised for problems the user can fix: bad file, bad key, bad value; and the hint after a name that is unknown."""

import difflib
from collections.abc import Iterable

ALIKE = 0.5  # share of letters that two names must have in common for one to be suggested in place of the other


class UserError(ValueError):
    """A problem that the user can fix.

    The message says which file, key or segment is meant, what was expected, and what to do. Steps print it as one
    sentence without a traceback and end with exit code 1 (`egokd.runtime.run`).
    """


def nearest_name(wrong: object, valid: Iterable[object]) -> str:
    """The end of a sentence about an unknown name: '; did you mean ...?' when a valid one is close, else all."""
    names = [str(name) for name in valid]
    near = difflib.get_close_matches(str(wrong), names, n=1, cutoff=ALIKE)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(names)) or 'none'}"
