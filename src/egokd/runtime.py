"""What all steps share: threads, logging, progress, and readable errors."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from egokd.errors import UserError, place_sentence, sentence_of

T = TypeVar("T")
log = logging.getLogger("egokd")

LINE_EVERY_S = 10.0  # progress lines in a log file, where a moving bar would be unreadable


def start(name: str, threads: int) -> None:
    """Set up logging for step `name` and give numeric libraries `threads` threads.

    Call it before torch or OpenCV do any work. Two torch threads beside another busy process were measured to be up to
    thirty times slower than one, so a step never uses more threads than its rule asks for.
    """
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name}: %(message)s", datefmt="%H:%M:%S", force=True)
    # read by libraries that are imported after this: a step that needs none of them does not wait for them
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = str(threads)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


class Terminated(SystemExit):
    """Raised by SIGTERM, so that a step removes what it has not finished."""


def _terminate(number: int, frame: object) -> None:
    raise Terminated(128 + number)


def run(main: Callable[[], None]) -> None:
    """Run a step's `main`. A UserError becomes one sentence on stderr and exit code 1; any other error a traceback.

    So does a disk that is full, read-only or out of order. SIGTERM and Ctrl-C end the process with exit code 143 and
    130, after what was half done is removed; trainings have an ending of their own (`egokd.training.progress`).
    """
    here = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if here else None
    sentence: str | None = None
    try:
        main()
    except UserError as error:
        sentence = sentence_of(error)
    except OSError as error:
        sentence = place_sentence(error)
        if sentence is None:
            raise
    except (Terminated, KeyboardInterrupt) as end:
        log.warning("ended by %s", "SIGTERM" if isinstance(end, Terminated) else "Ctrl-C")
        for child in multiprocessing.active_children():
            child.terminate()
        sys.stdout.flush()
        sys.stderr.flush()
        code = end.code if isinstance(end, Terminated) else 128 + signal.SIGINT
        os._exit(int(code or 0))  # no waiting for threads that have hours of work before them
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)
    # outside `except`: the error's traceback holds the loader, whose processes end only when it is let go
    if sentence:
        print(f"error: {sentence}", file=sys.stderr, flush=True)
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
