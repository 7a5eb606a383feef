"""The one error that is the user's to mend: bad file, bad key, bad value."""


class UserError(ValueError):
    """Input that the user can put right.

    The message says which file, key or segment is meant, what was expected, and what to do. Steps print it as one
    sentence without a traceback and end with exit code 1 (`egokd.runtime.run`).
    """
