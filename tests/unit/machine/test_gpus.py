"""Which devices a job takes, with made-up devices."""

import multiprocessing
import os
import threading
import time

import pytest

from egokd.errors import UserError
from egokd.machine import gpus
from egokd.machine.gpus import claim, free


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with four GPUs and no scheduler."""
    for name in (gpus.VISIBLE, gpus.CPU_ONLY, "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gpus, "installed_gpus", lambda: ["0", "1", "2", "3"])
    monkeypatch.setattr(gpus, "POLL_S", 0.02)


def test_jobs_side_by_side_take_different_devices(tmp_path):
    devices = gpus.allowed_gpus()
    with free(devices, 1, tmp_path) as first, free(devices, 2, tmp_path) as second:
        assert first == ["0"]
        assert second == ["1", "2"]
    with free(devices, 4, tmp_path) as all_again:
        assert all_again == ["0", "1", "2", "3"]


def test_cuda_sees_the_taken_devices_only_and_only_meanwhile(tmp_path):
    with claim(1, tmp_path):
        assert os.environ[gpus.VISIBLE] == "0"
    assert gpus.VISIBLE not in os.environ


def test_waits_for_a_device_that_is_taken(tmp_path, caplog):
    caplog.set_level("INFO")
    order, taken = [], threading.Event()

    def first():
        with free(["0"], 1, tmp_path):
            taken.set()
            time.sleep(0.15)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    taken.wait()
    with free(["0"], 1, tmp_path) as devices:
        order.append("second")
        assert devices == ["0"]
    thread.join()
    assert order == ["first", "second"]
    assert "waiting for 1 free GPU" in caplog.text


def _hold_and_die(folder):
    with free(["0"], 1, folder):
        os._exit(9)


def test_a_killed_job_gives_its_device_back(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_hold_and_die, args=(tmp_path,))
    process.start()
    process.join()
    with free(["0"], 1, tmp_path) as devices:
        assert devices == ["0"]


def test_preset_devices_are_respected_and_shared_out(tmp_path, monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "2,GPU-5ac1")
    assert gpus.visible_gpus() == 2
    with free(["2"], 1, tmp_path), claim(1, tmp_path) as devices:
        assert devices == ["GPU-5ac1"]


@pytest.mark.parametrize(("preset", "expected"), [("", 0), ("-1", 0), ("0,-1,2", 1), ("0", 1)])
def test_preset_devices_are_read_as_cuda_reads_them(monkeypatch, preset, expected):
    monkeypatch.setenv(gpus.VISIBLE, preset)
    assert gpus.visible_gpus() == expected


def test_slurm_jobs_have_their_own_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    folders = []
    for job in (None, "7", "8"):
        if job:
            monkeypatch.setenv("SLURM_JOB_ID", job)
        folders.append(gpus.lock_folder())
    assert len(set(folders)) == 3  # every job of a cluster that confines devices calls its own 0
    monkeypatch.setenv(gpus.VISIBLE, "0,1")
    with free(["0"], 1, folders[1]), claim(1) as devices:  # as job 8
        assert devices == ["0"]
    with free(["0"], 1, folders[2]), claim(1) as devices:  # beside another of its bundle
        assert devices == ["1"]


def test_more_than_there_are_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="asks for 5 GPUs and there are 4 here"), claim(5, tmp_path):
        pass


def test_no_gpu_means_cpu_for_one_and_an_error_for_several(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(gpus, "installed_gpus", list)
    caplog.set_level("INFO")
    with claim(1, tmp_path) as devices:
        assert devices == []
        assert os.environ[gpus.VISIBLE] == ""
    assert "running on the CPU" in caplog.text
    with pytest.raises(UserError, match="asks for 2 GPUs and there are 0"), claim(2, tmp_path):
        pass


def test_zero_and_the_switch_hide_the_devices(tmp_path, monkeypatch):
    with claim(0, tmp_path) as devices:
        assert devices == []
        assert os.environ[gpus.VISIBLE] == ""
    monkeypatch.setenv(gpus.CPU_ONLY, "cpu")
    with claim(3, tmp_path) as devices:
        assert devices == []
