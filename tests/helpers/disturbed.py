"""A run of the workflow that is disturbed and called again until it is through: killed, or out of disk.

What a disturbance may cost is time. `Run.rounds` shows that it costs nothing else: each run must end in the bytes of an
undisturbed one, leave no file behind, and never need more than what the documentation says: the same call again, after
`--unlock` where the lock is that of a dead run.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

from artefacts import artefacts, differences, leftovers
from run_processes import KINDS, MARK, Process, kind_of, running
from smoke import SMOKE, environment

SIGNALS = (SIGKILL, SIGTERM, SIGINT)
HANGS_S = 900.0  # a call that has not ended so long after a disturbance hangs
REFUSED = 2  # undisturbed calls that may fail before a run is given up
SAID = "said.txt"
ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Interrupt|BrokenProcessPool)\b.{0,200}$", re.M)


@dataclass
class Run:
    """A workflow in `folder` that is called, disturbed and called again; this one is never disturbed."""

    folder: Path
    config: str = SMOKE
    target: str = "results/tables/smoke.csv"
    cores: int = 2
    log: Callable[[dict], None] = print
    counts: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # files that a run left behind

    def command(self, *extra: str) -> list[str]:
        snakemake = [sys.executable, "-m", "snakemake", *(extra or (self.target,))]
        return [*snakemake, "--cores", str(self.cores), "--configfile", self.config]

    def said(self) -> str:
        """What the last call said; beside the folder, which may be out of disk."""
        return self.folder.with_name(f"{self.folder.name}-{SAID}").read_text(errors="replace")

    def start(self) -> subprocess.Popen:
        """Call Snakemake; its processes are told by a mark in their environment."""
        variables = {**environment(self.folder), "EGOKD_DEVICE": "cpu", "OMP_NUM_THREADS": "1", MARK: str(self.folder)}
        with self.folder.with_name(f"{self.folder.name}-{SAID}").open("w") as said:
            return subprocess.Popen(
                self.command(), cwd=self.folder, env=variables, stdout=said, stderr=said, start_new_session=True
            )

    def end(self, process: subprocess.Popen) -> int | None:
        """Wait for the workflow and for jobs that outlast it; None if it hangs."""
        until = time.monotonic() + HANGS_S
        while process.poll() is None or running(self.folder):
            if time.monotonic() > until:
                for each in running(self.folder):
                    each.kill()
                process.wait()
                return None
            time.sleep(0.1)
        return process.returncode

    def finished(self) -> int:
        """Jobs that have ended well in this call."""
        return self.said().count("Finished jobid")

    def wait(self, process: subprocess.Popen, jobs: int, seconds: float) -> bool:
        """Wait until so many more jobs are done, and then so long; False if the workflow ended before."""
        jobs += self.finished()
        while process.poll() is None and self.finished() < jobs:
            time.sleep(0.05)
        at = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < at:
            time.sleep(0.02)
        return process.poll() is None

    def disturb(self, process: subprocess.Popen) -> bool:
        """Disturb a call; whether there was something to disturb."""
        return False

    def repair(self) -> None:
        """Undo a lasting disturbance when its call has ended."""

    def call(self, most: int) -> tuple[int, int | None]:
        """One call, disturbed again and again while it lives; returns how often, and its exit code (None: hung)."""
        process, done = self.start(), 0
        while done < most and self.disturb(process):
            done += 1
        code = self.end(process)
        self.repair()
        if code is None:
            self.faults.append(f"a call did not end: {self.said()[-2000:]}")
        return done, code

    def unlock(self) -> None:
        """What the documentation says about the lock of a dead run."""
        self.counts["unlocked"] += 1
        command = self.command("--unlock")
        subprocess.run(command, cwd=self.folder, env=environment(self.folder), check=True, capture_output=True)

    def until_done(self, most: int) -> int:
        """Call until the workflow is through, disturbed so often at most; returns how often it was."""
        done = refused = 0
        while True:
            disturbed, code = self.call(most - done)
            done += disturbed
            said = self.said()
            if code == 0 and not (disturbed and self.unfinished()):
                return done
            if "LockException" in said:
                self.unlock()
            elif code != 0 and not disturbed:
                self.faults.append(f"an undisturbed call ended with {code}: {said[-2000:]}")
                refused += 1
                if refused > REFUSED:
                    return done
            if "Traceback" in said:
                self.counts["calls with a traceback"] += 1
                self.log({"tracebacks end in": sorted(set(ERROR.findall(said)))})

    def unfinished(self) -> bool:
        """Whether the target is not there, although the call ended well."""
        return not (self.folder / self.target).exists()

    def rounds(self, most: int, prepare: Callable[[], None], expected: dict[str, str]) -> None:
        """Runs from what `prepare` leaves, until so many disturbances; each must end in the expected bytes."""
        done = 0
        while done < most and not self.faults:
            prepare()
            began = time.monotonic()
            now = self.until_done(most - done)
            done += now
            results = self.folder / "results"
            odd, left = differences(expected, artefacts(results)), leftovers(results)
            self.counts["runs"] += 1
            self.faults += odd
            self.left += left
            entry = {"run": self.counts["runs"], "disturbed": now, "compared": len(expected), "differences": odd}
            self.log({**entry, "left": left, "seconds": round(time.monotonic() - began)})


@dataclass
class KilledRun(Run):
    """One process of a call is killed at a drawn moment.

    The moment is fewer jobs than `most_jobs` after the call or the last kill, and up to `longest_s` seconds after that,
    so that the work gets on between kills. The kind killed least often so far is next, if it shows up within
    `patience_s`; the signals of a kind take turns.
    """

    draw: random.Random = field(default_factory=lambda: random.Random(0))
    most_jobs: int = 2
    longest_s: float = 8.0
    kinds: tuple[str, ...] = KINDS
    patience_s: float = 10.0

    def disturb(self, process: subprocess.Popen) -> bool:
        began = time.monotonic()
        if not self.wait(process, self.draw.randrange(self.most_jobs), self.draw.uniform(0.0, self.longest_s)):
            return False
        found = self.candidates(process)
        if not found:
            return False
        kind = min(found, key=lambda name: self.counts[name])
        number = SIGNALS[(self.counts[kind] + KINDS.index(kind)) % len(SIGNALS)]
        chosen = self.draw.choice(found[kind])
        step = re.search(r"egokd\.steps\.(\w+)", " ".join(chosen.command))
        chosen.send(number)
        self.counts[kind] += 1
        self.counts[number.name] += 1
        entry = {"killed": kind, "signal": number.name, "step": step.group(1) if step else ""}
        self.log({**entry, "after_s": round(time.monotonic() - began, 1)})
        return True

    def candidates(self, process: subprocess.Popen) -> dict[str, list[Process]]:
        """Processes by kind, as soon as one of the kind killed least often is there, or after `patience_s` any kind.

        Empty when the workflow has ended.
        """
        until = time.monotonic() + self.patience_s
        while process.poll() is None:
            found: dict[str, list[Process]] = {}
            for each in running(self.folder):
                if (kind := kind_of(each, process.pid)) in self.kinds:
                    found.setdefault(kind, []).append(each)
            fewest = min(self.counts[kind] for kind in self.kinds)
            if any(self.counts[kind] == fewest for kind in found) or (found and time.monotonic() > until):
                return found
            time.sleep(0.02)
        return {}


@dataclass
class FullDiskRun(Run):
    """The disk that `folder` lies on is filled at a drawn moment of a call, and emptied when the call has ended."""

    draw: random.Random = field(default_factory=lambda: random.Random(0))
    most_jobs: int = 8
    longest_s: float = 6.0
    spared: int = 200_000  # bytes left free, at most

    @property
    def filler(self) -> Path:
        return self.folder / "filler"

    def disturb(self, process: subprocess.Popen) -> bool:
        if self.filler.exists():
            return False
        if not self.wait(process, self.draw.randrange(self.most_jobs), self.draw.uniform(0.0, self.longest_s)):
            return False
        spared = self.draw.randrange(self.spared)
        with self.filler.open("wb") as handle:
            while (size := shutil.disk_usage(self.folder).free - spared) > 0:
                with suppress(OSError):  # a job may have taken what was free a moment ago
                    os.posix_fallocate(handle.fileno(), handle.seek(0, os.SEEK_END), size)
                    break
        self.counts["filled"] += 1
        self.log({"filled, but for bytes": spared, "jobs done": self.finished()})
        return True

    def repair(self) -> None:
        if self.filler.exists():
            said = self.said()
            self.counts["calls that ran out of disk"] += "No space left" in said or "disk" in said.lower()
        self.filler.unlink(missing_ok=True)
