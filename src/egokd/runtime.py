"""What all steps share: threads, logging, progress, and readable errors."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from egokd.errors import UserError, sentence_of

T = TypeVar("T")
log = logging.getLogger("egokd")

LINE_EVERY_S = 10.0  # progress lines in a log file, where a moving bar would be unreadable


def start(name: str, threads: int) -> None:
    """Set up logging for step `name` and give numeric libraries `threads` threads.

    Call it before torch or OpenCV do any work. Two torch threads beside another busy process were measured to be up to
    thirty times slower than one, so a step never uses more threads than its rule asks for.
    """
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name}: %(message)s", datefmt="%H:%M:%S", force=True)
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    import cv2

    cv2.setNumThreads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def run(main: Callable[[], None]) -> None:
    """Run a step's `main`. A UserError becomes one sentence on stderr and exit code 1; any other error a traceback."""
    try:
        main()
    except UserError as error:
        print(f"error: {sentence_of(error)}", file=sys.stderr, flush=True)
        sys.exit(1)


def progress(items: Iterable[T], total: int, desc: str, unit: str = "it") -> Iterator[T]:
    """Iterate with a progress bar on a terminal, or with a line about every ten seconds in a log file."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=desc, unit=unit, dynamic_ncols=True, leave=False)
        return
    began = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= LINE_EVERY_S or done == total:
            last = now
            rate = done / max(now - began, 1e-9)
            left = (total - done) / rate
            log.info("%s: %d of %d %s, %.1f per second, %.0f s left", desc, done, total, unit, rate, left)
