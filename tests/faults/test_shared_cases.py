"""Files that failed on earlier versions come out as their list says (../shared/cases/INDEX.md)."""

import importlib
import shutil

import pandas as pd
import pytest
import yaml

from egokd.media.frame_store import FrameStore
from egokd.planning.reading import read_config
from hostile import OUT, OWN, data_steps
from paths import REPOSITORY
from results_of import skipped_rows

# folder: (layout, videos with frames and flow, {video or segment that is skipped: reason})
CASES = {
    "folder_stop_1e8": ("folder", ["v0.mp4", "v1.mp4", "v2.mp4", "v3.mp4"], {"v2.mp4#0-1e+08": "ends at"}),
    "video2_mkvdur1_1e12": ("folder", ["a.mp4", "b.mp4"], None),
    "video_unknown_vcodec": ("folder", ["good1.mp4", "good2.mp4"], {"x.mp4": "no decoder"}),
    "video_px2": ("folder", ["good1.mp4", "good2.mp4"], {"x.mp4": "2 x 2 pixels"}),
    "epic_hugeframe": ("epic100", ["P01_01", "P01_02"], {"q": "ends at"}),
    "tar_twofolders": ("epic100", None, {"P01_01": "frames of two kinds"}),
    "tar_bignum": ("epic100", None, {"P01_01": r"2\d digits"}),
}


def extract(cases, name, form, tmp_path, monkeypatch, options=None):
    """Copy the case, and run its steps up to its stores."""
    shutil.copytree(cases / "faults" / name, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    options = options if options is not None else OWN if form == "folder" else {}
    for step, arguments in data_steps(tmp_path / "data", form, options, form == "folder", "none")[:-1]:
        importlib.import_module(f"egokd.steps.{step}").main(arguments)


@pytest.mark.parametrize("name", CASES)
def test_the_rest_of_the_data_is_read(cases, name, tmp_path, monkeypatch):
    form, videos, skipped = CASES[name]
    extract(cases, name, form, tmp_path, monkeypatch)
    if videos is not None:
        for store in ("rgb", "flow"):
            assert set(videos) <= set(FrameStore([OUT / store / "0.arrow"]).videos)
    rows = skipped_rows()
    for what, reason in (skipped or {}).items():
        same = rows[(rows["video_id"] == what) | (rows["segment_id"] == what)]
        assert same["reason"].str.contains(reason).any(), rows.to_string()


def test_parts_that_differ_in_the_seventh_digit_are_two(cases, tmp_path, monkeypatch):
    extract(cases, "folder_g6_collision", "folder", tmp_path, monkeypatch)
    table = pd.read_parquet(OUT / "annotations.parquet")
    assert table["segment_id"].tolist()[:2] == ["v0.mp4#1234.561-1240.001", "v0.mp4#1234.562-1240.002"]


def test_two_heads_are_two_columns(cases, tmp_path, monkeypatch):
    extract(cases, "two_verb", "folder", tmp_path, monkeypatch, {**OWN, "heads": ["verb", "tool"]})
    assert {"verb", "tool"} <= set(pd.read_parquet(OUT / "annotations.parquet").columns)


def test_a_head_of_any_name_is_planned(cases, monkeypatch):
    folder = cases / "faults" / "dag_heads_gesture"
    config, _ = read_config(yaml.safe_load((folder / "mine.yaml").read_text()), REPOSITORY)
    assert config.datasets["mine"].data.folder.heads == ["gesture"]
