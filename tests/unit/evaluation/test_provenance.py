"""The side file of a table: what stands in it, and what does not."""

import hashlib
import json

from egokd.evaluation.provenance import annotation_digests, provenance, trainings, versions, without_home
from egokd.machine.hardware import cpu_name, gpu_names

METRICS = [
    {"model": "baseline_rgb", "seed": 1, "source": "demo"},
    {"model": "ensemble_uniform", "seed": 0, "source": "demo"},
]


def test_it_names_data_code_software_machine_and_seeds(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path / "data"
    root.mkdir()
    (root / "EPIC_100_train.csv").write_text("a,b\n")
    call = {
        "config": {"seeds": [0], "datasets": {"x": {"data": {"root": str(root)}}}},
        "code": {"digest": "0" * 32, "commit": "f" * 40, "modified": False},
        "versions": {"python": "3.11.0", "snakemake": "9.0"},
        "root": str(root),
        "annotations": ["EPIC_100_*.csv", "annotations/*.csv"],
    }
    found = provenance(call, METRICS, tmp_path / "models")
    assert found["seeds"] == [0, 1] and found["code"] == call["code"]
    assert {"python", "snakemake", "torch", "timm", "decord", "torchaudio", "numpy"} <= set(found["versions"])
    digest = hashlib.sha256(b"a,b\n").hexdigest()
    expected = {"EPIC_100_train.csv": {"sha256": digest, "bytes": 4}}
    assert found["data"] == {"source": "demo", "root": "~/data", "annotations": expected}
    assert found["machine"]["cpu"] and found["made"].endswith("+00:00")
    assert str(tmp_path) not in json.dumps(found)  # the home folder would name its owner


def test_a_step_run_by_hand_has_no_call(tmp_path):
    found = provenance({}, METRICS, tmp_path)
    assert found["config"] is None and found["code"] is None and found["data"]["annotations"] is None


def test_trainings_say_what_they_ran_on(tmp_path):
    with_it = {"device": "a CPU", "processes": 1, "torch": "2", "code": "c"}
    for model, description in (("baseline_rgb", {"trained_with": with_it}), ("student_x", {})):
        folder = tmp_path / model / "seed0"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(description))
    wanted = [("baseline_rgb", 0), ("student_x", 0), ("ensemble_x", 0)]
    assert trainings(wanted, tmp_path) == {"baseline_rgb/seed0": with_it, "student_x/seed0": None}


def test_a_package_that_is_not_there_has_no_version():
    assert versions()["numpy"]
    assert set(versions()) >= {"torch", "timm", "decord", "torchaudio", "numpy"}


def test_annotations_are_found_in_folders_below(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "EPIC_100_train.csv").write_text("x")
    assert list(annotation_digests(tmp_path, ["*.csv", "annotations/*.csv"])) == ["annotations/EPIC_100_train.csv"]


def test_only_the_home_folder_itself_is_shortened(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/jane")
    assert without_home({"a": ["/home/jane", "/home/jane/x", "/home/janet/x", "x"], "b": 3}) == {
        "a": ["~", "~/x", "/home/janet/x", "x"],
        "b": 3,
    }


def test_hardware_is_named_as_the_system_names_it(tmp_path):
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Some CPU @ 2 GHz\n"
    )
    assert cpu_name(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz"
    assert cpu_name(tmp_path / "absent")  # what Python knows instead
    card = tmp_path / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA H100\nIRQ: 1\n")
    assert gpu_names(tmp_path / "gpus") == ["NVIDIA H100"]
    assert gpu_names(tmp_path / "none") == []
