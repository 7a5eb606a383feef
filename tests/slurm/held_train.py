"""The training step, which stands still before an update while FAULTS has a file `hold_rgb` and a state is saved.

The numbers are the same, and a test has all the time it needs to interrupt it. A signal lets the update go on, as it
would have found the training in the midst of it.
"""

import os
import signal
import sys
import time
from pathlib import Path

from egokd import runtime
from egokd.steps import train
from egokd.training import loop
from egokd.training.state import NAME

HOLD = Path(os.environ["FAULTS"]) / "hold_rgb"
STATE = Path(sys.argv[sys.argv.index("--state") + 1]) / NAME
free_rate = loop.learning_rate


def held_rate(*arguments: float) -> float:
    told: list[int] = []
    handler = signal.getsignal(signal.SIGTERM)

    def tell(number: int, frame: object) -> None:
        told.append(number)
        handler(number, frame)

    signal.signal(signal.SIGTERM, tell)
    while HOLD.exists() and STATE.exists() and not told:
        time.sleep(0.1)
    signal.signal(signal.SIGTERM, handler)
    return free_rate(*arguments)


loop.learning_rate = held_rate
sys.argv[0] = train.__file__
runtime.run(train.main)
