"""Snakemake, whose Slurm plugin asks for the state of jobs every POLL_S seconds.

By itself the plugin waits ten seconds longer each time it finds no job finished, up to three minutes, and no setting
bounds that: the test would mostly wait. The file POLLED is touched whenever a look is over and the pause begins.
"""

import os
import signal
import sys
from pathlib import Path

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


def pause(executor: RemoteExecutor) -> float:
    Path(os.environ["POLLED"]).touch()
    return float(os.environ["POLL_S"])


# a shell without job control, such as a CI's, starts background jobs with SIGINT ignored, and children inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
RemoteExecutor.next_seconds_between_status_checks = property(pause, lambda executor, seconds: None)
sys.exit(main())
