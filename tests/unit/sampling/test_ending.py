"""A process whose loading processes are alive ends all the same."""

import subprocess
import sys

# the least that a loader takes for a data set and its batches
SCRIPT = """
import numpy as np
from egokd.sampling.loading import loader

class Numbers:
    def __getitem__(self, item):
        return {"x": np.zeros(2, np.float32)}
    def __len__(self):
        return 64

batches = [[number] for number in range(64)]
data = loader(Numbers(), batches, workers=2)
kept = iter(data)
next(kept)
print("loading", flush=True)
raise RuntimeError("an unexpected error")
"""


def test_a_process_that_ends_with_an_error_does_not_wait_for_workers_that_ignore_sigterm():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120)
    assert done.stdout == "loading\n" and done.returncode == 1
    assert done.stderr.rstrip().endswith("RuntimeError: an unexpected error")
