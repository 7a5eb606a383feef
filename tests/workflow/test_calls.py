"""What a call ran with is on record, and never makes anything run again."""

import json
import shutil
import subprocess

import pytest
import yaml


def call_of(workspace, dataset: str) -> dict:
    return json.loads((workspace.path / f"results/calls/{dataset}.json").read_text())


def test_a_call_records_the_resolved_config_and_the_code(finished):
    call = call_of(finished, "epic")
    experiment = yaml.safe_load((finished.path / "config.yaml").read_text())["datasets"]["epic"]
    assert call["config"]["seeds"] == [0]
    (name, recorded), *others = call["config"]["datasets"].items()
    assert name == "epic" and not others
    assert recorded["views"]["num_frames"] == experiment["views"]["num_frames"]
    assert recorded["teachers"]["flow"]["train"] == experiment["teachers"]["flow"]["train"]  # aliases are filled in
    assert len(call["code"]["digest"]) == 32
    assert call["code"]["commit"] is None and call["code"]["modified"] is None  # no repository here
    assert set(call["versions"]) == {"python", "snakemake"}
    assert call_of(finished, "compositional")["config"]["datasets"]["compositional"]["teachers"]  # from its recipe


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_commit_runs_nothing_again(workspace):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "Snakefile", "src"], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *arguments], cwd=workspace.path, check=True, capture_output=True)
    before = call_of(workspace, "epic")
    assert workspace.planned() == {}
    assert call_of(workspace, "epic") == before  # it still says what the finished table was made with
