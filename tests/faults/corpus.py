"""Run the corpus of hostile inputs: python tests/faults/corpus.py [--only PATTERN] [--sample N] [--report FILE].

Each case runs in a forked copy of this process, in a folder of its own, with 6 GB of address space and a minute of
computing. What comes out is one of the classes below; `make corpus` fails on any that is not what the case expects.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "helpers")]

import inputs_all  # noqa: E402
from egokd import runtime  # noqa: E402
from hostile import OUT, RIGHT, SENTENCE, SKIP, Case, Plan, one_sentence  # noqa: E402

MEMORY = 6 * 2**30
SECONDS, WAIT_S = 60, 600.0  # of computing, and of doing nothing: other programs may need the machine too
GOOD = (RIGHT, SKIP, SENTENCE)
BAD = ("traceback", "signal", "hang", "silent", "refused", "unclear", "foreign file", "started program", "harness")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pty.spawn", "socket.connect")
OWN_STEPS = ("planned", "dry_run")
# what libraries look at, which know nothing of the input, and what a dry run is
HARMLESS_PROGRAMS = ("lscpu", "ldconfig", "gcc", "'snakemake', '-n'")


@dataclass
class Outcome:
    """How a case ended: its class, what was said, seconds."""

    case: str
    kind: str
    expected: str
    found: str
    text: str
    seconds: float

    @property
    def good(self) -> bool:
        return self.found == self.expected


def _watch(work: Path, events: list[str]) -> None:
    """Note programs that are started, and files that are opened for writing outside the results."""
    allowed = (str(work / OUT), "/dev/", "/proc/")

    def hook(event: str, arguments: tuple) -> None:
        if event in STARTS:
            if not any(name in str(arguments) for name in HARMLESS_PROGRAMS):
                events.append(f"started program: {event} {arguments}"[:300])
        elif event == "open" and isinstance(arguments[0], str | bytes):
            writes = (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if writes and not path.startswith(allowed):
                events.append(f"foreign file: {path}")

    sys.addaudithook(hook)


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in folder.rglob("*") if not p.is_dir()}


def _run(steps: list[tuple[str, list[str]]]) -> tuple[str, str]:
    """(`ran`, `sentence`, `traceback`, `usage` or `exit N`; what was said) of steps up to the first that fails."""
    for step, arguments in steps:
        said = io.StringIO()
        name = step if step in OWN_STEPS else f"egokd.steps.{step}"
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                main: Callable = importlib.import_module(name).main
                runtime.run(lambda main=main, arguments=arguments: main(arguments))
                code = 0
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                return "traceback", f"{step}: {traceback.format_exc()[-1500:].strip()}"
        text = "\n".join(line for line in said.getvalue().splitlines() if not re.match(r"\d\d:\d\d:\d\d ", line))
        if code == 1 and (wrong := one_sentence(text)):
            return "traceback" if wrong == "traceback" else "usage", f"{step}: {wrong}: {text[-800:]}"
        if code:
            return ("sentence" if code == 1 else "usage" if code == 2 else f"exit {code}"), text[:1500]
    return "ran", ""


def _judge(case: Case, plan: Plan, results: dict[str, tuple[str, str]], events: list[str]) -> tuple[str, str]:
    """The class of a case that came back, and why."""
    ends = {end for end, _ in results.values()}
    text = " | ".join(f"{name}: {end}: {said}" for name, (end, said) in results.items())
    for kind in ("started program", "foreign file"):
        if found := [event for event in events if event.startswith(kind)]:
            return kind, "; ".join(found[:3])
    if "traceback" in ends:
        return "traceback", text
    if ends - {"ran", "sentence"}:
        return "unclear", text
    if case.outcome == SENTENCE:
        if "ran" in ends:
            return "silent", f"accepted: {text}"
        heard = all(re.search(case.says, said) for _, said in results.values())
        return (SENTENCE, text) if heard else ("unclear", f"expected {case.says!r}: {text}")
    ran = results.get("run", next(iter(results.values())))
    if ran[0] != "ran":
        return "refused", text
    if wrong := plan.verify():
        return "silent", wrong
    return case.outcome, ""


def _child(case: Case, folder: Path, pipe: int) -> None:
    """Make the input and try it; the answer goes through the pipe. Never returns."""
    answer = ("harness", "no answer")
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
        folder.mkdir()
        work = folder / "work"
        work.mkdir()
        plan = case.make(folder)
        sys.dont_write_bytecode = True
        os.chdir(next(iter(folder.glob("work*"))))
        before, events = _listing(folder), []
        _watch(Path.cwd(), events)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        results = {name: _run(steps) for name, steps in plan.runs.items()}
        inside = str(Path.cwd() / OUT)
        after = {name: value for name, value in _listing(folder).items() if not name.startswith(inside)}
        before = {name: value for name, value in before.items() if not name.startswith(inside)}
        events += [f"foreign file: {name}" for name in sorted(before.keys() ^ after.keys())]
        events += [f"foreign file: {name} changed" for name in before if after.get(name, before[name]) != before[name]]
        answer = _judge(case, plan, results, events)
    except BaseException:
        answer = ("harness", traceback.format_exc()[-1500:])
    finally:
        with contextlib.suppress(BaseException):
            os.write(pipe, json.dumps(answer).encode()[:60000])
        os._exit(0)


def try_case(case: Case, folder: Path) -> Outcome:
    """Run a case in a forked process; a crash, a hang and a lack of memory end that process only."""
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(case, folder, writing)
    os.close(writing)
    status, answer = None, b""
    os.set_blocking(reading, False)
    while status is None:
        with contextlib.suppress(BlockingIOError):
            answer += os.read(reading, 65536)
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = code
        elif time.monotonic() - began > WAIT_S:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            status = "hang"
        else:
            time.sleep(0.005)
    with contextlib.suppress(BlockingIOError):
        answer += os.read(reading, 65536)
    os.close(reading)
    found, text = json.loads(answer) if answer else ("harness", "no answer")
    if status == "hang" or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        found, text = "hang", f"not done after {SECONDS} s of computing or {WAIT_S:g} s in all"
    elif os.WIFSIGNALED(status):
        found, text = "signal", f"ended by signal {os.WTERMSIG(status)}"
    return Outcome(case.id, case.kind, case.outcome, found, text, time.monotonic() - began)


def run_all(cases: list[Case], say: Callable[[str], None] = print, prepare: bool = True) -> list[Outcome]:
    """Try all cases, those that need torch last. `prepare`: make the whole inputs that they spoil."""
    base = Path(tempfile.mkdtemp(prefix="corpus-"))
    outcomes = []
    try:
        if prepare:
            inputs_all.make_templates(base / "templates")
            for module in ("decord", "egokd.steps.check", "egokd.steps.extract_flow"):
                importlib.import_module(module)
        for number, case in enumerate(sorted(cases, key=lambda c: c.needs == "torch")):
            if case.needs == "torch" and "torch" not in sys.modules:
                importlib.import_module("egokd.steps.import_weights")
                importlib.import_module("egokd.steps.train")
            outcome = try_case(case, base / f"{number:03d}")
            outcomes.append(outcome)
            if not outcome.good:
                text = outcome.text if outcome.found != "traceback" else " ".join(outcome.text.splitlines()[-4:])
                say(f"{outcome.found.upper()} (expected {case.outcome}) {case.id}: {text[:700]}")
            shutil.rmtree(base / f"{number:03d}", ignore_errors=True)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return outcomes


def summary(outcomes: list[Outcome]) -> str:
    """Counts by kind of input (rows) and class of outcome (columns), as a Markdown table."""
    classes = [c for c in (*GOOD, *BAD) if c in GOOD or any(o.found == c for o in outcomes)]
    lines = ["| input | cases | " + " | ".join(classes) + " |", "|---|---:|" + "---:|" * len(classes)]
    for kind in [*dict.fromkeys(o.kind for o in outcomes), "all"]:
        rows = [o for o in outcomes if kind in (o.kind, "all")]
        counts = Counter(o.found for o in rows)
        lines.append(f"| {kind} | {len(rows)} | " + " | ".join(str(counts[c]) for c in classes) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="pattern of cases: kind/name")
    parser.add_argument("--sample", type=int, help="so many of them, chosen with --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, help="JSON of every outcome")
    parser.add_argument("--list", action="store_true", help="name the cases and run none")
    args = parser.parse_args()
    cases = [case for case in inputs_all.cases() if re.search(args.only, case.id)]
    if args.sample:  # without those that take seconds each
        cases = [case for case in cases if case.needs != "torch" and case.kind != "dry run"]
        cases = random.Random(args.seed).sample(cases, min(args.sample, len(cases)))
    if args.list:
        print("\n".join(f"{case.id}: {case.outcome} {case.says}" for case in cases))
        return
    if os.getuid():
        cases = [case for case in cases if case.needs != "root"]
    outcomes = run_all(cases)
    if args.report:
        args.report.write_text(json.dumps([vars(outcome) for outcome in outcomes], indent=1))
    print(summary(outcomes))
    wrong = [outcome for outcome in outcomes if not outcome.good]
    print(f"{len(outcomes)} cases, {len(wrong)} not as expected, {sum(o.seconds for o in outcomes):.0f} s")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
