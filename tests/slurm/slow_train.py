"""The training step with a pause before every update: the same numbers, and time to be interrupted.

Seconds come from SLOW_STEP_S.
"""

import os
import sys
import time

from egokd import runtime, training
from egokd.steps import train

fast = training.learning_rate


def slow(*arguments: float) -> float:
    time.sleep(float(os.environ["SLOW_STEP_S"]))
    return fast(*arguments)


training.learning_rate = slow
sys.argv[0] = train.__file__
runtime.run(train.main)
