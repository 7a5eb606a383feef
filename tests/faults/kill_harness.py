"""Kill a run of the workflow again and again, and show that it ends as if nothing had happened.

    python tests/faults/kill_harness.py FOLDER --kills 50 --seed 0

The cut-down demo is run twice in FOLDER: undisturbed in `reference`, and in `work` with kills. A kill takes one
process of the run (see `run_processes.KINDS`) at a drawn moment and sends it SIGKILL, SIGTERM or SIGINT; then the same
command is called again, after `--unlock` where the lock is that of a dead run. When a run is through, all it made is
compared with the reference, byte for byte, and the next one begins until the kills are used up. `log.jsonl` has a line
per kill and per run; the exit code is 1 if a run ended in other bytes, hung, left files behind, or was refused.
"""

import argparse
import random
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "helpers")]

from disturbed import KilledRun  # noqa: E402
from harness import STUDENT, Harness  # noqa: E402
from run_processes import KINDS  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="is made; what was in it is deleted, but for a finished reference")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of processes to kill")
    parser.add_argument(
        "--student", action="store_true", help="only the student is to be made again, from the reference"
    )
    args = parser.parse_args()
    harness = Harness(args.folder.absolute())
    run = KilledRun(harness.work, harness.config, cores=4, log=harness.log, draw=random.Random(args.seed))
    run.kinds = tuple(args.kinds)
    prepare = harness.prepare
    if args.student:
        run.target, run.most_jobs, run.longest_s, prepare = STUDENT, 1, 3.0, harness.prepare_student
    sys.exit(harness.compare(run, args.kills, prepare))


if __name__ == "__main__":
    main()
