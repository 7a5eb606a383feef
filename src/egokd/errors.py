"""The error for problems that the user can fix: a bad file, key or value; and the hint about an unknown name."""

import difflib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


# what a place may lack, and what to do about it; other errors of the operating system are mistakes of the program
SPACE = "free some space there, then run this again"
RIGHTS = "give yourself the right to, or choose another place"
OTHER_FILE = "something else has this name or one above it: move it away"
PLACE_ERRORS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), SPACE),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), RIGHTS),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP), OTHER_FILE),
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
    errno.EIO: "its disk or network reports a fault: look there, then run this again",
}
TORCH_WRITES = ("PytorchStreamWriter", "inline_container")  # in what torch says when a disk is full


def place_sentence(error: OSError, path: str | Path | None = None) -> str | None:
    """One sentence for an error that lies in a place and not in the program: full, read-only, or taken. Else None.

    path  what was being written; without it, what the error itself names
    """
    advice = PLACE_ERRORS.get(error.errno or 0)
    if advice is None:
        return None
    place = path or error.filename or "a file"
    return f"{os.fsdecode(place)}: cannot be used ({os.strerror(error.errno or 0)}); {advice}"


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Inside, an error that says that a place cannot be written to becomes a UserError that names `path`.

    One that names a file in another folder is left as it is: reading that one failed.
    """
    try:
        yield
    except OSError as error:
        elsewhere = error.filename is not None and Path(os.fsdecode(error.filename)).parent != Path(path).parent
        sentence = place_sentence(error, None if elsewhere else path)
        if sentence is None:
            raise
        raise UserError(sentence) from None
    except RuntimeError as error:
        if not any(name in str(error) for name in TORCH_WRITES):
            raise
        raise UserError(f"{path}: cannot be written, probably because its disk is full; {SPACE}") from None
