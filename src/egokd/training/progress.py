"""What a training shows of itself, and how it is asked to stop."""

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from egokd.runtime import LINE_EVERY_S, log


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Inside, SIGTERM and SIGINT (Ctrl-C) only raise a flag; yields the function that reads it."""
    wanted: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda caught, frame: wanted.append(caught)) for number in numbers]
    try:
        yield lambda: bool(wanted)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class Bar:
    """Progress of the whole run with loss and time left: a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, name: str, total: int, steps_per_epoch: int, done: int, shown: bool):
        self.name, self.total, self.steps_per_epoch, self.first = name, total, steps_per_epoch, done
        self.began = self.last = time.monotonic()
        self.bar = tqdm(
            total=total,
            initial=done,
            desc=name,
            unit="step",
            dynamic_ncols=True,
            leave=False,
            disable=not (shown and sys.stderr.isatty()),
        )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def show(self, step: int, loss: float) -> None:
        """After `step` steps; `loss` is NaN while none has been read."""
        text = f"epoch {(step - 1) // self.steps_per_epoch + 1} of {self.total // self.steps_per_epoch}"
        if math.isfinite(loss):
            text += f", loss {loss:.4f}"
        if not self.bar.disable:
            self.bar.update()
            self.bar.set_postfix_str(text, refresh=False)
            return
        now = time.monotonic()
        if now - self.last >= LINE_EVERY_S or step == self.total:
            self.last = now
            per_step = (now - self.began) / (step - self.first)
            left = per_step * (self.total - step)
            log.info("%s: step %d of %d, %s, %.0f s left", self.name, step, self.total, text, left)
