"""The look before hours of work, and the file for the challenge."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.datasets.checks import above_limit, affected_shares, check_classes, expected_gb, histogram
from egokd.datasets.segments import Segments, write_segments
from egokd.distillation.logit_files import write_logits
from egokd.errors import UserError
from egokd.planning.recipes import resolve
from egokd.planning.slices import job_counts
from egokd.steps import check, write_submission
from media_files import make_video
from paths import REPOSITORY
from view_settings import PLAIN

SETTINGS = {
    "modalities": ["rgb", "flow", "audio"],
    "flow": "computed",
    "frame_rate": 10.0,
    "short_side": 64,
    "sample_rate": 8000,
    "max_share": 0.1,
    "jobs": {"train": 3},
    "views": PLAIN,
    "clips": [1, 2],
}
CSV = "file,stop,action,split\na.mp4,2,wash,train\nb.mp4,2,cut,val\nc.mp4,2,wash,train\nd.mp4,9,wash,train\n"


@pytest.fixture
def root(tmp_path):
    """a with sound, b silent, c missing, d too short; `cut` is never trained."""
    make_video(tmp_path / "a.mp4", audio=np.zeros(38400, np.int16))
    make_video(tmp_path / "b.mp4")
    make_video(tmp_path / "d.mp4")
    (tmp_path / "clips.csv").write_text(CSV)
    return tmp_path


def look(root, **changes):
    options = {"annotations": "clips.csv", "heads": ["action"], "val_share": 0.25, "split_seed": 0}
    out = root / "out"
    arguments = ["--root", str(root), "--format", "folder", "--dataset", "mine", "--options", json.dumps(options)]
    check.main([*arguments, "--settings", json.dumps(SETTINGS | changes), "--threads", "2", "--out", str(out)])
    return out


def test_report_table_and_exit_code(root, capsys):
    with pytest.raises(SystemExit) as ended:
        look(root)
    assert ended.value.code == 1
    problems = pd.read_csv(root / "out" / "problems.csv", keep_default_na=False)
    assert problems[["level", "kind", "video_id"]].values.tolist() == [
        ["error", "missing file", "c.mp4"],
        ["error", "video too short", "d.mp4"],
        ["warning", "no sound", "b.mp4"],
        ["warning", "no sound", "d.mp4"],
        ["warning", "class without training", ""],
    ]
    assert "ends at 2.40 s" in problems["message"][1]
    text = (root / "out" / "report.md").read_text()
    assert text in capsys.readouterr().out
    assert "- train: 3 segments in 3 videos" in text and "- jobs to train: 3" in text
    assert "0.0 % of the test clips of val (2 a segment, 8 frames each) show a frame twice, as 10 frames" in text
    assert "Cannot be used: 66.67 % of train, 0.00 % of val; the limit is 10.00 % of train and of val." in text


def test_within_the_limit_it_ends_well(root):
    out = look(root, max_share=0.7, modalities=["rgb"])
    assert "no sound" not in (out / "problems.csv").read_text()
    classes = pd.read_csv(out / "classes.csv")
    assert classes.values.tolist() == [["action", 0, "cut", 0, 1], ["action", 1, "wash", 3, 0]]


def test_wrong_annotations(root):
    (root / "clips.csv").write_text(CSV + "a.mp4,2,wash,train\n")
    with pytest.raises(UserError, match=r"annotations: .*line 6 .*listed twice"):
        look(root)
    assert "listed twice" in (root / "out" / "problems.csv").read_text()


def test_numbers_by_hand():
    table = pd.DataFrame({"segment_id": list("abc"), "video_id": list("xxy"), "split": ["train", "val", "val"]})
    table = table.assign(start_s=0.0, stop_s=1.0)
    segments = Segments(table.assign(action=[0, 0, 1]), {"action": ["go", "stop"]}, "test")
    (problem,) = check_classes(segments)
    assert problem.message == "action 'stop' has 1 validation segments and no training segment"
    shares = affected_shares(table, [check.Problem("error", "missing file", "x", "", "")])
    assert shares == {"train": 1.0, "val": 0.5}
    assert above_limit({"train": 0.01, "val": 0.02, "test": 1.0}, 0.01) == {"val": 0.02}
    assert histogram(segments)[["train", "val"]].values.tolist() == [[1, 1], [0, 1]]
    sizes = expected_gb(table, {}, 10.0, 64, 8000)
    assert sizes["audio"] == pytest.approx(3 * 8000 * 2 / 1e9)


def test_job_counts_match_the_plan():
    root = REPOSITORY
    values = resolve(yaml.safe_load((root / "config.yaml").read_text()), root / "workflow" / "recipes")
    counts = job_counts(validate(Config, values, "config").datasets["epic"], 2)
    assert counts["extract"] == 8  # four modalities, two shards
    assert counts["train"] == 2 * 6  # four teachers, omnivore, student
    assert counts["bank"] == 2 * 4


# --- submission -----------------------------------------------------------------------------------------------------


@pytest.fixture
def predicted(tmp_path):
    """Three test segments with two views each of 2 verbs and 3 nouns."""
    table = pd.DataFrame({"segment_id": ["P01_1", "P01_2", "P01_3"], "split": "test", "fold": ""})
    heads = {"verb": ["take", "put"], "noun": ["pan", "cup", "tap"]}
    write_segments(tmp_path / "segments.parquet", Segments(table, heads, "test"))

    def write(ids):
        rows = np.arange(len(ids))
        chunks = [
            (rows, np.full(len(ids), view), {"verb": np.full((len(ids), 2), view), "noun": np.eye(3)[rows] * 4})
            for view in range(2)
        ]
        write_logits(
            tmp_path / "test.safetensors", ids, [0, 1], {"verb": 2, "noun": 3}, np.ones(len(ids), bool), iter(chunks),
            {"split": "test"}, dtype="float32",
        )  # fmt: skip
        return ["--segments", str(tmp_path / "segments.parquet"), "--predictions", str(tmp_path / "test.safetensors")]

    return write


LEVELS = json.dumps({"sls_pt": 2, "sls_tl": 3, "sls_td": 3})


def test_submission_in_the_official_format(predicted, tmp_path):
    arguments = predicted(["P01_1", "P01_2", "P01_3"])
    for name in ("a.zip", "b.zip"):
        write_submission.main([*arguments, "--settings", LEVELS, "--out", str(tmp_path / name)])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["test.json"]
        content = json.loads(archive.read("test.json"))
    assert {key: content[key] for key in content if key != "results"} == {
        "version": "0.2",
        "challenge": "action_recognition",
        "sls_pt": 2,
        "sls_tl": 3,
        "sls_td": 3,
    }
    assert list(content["results"]) == ["P01_1", "P01_2", "P01_3"]
    assert content["results"]["P01_2"] == {"verb": {"0": 0.5, "1": 0.5}, "noun": {"0": 0.0, "1": 4.0, "2": 0.0}}


def test_incomplete_submission_is_refused(predicted, tmp_path):
    arguments = predicted(["P01_1", "P01_3"])
    with pytest.raises(UserError, match=r"1 of 3 test segments have no prediction, the first is 'P01_2'"):
        write_submission.main([*arguments, "--settings", LEVELS, "--out", str(tmp_path / "a.zip")])
