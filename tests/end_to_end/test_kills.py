"""A run that is killed ends in the bytes of one that is not; and so does one that is cut into other pieces.

Five kills of the cut-down demo's student; `make kills` makes fifty of all of it (docs/reliability.md).
"""

import json
import random
import shutil

import numpy as np
import pytest
import yaml

from artefacts import artefacts, differences
from disturbed import KilledRun, Run
from egokd.distillation.logit_files import LogitFile
from smoke import SMOKE, copy_workflow

STUDENT = [f"results/{kind}/smoke/student_heldout" for kind in ("models", "predictions", "metrics")]


def smoke_config(folder, name: str, change) -> str:
    """A config file in `folder`: the cut-down demo's, as `change` leaves its dataset."""
    config = yaml.safe_load((folder / SMOKE).read_text())
    change(config["datasets"]["smoke"])
    (folder / name).write_text(yaml.safe_dump(config))
    return name


def test_five_kills_and_other_cores_and_loading_processes_change_no_byte(folder, tmp_path):
    work = tmp_path / "work"

    def prepare() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work, symlinks=True)
        smoke_config(work, "threads.yaml", lambda smoke: smoke["compute"].update(threads=2))
        for name in STUDENT:
            shutil.rmtree(work / name)

    said: list[dict] = []
    target = f"{STUDENT[-1]}/seed0/1x1.json"  # the student is trained, run and evaluated
    run = KilledRun(work, "threads.yaml", target, cores=3, log=said.append, draw=random.Random(5), longest_s=7.0)
    run.rounds(5, prepare, artefacts(folder / "results"))
    assert run.faults == [] and run.left == [], said
    assert len([entry for entry in said if "killed" in entry]) == 5
    assert run.counts["runs"] >= 1


@pytest.mark.slow
def test_shards_parts_threads_and_cores_change_no_result(folder, tmp_path):
    work = tmp_path / "work"
    copy_workflow(work)

    def change(smoke: dict) -> None:
        smoke["data"]["shards"] = 5
        smoke["compute"]["threads"] = 3
        smoke["bank"] = {"parts": 2, "block": 1}
        smoke["evaluation"] = {"parts": 3}

    run = Run(work, smoke_config(work, "cut.yaml", change), cores=4)
    run.until_done(0)
    assert run.faults == []
    results = [path / "results" for path in (folder, work)]
    pieces = ("data/", "bank/", "predictions/", "demo/smoke/manifest.json")

    def whole(path) -> dict[str, str]:
        """What is not cut into pieces."""
        return {name: value for name, value in artefacts(path).items() if not name.startswith(pieces)}

    first, second = (whole(path) for path in results)
    assert differences(first, second) == []
    assert len(first) > 40
    for model in ("baseline_audio", "student_heldout"):
        folders = [path / "predictions/smoke" / model / "seed0" for path in results]
        files = [LogitFile(sorted(path.glob("val-1x1*.safetensors"))) for path in folders]
        assert [len(file.paths) for file in files] == [1, 3]
        logits = [file.all_logits(files[0].segment_ids) for file in files]
        assert all(np.array_equal(logits[0][head], logits[1][head]) for head in ("verb", "noun"))
    banks = [LogitFile(sorted((path / "bank/smoke/flow/seed0").glob("*.safetensors"))) for path in results]
    assert [len(bank.paths) for bank in banks] == [1, 4]
    logits = [bank.all_logits(banks[0].segment_ids) for bank in banks]
    assert all(np.array_equal(logits[0][head], logits[1][head]) for head in ("verb", "noun"))


def test_provenance_of_the_table_names_config_code_machine_and_data(folder):
    found = json.loads((folder / "results/tables/smoke.provenance.json").read_text())
    assert found["seeds"] == [0] and found["config"]["datasets"]["smoke"]["data"]["shards"] == 2
    assert found["code"]["digest"] and found["machine"]["cpu"]
    assert found["data"]["source"] == "demo" and "EPIC_100_train.csv" in found["data"]["annotations"]
    assert found["trainings"]["student_heldout/seed0"]["device"] == found["machine"]["cpu"]
    assert str(folder) not in json.dumps(found)
