"""The comparison of two runs sees what it should: every byte but times, and every file left behind."""

import json

import pytest

from artefacts import artefacts, differences, leftovers

MD = "Text | with a bar\n\n| model | top-1 | clips/s |\n| --- | ---: | ---: |\n| a | {top1} | {speed} |\n\n- a note\n"


def make(folder, top1="1.0", speed="7", seconds="3", mtime=1, weights=b"w"):
    for name in ("tables", "models/x/m/seed0", "data/x/rgb", "logs", "state/x"):
        (folder / name).mkdir(parents=True)
    (folder / "tables/x.csv").write_text(f"model,action_top1,clips_per_s\na,{top1},{speed}\n")
    (folder / "tables/x.md").write_text(MD.format(top1=top1, speed=speed))
    (folder / "tables/x.provenance.json").write_text(json.dumps({"made": f"day {speed}", "seeds": [0]}))
    (folder / "models/x/m/seed0/history.csv").write_text(f"epoch,loss,seconds\n0,{top1},{seconds}\n")
    (folder / "models/x/m/seed0/model.safetensors").write_bytes(weights)
    (folder / "data/x/rgb/shards.json").write_text(json.dumps([{"path": "0.arrow", "bytes": 5, "mtime_ns": mtime}]))
    (folder / "logs/a.log").write_text(seconds)
    return folder


def test_times_are_not_compared(tmp_path):
    first = make(tmp_path / "one")
    second = make(tmp_path / "two", speed="1234567", seconds="99", mtime=2)
    assert differences(artefacts(first), artefacts(second)) == []
    assert len(artefacts(first)) == 6


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"top1": "2.0"}, ["models/x/m/seed0/history.csv differs", "tables/x.csv differs", "tables/x.md differs"]),
        ({"weights": b"v"}, ["models/x/m/seed0/model.safetensors differs"]),
    ],
)
def test_everything_else_is(tmp_path, change, expected):
    assert differences(artefacts(make(tmp_path / "one")), artefacts(make(tmp_path / "two", **change))) == expected


def test_missing_and_additional_files_are_named(tmp_path):
    first, second = make(tmp_path / "one"), make(tmp_path / "two")
    (first / "tables/x.csv").unlink()
    (second / "tables/x.md").unlink()
    found = differences(artefacts(first), artefacts(second))
    assert found == ["only the first has tables/x.md", "only the second has tables/x.csv"]


@pytest.mark.parametrize(
    "name",
    ["data/x/rgb/.0.1a2b3c4d.frame.spool", "models/x/m/seed0/.model.12345678.part.safetensors", "state/x/last.pt"],
)
def test_what_a_killed_job_left_is_found(tmp_path, name):
    results = make(tmp_path / "one")
    assert leftovers(results) == []
    (results / name).write_bytes(b"x")
    assert leftovers(results) == [name]
