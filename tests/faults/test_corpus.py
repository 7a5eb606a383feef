"""A sample of the corpus of hostile inputs (`make corpus` runs all), and the harness itself."""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

BROKEN = """
import os, sys, time
sys.path.insert(0, {here!r})
import corpus
from hostile import RIGHT, SENTENCE, Case, Plan

def ends(code, verify=lambda: None):
    def make(folder):
        import planned
        planned.main = lambda arguments: exec(code)
        return Plan({{"run": [("planned", [])]}}, verify)
    return make

def user(text):
    from egokd.errors import UserError
    raise UserError(text)

def case(name, make, outcome=RIGHT):
    return Case("broken", name, make, outcome, "wanted")

corpus.SECONDS, corpus.WAIT_S = 1, 5.0
cases = [
    case("traceback", ends("1 / 0")),
    case("signal", ends("os.kill(os.getpid(), 11)")),
    case("hang", ends("time.sleep(100)")),
    case("hang: busy", ends("while True: pass")),
    case("silent", ends("pass"), SENTENCE),
    case("silent: wrong result", ends("pass", lambda: "other numbers")),
    case("refused", ends("user('not wanted')")),
    case("unclear", ends("user('something else')"), SENTENCE),
    case("unclear: no error", ends("sys.exit(3)")),
    case("foreign file", ends("open('../elsewhere', 'w').close()")),
    case("started program", ends("os.system('true')")),
    case("right", ends("pass")),
    case("sentence", ends("user('wanted')"), SENTENCE),
]
globals()["__builtins__"].user = user
for outcome in corpus.run_all(cases, say=lambda text: None, prepare=False):
    print(outcome.case.split("/")[1].split(":")[0], "=", outcome.found)
"""


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=600)


def test_a_sample_of_the_corpus_comes_out_as_expected(tmp_path):
    report = tmp_path / "report.json"
    done = run(str(HERE / "corpus.py"), "--sample", "24", "--seed", "7", "--report", str(report))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    outcomes = json.loads(report.read_text())
    assert len(outcomes) >= 20 and {outcome["found"] for outcome in outcomes} == {"right", "skip", "sentence"}


def test_the_harness_tells_every_bad_end_from_a_good_one():
    done = run("-c", BROKEN.format(here=str(HERE)))
    assert done.returncode == 0, done.stderr[-3000:]
    pairs = re.findall(r"^(.+) = (.+)$", done.stdout, re.M)
    assert len(pairs) == 13 and all(named == found for named, found in pairs), pairs


def test_the_corpus_holds_what_was_asked_for():
    done = run(str(HERE / "corpus.py"), "--list")
    kinds = [line.split("/")[0] for line in done.stdout.splitlines()]
    assert len(kinds) >= 300 and min(map(kinds.count, set(kinds))) >= 8
