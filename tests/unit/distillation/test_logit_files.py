"""The logit bank: written in chunks, read one by one, and what students get from it."""

import errno
import math
import os
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from egokd.distillation.logit_files import LogitFile, write_logits
from egokd.distillation.targets import EnsembleTargets
from egokd.errors import UserError

CLASSES = {"verb": 3, "noun": 4}
IDS = ["a", "b", "c"]


def logits_of(seed, count=3, views=2):
    random = np.random.default_rng(seed)
    return {head: random.normal(size=(count, views, k)).astype(np.float16) for head, k in CLASSES.items()}


def chunks_of(logits, available, views=2):
    """One chunk per view, so that rows of a segment come apart."""
    rows = np.flatnonzero(available)
    for view in range(views):
        yield rows, np.full(len(rows), view), {head: values[rows, view] for head, values in logits.items()}


def write(path, seed=0, ids=IDS, available=None, **kwargs):
    logits = logits_of(seed, len(ids))
    available = np.ones(len(ids), bool) if available is None else np.array(available)
    write_logits(path, ids, [0, 1], CLASSES, available, chunks_of(logits, available), {"teacher": "rgb"}, **kwargs)
    return logits


def test_what_is_written_is_read(tmp_path):
    logits = write(tmp_path / "bank.safetensors", available=[True, False, True])
    bank = LogitFile([tmp_path / "bank.safetensors"])
    assert bank.segment_ids == IDS and bank.views == [0, 1] and bank.num_classes == CLASSES
    assert bank.metadata["teacher"] == "rgb"
    for head in CLASSES:
        found = bank.logits("c", 1)[head]
        assert found.dtype == np.float32 and np.array_equal(found, logits[head][2, 1].astype(np.float32))
    assert bank.logits("b", 0) is None
    everything = bank.all_logits(["c", "a"])
    assert np.array_equal(everything["noun"], logits["noun"][[2, 0]].astype(np.float32))
    assert bank.availability(["b", "a"]).tolist() == [False, True]


def test_a_damaged_row_is_named_when_it_is_read_and_the_others_are_read(tmp_path):
    path = tmp_path / "results/bank/epic/rgb/seed0/0-1.0-of-1.safetensors"
    logits = write(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(logits["noun"][1, 0].tobytes(), (-logits["noun"][1, 0]).tobytes()))
    bank = LogitFile([path])
    assert np.array_equal(bank.logits("b", 1)["noun"], logits["noun"][1, 1].astype(np.float32))
    message = r"damaged \(the logits of segment 'b', view 0, do not match .*rule bank_teacher_rgb makes it"
    for read in (lambda: bank.logits("b", 0), lambda: bank.all_logits(IDS)):
        with pytest.raises(UserError, match=message):
            read()
    assert bank.all_logits(["a", "c"])["noun"].shape == (2, 2, 4)
    path.write_bytes(content.replace(b'\\"c\\"', b'\\"d\\"'))  # an id in the header
    with pytest.raises(UserError, match="damaged"):
        LogitFile([path])


def test_heads_come_in_the_order_of_their_names(tmp_path):
    """Whatever their order in the file: results list them as read."""
    write(tmp_path / "bank.safetensors")
    assert list(LogitFile([tmp_path / "bank.safetensors"]).num_classes) == ["noun", "verb"]


