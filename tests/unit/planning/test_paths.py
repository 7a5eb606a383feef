"""Where results lie, which blocks of views a student needs, and that finished partitions of work are kept."""

import json
from pathlib import Path

import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.planning import models
from egokd.planning.origin import check_origins
from egokd.planning.paths import Paths, flat, labelled, seed_files
from egokd.planning.recipes import resolve
from paths import REPOSITORY


def demo(**changes) -> Paths:
    """The demo's paths, with sections of its experiment changed."""
    values = resolve(yaml.safe_load((REPOSITORY / "config.yaml").read_text()), REPOSITORY / "workflow" / "recipes")
    entry = values["datasets"]["epic"]
    for section, change in changes.items():
        entry[section] = entry[section] | change
    return Paths("epic", validate(Config, values, "config").datasets["epic"])


def test_predictions_name_split_views_and_part():
    folder = "results/predictions/epic/baseline_rgb/seed0"
    assert demo().predictions("baseline_rgb", 0, "val", (2, 3)) == [f"{folder}/val-2x3.safetensors"]
    parts = demo(evaluation={"parts": 2})
    assert parts.predictions("baseline_rgb", 0, "val", (1, 1)) == [
        f"{folder}/val-1x1.0-of-2.safetensors",
        f"{folder}/val-1x1.1-of-2.safetensors",
    ]
    assert len(parts.predictions("ensemble_uniform", 0, "val", (1, 1))) == 1


def test_a_student_reads_whole_blocks_and_its_own_last_one():
    paths = demo(bank={"block": 25})
    assert models.bank_blocks(paths.experiment, "heldout") == [(0, 24), (25, 49), (50, 59)]
    banks = paths.student_banks("heldout", 0)
    assert list(banks) == ["rgb", "flow", "audio", "obj"]
    assert banks["obj"][2] == "results/bank/epic/obj/seed0/50-59.0-of-1.safetensors"
    few = demo(bank={"block": 25, "views_per_segment": 30})
    assert models.bank_blocks(few.experiment, "heldout") == [(0, 24), (25, 29)]


def test_a_finished_partition_is_kept_and_an_unfinished_one_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = demo(bank={"parts": 3})
    folder = Path("results/bank/epic/flow/seed0")
    folder.mkdir(parents=True)
    (folder / "0-59.0-of-2.safetensors").touch()
    assert len(paths.student_banks("heldout", 0)["flow"]) == 3
    (folder / "0-59.1-of-2.safetensors").touch()
    assert paths.student_banks("heldout", 0)["flow"] == [
        str(folder / f"0-59.{part}-of-2.safetensors") for part in (0, 1)
    ]


def test_a_root_with_brackets_is_found(tmp_path):
    root = tmp_path / "data [1] *"
    root.mkdir()
    (root / "EPIC_100_train.csv").touch()
    paths = demo(data={"demo": None, "root": str(root)})
    assert paths.annotations() == [str(root / "EPIC_100_train.csv")]
    empty = demo(data={"demo": None, "root": str(tmp_path)})
    with pytest.raises(UserError, match=r"datasets.epic.data.root: no annotation files"):
        empty.annotations()


def test_files_of_the_test_split_are_inputs_of_its_own_table_alone(tmp_path):
    root = tmp_path / "EPIC"
    (root / "labels").mkdir(parents=True)
    for name in ("train", "validation", "test_timestamps", "unseen_participant_ids_test", "verb_classes"):
        (root / "labels" / f"EPIC_100_{name}.csv").touch()
    paths = demo(data={"demo": None, "root": str(root)})
    names = [Path(path).stem.removeprefix("EPIC_100_") for path in paths.annotations()]
    assert names == ["train", "validation", "verb_classes"]
    assert set(paths.annotations("/test")) - set(paths.annotations()) == {
        str(root / "labels" / f"EPIC_100_{name}.csv") for name in ("test_timestamps", "unseen_participant_ids_test")
    }


def test_small_helpers():
    assert labelled({"a": ["x", "y"], "b": ["z"]}) == ["a=x,y", "b=z"]
    assert flat({"a": ["x", "y"], "b": ["z"]}) == ["x", "y", "z"]
    assert seed_files("{name}/{seed}", ["a", "b"], [0, 1]) == ["a/0", "a/1", "b/0", "b/1"]


def test_results_of_other_data_are_refused_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_origins([demo()])  # nothing there
    file = tmp_path / "results/data/epic/origin.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"source": "demo", "root": "results/demo/epic"}))
    check_origins([demo()])
    file.write_text(json.dumps({"source": "EPIC-KITCHENS-100", "root": "/data/EPIC-KITCHENS"}))
    with pytest.raises(UserError, match=r"was made from 'EPIC-KITCHENS-100' in /data/EPIC-KITCHENS.*delete") as caught:
        check_origins([demo()])
    assert "\n" not in str(caught.value)
