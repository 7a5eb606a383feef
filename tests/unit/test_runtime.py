"""Steps end in one sentence where a place fails them, and leave nothing behind when they are told to stop."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from egokd import runtime

SLOW = """
import sys, time
from egokd import runtime
from egokd.io import atomic_path
from egokd.media.frame_writer import StoreWriter

def main():
    with StoreWriter("a.arrow", ("image",), {}) as writer, atomic_path("b.json") as part:
        writer.begin("v")
        writer.add(0.0, image=bytes(10**6))
        part.write_text("half")
        print("ready", flush=True)
        time.sleep(60)

runtime.run(main)
"""


def start(folder):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    step = subprocess.Popen([sys.executable, "-c", SLOW], cwd=folder, text=True, **pipes)
    assert step.stdout.readline() == "ready\n"
    return step


def hidden(folder):
    return sorted(path.name.split(".", 3)[-1] for path in folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_a_signal_and_no_traceback_is_said(tmp_path, number):
    step = start(tmp_path)
    step.send_signal(number)
    said = step.communicate(timeout=30)[1]
    assert step.returncode == 128 + number
    assert hidden(tmp_path) == [] and "Traceback" not in said


def test_what_a_killed_step_left_is_deleted_by_the_next_but_not_what_another_writes(tmp_path):
    killed = start(tmp_path)
    killed.kill()
    killed.wait(30)
    assert hidden(tmp_path) == ["part.json"]  # the spool, which holds gigabytes, had no name
    first = start(tmp_path)
    assert hidden(tmp_path) == ["part.json"]
    second = start(tmp_path)
    assert hidden(tmp_path) == ["part.json"] * 2
    for step in (first, second):
        step.terminate()
        step.wait(30)
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device); free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "Read-only file system); give yourself the right"),
        (errno.EACCES, "Permission denied); give yourself the right"),
        (errno.ENOTDIR, "move it away"),
        (errno.ENAMETOOLONG, "choose a shorter one"),
    ],
)
def test_a_place_that_fails_is_named_in_one_sentence(number, advice, capsys):
    def main():
        raise OSError(number, os.strerror(number), "results/x.json")

    with pytest.raises(SystemExit) as end:
        runtime.run(main)
    said = capsys.readouterr().err
    assert end.value.code == 1 and said.startswith("error: results/x.json: cannot be used (") and advice in said


def test_other_errors_of_the_system_stay_as_they_are():
    def main():
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")

    with pytest.raises(FileNotFoundError):
        runtime.run(main)


def test_the_handler_of_sigterm_is_put_back():
    before = signal.getsignal(signal.SIGTERM)
    runtime.run(lambda: time.sleep(0))
    assert signal.getsignal(signal.SIGTERM) is before