def test_a_file_from_before_is_read(tmp_path):
    logits = write(tmp_path / "bank.safetensors", available=[True, False, True])
    tensors = load_file(tmp_path / "bank.safetensors")
    del tensors["checksums"]
    with safe_open(tmp_path / "bank.safetensors", "numpy") as handle:
        metadata = {key: value for key, value in handle.metadata().items() if key != "checksum"}
    save_file(tensors, tmp_path / "old.safetensors", metadata)
    old = LogitFile([tmp_path / "old.safetensors"])
    assert np.array_equal(old.logits("c", 1)["verb"], logits["verb"][2, 1].astype(np.float32))
    assert np.array_equal(old.all_logits(IDS)["noun"][2], logits["noun"][2].astype(np.float32))
    assert old.metadata == {"teacher": "rgb"} and old.num_classes == CLASSES


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(
        UserError, match=r"bank\.safetensors: no room for its 0\.0 MB \(No space left on device\); free"
    ):
        write(tmp_path / "bank.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_it_is_a_safetensors_file_like_any_other(tmp_path):
    logits = write(tmp_path / "bank.safetensors")
    plain = load_file(tmp_path / "bank.safetensors")
    assert np.array_equal(plain["verb"], logits["verb"]) and plain["available"].tolist() == [1, 1, 1]
    assert plain["verb"].dtype == np.float16


def test_parts_are_one_bank(tmp_path):
    first, second = tmp_path / "0.safetensors", tmp_path / "1.safetensors"
    write(first, seed=0, ids=["a", "b"])
    logits = write(second, seed=1, ids=["c"])
    bank = LogitFile([first, second])
    assert bank.segment_ids == IDS
    assert np.array_equal(bank.logits("c", 0)["verb"], logits["verb"][0, 0].astype(np.float32))
    assert np.array_equal(bank.all_logits(["c", "a"])["verb"][0], logits["verb"][0].astype(np.float32))
    with pytest.raises(UserError, match="'a' is also in"):
        LogitFile([first, first])


def test_an_empty_part_is_fine(tmp_path):
    write(tmp_path / "0.safetensors")
    write(tmp_path / "1.safetensors", ids=[])
    assert LogitFile([tmp_path / "0.safetensors", tmp_path / "1.safetensors"]).segment_ids == IDS


def _read(bank):
    return bank.logits("c", 1)["verb"]


def test_workers_open_their_own_files(tmp_path):
    logits = write(tmp_path / "bank.safetensors")
    bank = LogitFile([tmp_path / "bank.safetensors"])
    bank.logits("a", 0)
    with ProcessPoolExecutor(1) as pool:
        found = pool.submit(_read, bank).result()
    assert np.array_equal(found, logits["verb"][2, 1].astype(np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 70000.0])
def test_logits_beyond_float16_are_refused_and_nothing_is_left(tmp_path, bad):
    logits = {head: values.astype(np.float32) for head, values in logits_of(0).items()}
    logits["noun"][1, 0, 2] = bad
    every = np.ones(3, bool)
    with pytest.raises(UserError, match=r"'b'.*'noun'.*diverged"):
        write_logits(tmp_path / "x.safetensors", IDS, [0, 1], CLASSES, every, chunks_of(logits, every), {})
    assert list(tmp_path.iterdir()) == []


def test_every_pair_exactly_once(tmp_path):
    logits, every = logits_of(0), np.ones(3, bool)
    once = list(chunks_of(logits, every))
    for chunks, times in ((once[:1], "0 time"), ([*once, once[0]], "2 time")):
        with pytest.raises(RuntimeError, match=times):
            write_logits(tmp_path / "x.safetensors", IDS, [0, 1], CLASSES, every, chunks, {})


def test_questions_it_cannot_answer(tmp_path):
    write(tmp_path / "bank.safetensors")
    bank = LogitFile([tmp_path / "bank.safetensors"])
    with pytest.raises(UserError, match="first is 'z'"):
        bank.logits("z", 0)
    with pytest.raises(UserError, match="view 7 is missing"):
        bank.logits("a", 7)
    with pytest.raises(UserError, match=r"\{'verb': 9\}"):
        bank.check(IDS, [0], {"verb": 9})
    (tmp_path / "bad.safetensors").write_bytes(b"1234")
    with pytest.raises(UserError, match="not a readable file"):
        LogitFile([tmp_path / "bad.safetensors"])
    with pytest.raises(UserError, match="no such file"):
        LogitFile([tmp_path / "none.safetensors"])


def banks(tmp_path):
    first = write(tmp_path / "rgb.safetensors", seed=0)
    second = write(tmp_path / "audio.safetensors", seed=1, available=[True, False, True])
    files = {name: LogitFile([tmp_path / f"{name}.safetensors"]) for name in ("rgb", "audio")}
    return files, first, second


def test_targets_are_the_weighted_logits(tmp_path):
    files, first, second = banks(tmp_path)
    targets = EnsembleTargets(files, {head: {"audio": 0.25, "rgb": 0.75} for head in CLASSES})
    found = pickle.loads(pickle.dumps(targets))("a", 1)
    for head in CLASSES:
        expected = 0.75 * first[head][0, 1].astype(float) + 0.25 * second[head][0, 1].astype(float)
        assert found[head].dtype == np.float32 and found[head] == pytest.approx(expected, abs=1e-6)
    assert targets("b", 0)["verb"] == pytest.approx(first["verb"][1, 0].astype(float))


def test_scale_multiplies_the_combined_logits(tmp_path):
    files, _, _ = banks(tmp_path)
    weights = {head: {"audio": 0.25, "rgb": 0.75} for head in CLASSES}
    plain = EnsembleTargets(files, weights)("a", 1)
    scaled = EnsembleTargets(files, weights, scale=dict.fromkeys(CLASSES, 2.0))("a", 1)
    for head in CLASSES:
        assert scaled[head] == pytest.approx(2 * plain[head])


def test_per_sample_weights_use_the_label(tmp_path):
    files, first, second = banks(tmp_path)
    labels = {segment: {"verb": 1, "noun": 2} for segment in IDS}
    targets = EnsembleTargets(files, {head: {"rgb": 0.5, "audio": 0.5} for head in CLASSES}, "logits", labels, 0.5)
    z = np.stack([first["verb"][0, 0], second["verb"][0, 0]]).astype(float)
    loss = np.array([math.log(np.exp(row).sum()) - row[1] for row in z])
    weights = np.exp(-loss / 0.5) / np.exp(-loss / 0.5).sum()
    assert targets("a", 0)["verb"] == pytest.approx(weights @ z, abs=1e-5)
    assert targets("b", 0)["verb"] == pytest.approx(first["verb"][1, 0].astype(float))


def test_segments_without_teacher(tmp_path):
    write(tmp_path / "audio.safetensors", available=[True, False, True])
    targets = EnsembleTargets(
        {"audio": LogitFile([tmp_path / "audio.safetensors"])}, {head: {"audio": 1.0} for head in CLASSES}
    )
    assert targets.covered(["c", "b"]).tolist() == [True, False]
    with pytest.raises(UserError, match="'b'"):
        targets("b", 0)


def test_weights_must_fit_the_banks(tmp_path):
    files, _, _ = banks(tmp_path)
    with pytest.raises(UserError, match="weights of head 'verb'"):
        EnsembleTargets(files, {"verb": {"rgb": 1.0}})
