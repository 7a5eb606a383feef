"""A job whose loading process meets an error ends, with the error's sentence and nothing else."""

import subprocess
import sys

JOB = """
import numpy as np
from egokd import runtime
from egokd.errors import UserError
from egokd.sampling.loading import loader

class Items:
    def __getitem__(self, pair):
        if pair == 7:
            raise UserError("0.arrow: damaged")
        return {"pixels": np.zeros(300_000, np.float32)}

def main():
    for batch in loader(Items(), [[number] for number in range(20)], 2):
        pass

runtime.run(main)
"""


def test_an_error_in_a_loading_process_ends_the_job():
    done = subprocess.run([sys.executable, "-c", JOB], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (1, "error: 0.arrow: damaged\n")
