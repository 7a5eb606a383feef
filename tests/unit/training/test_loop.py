"""The training loop: schedule, resume to the byte, refusals."""

import io
import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from egokd.errors import UserError
from egokd.machine.placement import placement_of
from egokd.training.loop import STOPPED, Batch, label_loss, student_loss, train
from egokd.training.schedule import learning_rate, step_seed
from egokd.training.state import StateFile, digest_of, fingerprint_of
from paths import REPOSITORY
from toy_training import STEPS, Toy, make_batches, make_plan, run

SAVE = torch.save
SCRIPT = REPOSITORY / "tests" / "helpers" / "toy_training.py"
CPU = placement_of(torch.device("cpu"))


def test_schedule_worked_out():
    rates = [learning_rate(step, total=10, warmup=4, peak=1.0) for step in range(10)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert learning_rate(10, 10, 4, 1.0) == 0
    assert learning_rate(0, 10, 0, 0.5) == 0.5
    assert [learning_rate(step, 2, 8, 1.0) for step in range(2)] == [0.5, 1.0]


def test_step_seeds_differ_and_repeat():
    seeds = {step_seed(seed, step) for seed in range(3) for step in range(100)}
    assert len(seeds) == 300 and step_seed(1, 2) in seeds
    torch.manual_seed(max(seeds))


def start(folder, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(folder), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for_step(folder, process, step, seconds=60):
    began = time.monotonic()
    while time.monotonic() - began < seconds and process.poll() is None:
        mark = folder / "step.txt"
        if mark.exists() and (text := mark.read_text()) and int(text) >= step:
            return
        time.sleep(0.005)
    raise AssertionError(f"the run did not get to step {step}: {process.communicate(timeout=5)[1]}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    history = run(folder)
    return (folder / "model.safetensors").read_bytes(), history


def test_killed_and_run_again_gives_the_same_bytes(tmp_path, undisturbed, caplog):
    process = start(tmp_path, 12, "slow")
    wait_for_step(tmp_path, process, 13)
    process.kill()
    process.communicate()
    assert (tmp_path / "state" / "last.pt").exists() and not (tmp_path / "model.safetensors").exists()
    with caplog.at_level("INFO", logger="egokd"):
        run(tmp_path)
    assert "resuming after step" in caplog.text
    assert (tmp_path / "model.safetensors").read_bytes() == undisturbed[0]
    assert not (tmp_path / "state" / "last.pt").exists()


@pytest.mark.parametrize("step", [1, 5, 7, 59])
def test_going_on_after_any_step_gives_the_same_bytes(tmp_path, undisturbed, monkeypatch, step):
    """A stop at the given step, inside and at the end of an epoch, in this process."""

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("egokd.training.loop.SAVE_EVERY_S", -1.0)  # the state is saved after every step,
    monkeypatch.setattr("egokd.training.loop.SAVING_SHARE", math.inf)  # however long that takes
    monkeypatch.setattr("toy_training.make_batches", lambda *_: _until(step, stopped))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.undo()
    assert torch.load(tmp_path / "state" / "last.pt", weights_only=True)["step"] == step
    run(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == undisturbed[0]


def _until(step, stop):
    plain = make_batches()

    def batches(epoch, skip):
        for place, batch in enumerate(plain(epoch, skip), start=skip):
            if epoch * STEPS + place == step:
                stop()
            yield batch

    return batches


def test_sigterm_saves_and_ends_with_its_own_code(tmp_path, undisturbed):
    process = start(tmp_path, 12, "slow")
    wait_for_step(tmp_path, process, 17)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == STOPPED == 75, log
    assert "stopped by" in log
    history = run(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == undisturbed[0]
    for mine, theirs in zip(history, undisturbed[1], strict=True):
        assert (mine["epoch"], mine["lr"], mine["loss"]) == (theirs["epoch"], theirs["lr"], theirs["loss"])


def test_history(undisturbed):
    history = undisturbed[1]
    assert [line["epoch"] for line in history] == list(range(1, 13))
    assert set(history[0]) == {"epoch", "lr", "loss", "segments_per_s", "seconds"}
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[0]["lr"] == pytest.approx(0.01) and history[-1]["lr"] == pytest.approx(0.01 / 55)


def test_nan_is_refused_with_place_and_advice(tmp_path):
    with pytest.raises(UserError, match=r"loss is nan at step 31 of 60 \(epoch 7, learning rate .*lower lr"):
        run(tmp_path, mode="nan")
    state = torch.load(tmp_path / "state" / "last.pt", weights_only=True)
    assert state["step"] <= 30 and all(value.isfinite().all() for value in state["model"].values())


def test_state_of_another_configuration_is_set_aside(tmp_path, caplog):
    old = StateFile(tmp_path, fingerprint_of({"lr": 0.1, "net": "small"}))
    old.save({"step": 3})
    new = StateFile(tmp_path, fingerprint_of({"lr": 0.2, "net": "small"}))
    assert new.load() is None
    assert "settings.lr" in caplog.text and "settings.net" not in caplog.text
    assert (tmp_path / "stale.pt").exists() and not (tmp_path / "last.pt").exists()


def test_a_damaged_state_is_set_aside(tmp_path, caplog):
    state = StateFile(tmp_path, fingerprint_of({}))
    state.save({"step": 3, "weights": torch.arange(1000.0)})
    whole = state.path.read_bytes()
    one_bit = bytearray(whole)
    one_bit[whole.index(torch.arange(1000.0).numpy().tobytes()) + 2001] ^= 1
    text, a_list = io.BytesIO(), io.BytesIO()
    torch.save("text", text)
    torch.save([1], a_list)
    others = (b"", b"text", text.getvalue(), a_list.getvalue(), b"\x80\x04K\x01.")
    for damaged in (whole[:100], whole[: len(whole) // 2], whole[:-1], bytes(one_bit), *others):
        caplog.clear()
        state.path.write_bytes(damaged)
        assert state.load() is None
        assert (tmp_path / "damaged.pt").read_bytes() == damaged and not state.path.exists()
        assert (
            "last.pt is not used" in caplog.text and "kept as damaged.pt, training starts from scratch" in caplog.text
        )
    state.path.write_bytes(whole)
    assert state.load()["step"] == 3


def test_a_state_whose_fingerprint_is_no_json_is_set_aside(tmp_path):
    StateFile(tmp_path, "no JSON").save({"step": 3})
    assert StateFile(tmp_path, fingerprint_of({})).load() is None
    assert (tmp_path / "stale.pt").exists()


def test_a_save_in_the_background_is_of_the_moment_it_was_asked_for(tmp_path, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("egokd.training.state.torch.save", lambda *args: gate.wait(10) and SAVE(*args))
    weights, history = torch.zeros(3), [{"loss": 1.0}]
    with StateFile(tmp_path, "{}") as state:
        state.save_behind({"weights": weights, "history": history})
        weights += 1  # training goes on while the state is written
        history.append({"loss": 0.5})
        assert not state.path.exists()
        gate.set()
    saved = torch.load(state.path, weights_only=True)
    assert saved["weights"].tolist() == [0, 0, 0] and saved["history"] == [{"loss": 1.0}]
    assert state.took_s > 0 and [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_save_in_the_background_that_fails_ends_the_run(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("egokd.training.state.torch.save", full)
    state = StateFile(tmp_path, "{}")
    state.save_behind({})
    with pytest.raises(OSError, match="No space left"):
        state.save_behind({})
    monkeypatch.undo()
    state.save_behind({"step": 1})  # the error was told once
    state.wait()
    assert torch.load(state.path, weights_only=True)["step"] == 1


@pytest.mark.parametrize(("took_s", "saves"), [(0.0, [5, 10, 15, 20]), (1000.0, [20])])
def test_a_state_that_takes_long_to_save_is_saved_less_often(tmp_path, monkeypatch, took_s, saves):
    found = []

    def save(self, state):
        found.append(state["step"])
        self.took_s = took_s

    monkeypatch.setattr(StateFile, "save_behind", save)
    state = StateFile(tmp_path, "{}")
    state.took_s = took_s
    train(Toy(), make_batches(), label_loss(["verb", "noun"], 0.0), make_plan(4), CPU, state, "toy")
    assert found == saves  # at the ends of epochs, and at the end of the run in any case


def test_fingerprint_sees_settings_files_and_code(tmp_path):
    data = tmp_path / "data"
    data.write_text("1")
    first = fingerprint_of({"a": 1}, [data], "digest of the code")
    assert first == fingerprint_of({"a": 1}, [data], "digest of the code")
    assert first != fingerprint_of({"a": 2}, [data], "digest of the code")
    assert first != fingerprint_of({"a": 1}, [data], "digest of other code")
    data.write_text("12")
    assert first != fingerprint_of({"a": 1}, [data], "digest of the code")
    assert digest_of(["a", "b"]) != digest_of(["b", "a"])


def test_student_loss_is_the_weighted_sum_and_reports_its_parts():
    batch = Batch({}, torch.tensor([[0], [1]]), {"verb": torch.tensor([[1.0, 0.0], [0.0, 2.0]])})
    logits = {"verb": torch.zeros(2, 2)}
    both = student_loss(["verb"], 2.0, 0.7, 0.3, 0.0)(logits, batch)
    assert both["loss"].item() == pytest.approx(0.7 * both["kd"].item() + 0.3 * both["ce"].item())
    alone = student_loss(["verb"], 2.0, 0.7, 0.0, 0.0)(logits, batch)
    assert set(alone) == {"loss", "kd"} and alone["loss"].item() == pytest.approx(0.7 * both["kd"].item())


def test_a_student_learns_its_teachers_logits(tmp_path):
    torch.manual_seed(0)
    plain = make_batches()

    def batches(epoch, skip):
        for batch in plain(epoch, skip):
            verb, noun = 2 * batch.inputs["pixels"][:, :3], 2 * batch.inputs["pixels"][:, 2:]
            yield Batch(batch.inputs, torch.full_like(batch.labels_BH, -1), {"verb": verb, "noun": noun})

    loss = student_loss(["verb", "noun"], 2.0, 1.0, 0.0, 0.0)
    history = train(Toy(), batches, loss, make_plan(20), CPU, StateFile(tmp_path, "{}"), "student")
    assert history[-1]["kd"] < 0.5 * history[0]["kd"] and history[-1]["kd"] == history[-1]["loss"]


def test_wrong_number_of_batches_is_noticed(tmp_path):
    def batches(epoch, skip):
        yield from list(make_batches()(epoch, skip))[: STEPS - 2]

    with pytest.raises(RuntimeError, match="wrong number of batches"):
        train(Toy(), batches, label_loss(["verb", "noun"], 0.0), make_plan(2), CPU, StateFile(tmp_path, "{}"), "short")
