"""Let the disk of a run fill up again and again, and show that it ends as if nothing had happened.

    python tests/faults/disk_harness.py FOLDER --times 10 --seed 0

As kill_harness.py, but `work` is a small disk of its own (a tmpfs: that takes root), which is filled at drawn moments
and emptied when the call has ended. Without root it says so and ends.
"""

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "helpers")]

from disturbed import FullDiskRun  # noqa: E402
from harness import Harness  # noqa: E402

SIZE = "80m"  # several times what the run needs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="is made; what was in it is deleted, but for a finished reference")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    harness = Harness(args.folder.absolute())
    harness.work.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(harness.work)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        print("skipped: a disk of its own can be mounted by root only, and not in every container")
        return
    try:
        run = FullDiskRun(harness.work, harness.config, cores=4, log=harness.log, draw=random.Random(args.seed))
        code = harness.compare(run, args.times, harness.prepare)
    finally:
        subprocess.run(["umount", str(harness.work)], check=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
