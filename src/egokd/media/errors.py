"""The error of one source file: the shard goes on without it."""

from egokd.errors import UserError


class MediaError(UserError):
    """A video, sound track or detection file that cannot be used; the message says which and why.

    Extraction steps catch it, list the file as skipped with the message as the reason, and go on.
    """
