"""Every flipped bit of marked bytes is noticed, and whoever reads the file says which rule makes it again."""

import logging
import re

import pytest

from egokd import checksums
from egokd.checksums import BLANK, MARK, check_file, damaged, intact, seal
from egokd.errors import UserError
from egokd.makers import PLACES, again, maker_of
from paths import REPOSITORY


def flips(data):
    """(bit, the bytes with it the other way round) of every bit."""
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(changed)


def test_every_single_flip_is_noticed():
    data = seal(b"payload before, " + BLANK.encode() + b", \x00\xff and after")
    assert intact(data)
    mark = range(8 * data.index(MARK), 8 * (data.index(MARK) + len(MARK)))
    for bit, changed in flips(data):
        # a flip in the mark itself leaves the content right, and the file looks like one from before
        assert intact(changed) is (None if bit in mark else False), bit


def test_bytes_that_end_early_are_noticed():
    data = seal(b"x" * 100 + BLANK.encode() + b"y" * 100)
    assert all(intact(data[:length]) is not True for length in range(len(data)))


def test_a_writer_without_a_place_for_the_sum_is_a_bug():
    with pytest.raises(ValueError, match="no place"):
        seal(b"content")


def test_old_files_are_read_and_one_line_says_so(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(checksums, "_unchecked", set())
    for name in ("a", "b", "empty"):
        (tmp_path / name).write_bytes(b"" if name == "empty" else b"written long ago")
    with caplog.at_level(logging.INFO, "egokd"):
        for name in ("a", "b", "empty"):
            check_file(tmp_path / name, "weights")
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "made before weights had checksums, read without a check"
    ]


def test_a_damaged_file_is_named_with_its_rule(tmp_path):
    path = tmp_path / "results/data/epic/rgb/3.arrow"
    assert str(damaged(path, "frame 2")) == (
        f"{path}: damaged (frame 2). Delete it and call the workflow again: rule extract_frames makes it."
    )
    path.parent.mkdir(parents=True)
    path.write_bytes(seal(BLANK.encode() + b"content").replace(b"content", b"content."))
    with pytest.raises(UserError, match=r"3\.arrow: damaged .*rule extract_frames"):
        check_file(path, "stores")


def test_nobody_is_told_to_delete_what_no_rule_makes(tmp_path):
    for path in (tmp_path / "mine.json", tmp_path / "results" / "notes.txt", "other/model.safetensors"):
        assert maker_of(path) is None and "Delete" not in again(path)


def test_every_rule_that_is_named_is_one_of_the_workflow():
    text = "".join(path.read_text() for path in (REPOSITORY / "workflow" / "rules").glob("*.smk"))
    for _, rule in PLACES:
        name = rule.replace(r"\1", "")
        assert re.search(rf'rule {name}\b|f?"{name}[{{"]|, {name}|"{name}"', text) or name == "train_", rule


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("data/epic/segments.parquet", "assign_folds"),
        ("data/epic/flow/0.arrow", "extract_flow"),
        ("data/epic/test/rgb/0.arrow", "extract_frames"),
        ("data/epic/test/annotations.parquet", "index_segments"),
        ("models/epic/student_heldout/seed0/inference.json", "package"),
        ("cost/epic_pipeline.json", "measure_pipeline"),
        ("calibration/epic/baseline_rgb/seed0/1x1.json", "calibrate"),
        ("models/epic/baseline_rgb/seed0/model.safetensors", "train_teacher_rgb"),
        ("models/epic/student_heldout/seed0/config.json", "train_student_heldout"),
        ("bank/epic/audio/seed0/0-19.0-of-2.safetensors", "bank_teacher_audio"),
        ("predictions/epic/ensemble_heldout/seed0/val-1x1.safetensors", "combine_ensemble"),
        ("predictions/epic/baseline_rgb/seed0/heldout-1x1.safetensors", "predict_heldout"),
        ("predictions/epic/baseline_rgb/seed0/val-1x1.safetensors", "predict"),
        ("ensembles/epic/heldout/seed0.json", "fit_ensemble"),
    ],
)
def test_the_rule_follows_from_the_place(place, rule):
    assert maker_of(f"/somewhere/results/{place}") == rule
