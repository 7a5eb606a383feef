"""The DAG: which jobs a target needs, how they hang together, and that bad configs stop before anything runs."""

import subprocess
import sys

import pytest

from paths import REPOSITORY


def test_table_needs_every_stage(fresh):
    jobs = fresh.planned("results/tables/epic.csv")
    named = {f"{kind}_{m}" for kind in ("train_teacher", "bank_teacher") for m in ("rgb", "flow", "audio", "obj")}
    assert named <= set(jobs)
    assert {"train_omnivore", "train_student_heldout", "fit_ensemble", "tabulate", "plot_reliability"} <= set(jobs)
    assert jobs["extract_frames"] == 2  # one per shard
    assert sum(jobs.values()) < 70


def test_second_demo_is_planned_and_leaves_the_first_alone(fresh):
    jobs = fresh.planned("results/tables/compositional.csv")
    named = {f"{kind}_{m}" for kind in ("train_teacher", "bank_teacher") for m in ("rgb", "flow", "obj")}
    assert named | {"generate_compositional", "index_boxes", "train_student_heldout", "tabulate"} <= set(jobs)
    assert not {name for name in jobs if "audio" in name or name in ("generate_demo", "train_omnivore")}
    plan = fresh.snakemake("-n", "-p", "--cores", "2", "results/tables/epic.csv")
    assert "generate_demo" in plan
    assert "compositional" not in plan


def test_changing_the_second_demo_reruns_nothing_of_the_first(workspace):
    workspace.append("src/egokd/datasets/demos/compositional/script.py", "\nCHANGED = 1\n")
    workspace.edit("workflow/recipes/compositional_demo.yaml", "correlation: ", "correlation: 0.0  # was ")
    assert workspace.planned() == {}


def test_shards_and_seeds_set_the_number_of_jobs(fresh):
    fresh.edit("config.yaml", "shards: 2", "shards: 7")
    fresh.edit("config.yaml", "seeds: [0]", "seeds: [0, 1, 2]")
    jobs = fresh.planned("results/tables/epic.csv")
    assert jobs["extract_flow"] == 7
    assert jobs["train_teacher_flow"] == 3
    assert jobs["generate_demo"] == 1


def test_without_omnivore_and_audio(fresh):
    text = (fresh.path / "config.yaml").read_text()
    text = text.replace("[rgb, flow, audio, obj]", "[rgb, flow, obj]")
    text = text.replace("      flow: *small\n", "").replace("      audio: &small\n", "      flow: &small\n")
    (fresh.path / "config.yaml").write_text(text)
    jobs = fresh.planned("results/tables/epic.csv")
    assert not {name for name in jobs if "audio" in name}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("heldout_share: 0.15", "heldout_share: 1.2", "heldout_share"),
        ("          epochs: 60", "          epoch: 60", "did you mean 'epochs'"),
        ("      heldout:\n        ensemble: heldout", "      heldout:\n        ensemble: heldoud", "'heldout'"),
        ("teachers: [rgb, flow, audio, obj]", "teachers: [rgb, flow, sonar, obj]", "no teacher 'sonar'"),
        ("jpeg_quality: 92", "jpeg_quality: high", "jpeg_quality"),
    ],
)
def test_bad_config_is_one_sentence_and_nothing_runs(fresh, old, new, expected):
    fresh.edit("config.yaml", old, new)
    output = fresh.snakemake("--cores", "1", "results/tables/epic.csv", check=False)
    assert expected in output
    assert "Traceback" not in output
    assert not (fresh.path / "results").exists()


CHECKPOINT = "{path: weights.pth, format: authors, sha256: null}"


def test_published_teacher_takes_the_place_of_training(fresh):
    fresh.edit(
        "config.yaml",
        "      flow: *small\n",
        f"      flow: {{<<: *small, net: video_swin_t, checkpoint: {CHECKPOINT}}}\n",
    )
    (fresh.path / "weights.pth").write_bytes(b"stands in: nothing is read in a dry run")
    jobs = fresh.planned("results/tables/epic.csv")
    assert jobs["import_baseline_flow"] == 1
    assert "train_teacher_flow" not in jobs
    assert {"bank_teacher_flow", "train_teacher_rgb", "train_student_heldout"} <= set(jobs)


def test_missing_checkpoint_stops_before_anything_runs(fresh):
    fresh.edit(
        "config.yaml",
        "      flow: *small\n",
        f"      flow: {{<<: *small, net: video_swin_t, checkpoint: {CHECKPOINT}}}\n",
    )
    output = fresh.snakemake("-n", "results/tables/epic.csv", check=False)
    assert "MissingInputException" in output
    assert "weights.pth" in output


def test_missing_list_of_classes_stops_before_anything_runs(fresh):
    checkpoint = CHECKPOINT.replace("}", ", classes: order.txt}")
    fresh.edit(
        "config.yaml",
        "      flow: *small\n",
        f"      flow: {{<<: *small, net: video_swin_t, checkpoint: {checkpoint}}}\n",
    )
    (fresh.path / "weights.pth").write_bytes(b"stands in: nothing is read in a dry run")
    output = fresh.snakemake("-n", "-p", "results/tables/epic.csv", check=False)
    assert "MissingInputException" in output and "order.txt" in output
    (fresh.path / "order.txt").write_text("stands in")
    assert "--classes order.txt" in fresh.snakemake("-n", "-p", "results/tables/epic.csv")


def test_a_backbone_has_no_list_of_classes(fresh):
    init = CHECKPOINT.replace("}", ", classes: order.txt}")
    fresh.edit("config.yaml", "      flow: *small\n", f"      flow: {{<<: *small, net: video_swin_t, init: {init}}}\n")
    output = fresh.snakemake("-n", "results/tables/epic.csv", check=False)
    assert "init.classes: a training starts from the backbone alone" in output and "Traceback" not in output


def test_training_can_start_from_a_published_backbone(fresh):
    fresh.edit(
        "config.yaml", "      flow: *small\n", f"      flow: {{<<: *small, net: video_swin_t, init: {CHECKPOINT}}}\n"
    )
    (fresh.path / "weights.pth").write_bytes(b"stands in: nothing is read in a dry run")
    jobs = fresh.planned("results/tables/epic.csv")
    assert jobs["import_init_baseline_flow"] == 1
    assert jobs["train_teacher_flow"] == 1


def test_recipe_given_with_configfile_replaces_the_demo(fresh):
    text = (fresh.path / "config.yaml").read_text().replace("\n  epic:\n", "\n  kitchen:\n")
    (fresh.path / "other.yaml").write_text(text)
    jobs = fresh.planned("results/tables/kitchen.csv", "--configfile", "other.yaml")
    assert jobs["tabulate"] == 1
    refused = fresh.snakemake("-n", "results/tables/epic.csv", "--configfile", "other.yaml", check=False)
    assert "MissingRuleException" in refused


def test_snakemake_lint():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
