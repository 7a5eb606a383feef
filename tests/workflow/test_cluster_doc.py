"""The lists of jobs in docs/cluster.md are those of real dry runs; a plan shows GPUs, parts and lists of shards."""

import re

import pytest

from paths import REPOSITORY

DOC = (REPOSITORY / "docs" / "cluster.md").read_text()


def listed(heading: str, number: int = 0) -> dict[str, int]:
    """The jobs of a list under a heading."""
    section = DOC.split(f"### {heading}")[1].split("\n## ")[0].split("\n### ")[0]
    blocks = re.findall(r"^```\n((?:\w+ +\d+\n)+)```", section, re.M)
    return {name: int(count) for name, count in (line.split() for line in blocks[number].splitlines())}


def test_new_flow(workspace):
    planned = workspace.planned("results/tables/epic.csv", "-R", "extract_flow")
    assert planned == listed("New flow has arrived")


@pytest.mark.parametrize(
    ("old", "new", "heading", "number"),
    [
        ("flow: *small\n", "flow: {<<: *small, train: {<<: *schedule, lr: 0.001}}\n", "A hyper-parameter", 0),
        ("tau: 2.0", "tau: 5.0", "A hyper-parameter", 1),
        ("seeds: [0]", "seeds: [0, 1]", "One more seed", 0),
    ],
)
def test_a_change_of_the_config(workspace, old, new, heading, number):
    workspace.edit("config.yaml", old, new)
    heading = next(line[4:] for line in DOC.splitlines() if line.startswith(f"### {heading}"))
    assert workspace.planned() == listed(heading, number)


def test_parts_are_jobs(fresh):
    fresh.edit("config.yaml", "      ece_bins: 15\n      parts: 1", "      ece_bins: 15\n      parts: 3")
    fresh.edit("config.yaml", "views_per_segment: null\n      parts: 1", "views_per_segment: null\n      parts: 4")
    jobs = fresh.planned("results/tables/epic.csv")
    assert [jobs[name] for name in ("predict", "predict_heldout", "bank_teacher_flow", "evaluate")] == [18, 12, 4, 9]


def test_gpus_of_a_model_reach_its_job(fresh):
    fresh.edit("config.yaml", "        ce_weight: 0.0\n", "        ce_weight: 0.0\n        gpus: 4\n")
    plan = fresh.snakemake("-n", "-p", "--cores", "8", "results/tables/epic.csv")
    commands = [line for line in plan.splitlines() if "egokd.steps.train " in line]
    assert sum("--gpus 4" in line for line in commands) == 1
    assert all("--bank" in line for line in commands if "--gpus 4" in line)
