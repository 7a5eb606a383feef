"""The error for problems that the user can fix: a bad file, key or value."""


class UserError(ValueError):
    """Raised for problems that the user can fix.

    The message names the file, key or segment, what was expected, and what to do. Steps print it as one sentence
    without a traceback and exit with code 1 (`egokd.runtime.run`).
    """
