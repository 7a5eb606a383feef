"""What is run again after which change: each proven by a dry run on a finished workspace."""

import ast
import os
import re
from pathlib import Path

from egokd.media.skipped import Skip, write_skipped

OTHER_TEACHERS = {"train_teacher_rgb", "train_teacher_audio", "train_teacher_obj"}
EXTRACTION = {"generate_demo", "index_segments", "extract_frames", "extract_flow", "extract_audio", "extract_objects"}
CHANGED = "\nCHANGED = 1\n"


def trained(jobs: dict[str, int]) -> set[str]:
    """Trainings and banks among the planned jobs."""
    return {name for name in jobs if name.startswith(("train_", "bank_"))}


def test_second_call_does_nothing(workspace):
    assert workspace.planned() == {}


# --- what means nothing ---


def test_comments_docstrings_and_descriptions_rerun_nothing(workspace):
    for file, old, new in (
        ("config/evaluation.py", "Pretraining; 2: public images", "Pre-training; 2: public images"),
        ("runtime.py", "Iterate with a progress bar", "Iterate and show a progress bar"),
        ("errors.py", "class UserError", "# a comment\nclass UserError"),
        ("io.py", "import json\n", "import json  # a comment\n"),
        ("media/frame_writer.py", "Start a video; each comes once.", "Begin a video; each comes once."),
        ("sampling/modalities/audio.py", "log-mel windows in dB", "log-mel windows, in dB"),
        ("machine/gpus.py", "# CUDA itself", "# By the way, CUDA itself"),
        ("datasets/demos/kitchen/sound.py", "import numpy", "# a comment\nimport numpy"),
    ):
        workspace.edit(f"src/egokd/{file}", old, new)
    assert workspace.planned() == {}


def test_reformatting_every_module_reruns_nothing(workspace):
    for path in (workspace.path / "src/egokd").rglob("*.py"):
        path.write_text(
            "# all of the package, without comments and laid out anew\n" + ast.unparse(ast.parse(path.read_text()))
        )
    assert workspace.planned() == {}
    assert workspace.planned("results/tables/compositional.csv").keys() & {"generate_compositional"}


def test_touched_source_reruns_nothing(workspace):
    (workspace.path / "src/egokd/training/loop.py").touch()
    assert workspace.planned() == {}


def test_a_new_row_in_a_table_reruns_nothing(workspace):
    workspace.append("src/egokd/models/nets.py", '\nNETS["another"] = NETS["small"]\n')
    assert workspace.planned() == {}


def test_how_work_is_cut_reruns_nothing(workspace):
    for old, new in (
        ("compile: false", "compile: true"),
        ("views_per_segment: null\n      parts: 1", "views_per_segment: null\n      parts: 4"),
        ("      ece_bins: 15\n      parts: 1", "      ece_bins: 15\n      parts: 3"),
        ("threads: 1\n      mem_mb: 2500", "threads: 3\n      mem_mb: 9000"),
    ):
        workspace.edit("config.yaml", old, new)
    assert workspace.planned() == {}


# --- what means something ---


def test_one_modality_is_run_again_with_its_dependents_only(workspace):
    jobs = workspace.planned("results/tables/epic.csv", "-R", "train_teacher_flow")
    assert jobs["train_teacher_flow"] == 1
    assert {"bank_teacher_flow", "fit_ensemble", "train_student_heldout", "tabulate"} <= set(jobs)
    assert not OTHER_TEACHERS & set(jobs)
    assert not EXTRACTION & set(jobs)
    assert "train_omnivore" not in jobs
    assert not {"bank_teacher_rgb", "bank_teacher_audio", "bank_teacher_obj"} & set(jobs)


def test_hyper_parameter_of_one_teacher_reruns_its_branch_only(workspace):
    workspace.edit("config.yaml", "      flow: *small\n", "      flow: {<<: *small, options: {width: 8}}\n")
    jobs = workspace.planned()
    assert "train_teacher_flow" in jobs
    assert "train_student_heldout" in jobs
    assert not (OTHER_TEACHERS | EXTRACTION | {"train_omnivore"}) & set(jobs)


def test_audio_setting_leaves_other_modalities_alone(workspace):
    workspace.edit("config.yaml", "time_mask: 4", "time_mask: 5")
    jobs = workspace.planned()
    assert {"train_teacher_audio", "train_omnivore"} <= set(jobs)
    assert not {"train_teacher_rgb", "train_teacher_flow", "train_teacher_obj"} & set(jobs)
    assert not EXTRACTION & set(jobs)


def test_plot_code_reruns_the_plot_only(workspace):
    workspace.append("src/egokd/steps/plot_training.py", CHANGED)
    assert workspace.planned() == {"plot_training": 1}


def test_drawing_code_reruns_plots_only(workspace):
    workspace.append("src/egokd/evaluation/figures.py", CHANGED)
    assert set(workspace.planned()) == {"plot_accuracy", "plot_reliability", "plot_ensemble_weights", "plot_training"}


def test_loop_code_reruns_trainings_and_extracts_nothing(workspace):
    workspace.append("src/egokd/training/loop.py", CHANGED)
    jobs = workspace.planned()
    assert OTHER_TEACHERS | {"train_teacher_flow", "train_omnivore", "train_student_heldout"} <= set(jobs)
    assert not EXTRACTION & set(jobs)


def test_temperature_retrains_the_student_only(workspace):
    workspace.edit("config.yaml", "tau: 2.0", "tau: 5.0")
    assert trained(workspace.planned()) == {"train_student_heldout"}


def test_weighting_scheme_leaves_teachers_and_banks_alone(workspace):
    workspace.edit("config.yaml", "        noisy_labels: true\n", "")
    jobs = workspace.planned()
    assert jobs["fit_ensemble"] == 1
    assert trained(jobs) == {"train_student_heldout"}


def test_heldout_share_retrains_but_does_not_extract(workspace):
    workspace.edit("config.yaml", "heldout_share: 0.15", "heldout_share: 0.2")
    jobs = workspace.planned()
    assert "train_teacher_rgb" in jobs
    assert not EXTRACTION & set(jobs)


def test_heldout_unit_retrains_but_does_not_extract(workspace):
    workspace.edit("config.yaml", "heldout_share: 0.15", "heldout_share: 0.15\n      heldout_unit: video")
    jobs = workspace.planned()
    assert {"assign_folds", "train_teacher_rgb"} <= set(jobs)
    assert not EXTRACTION & set(jobs)


def test_another_net_changed_retrains_nothing(workspace):
    workspace.append("src/egokd/models/video_swin.py", CHANGED)
    assert workspace.planned() == {}


def test_own_net_changed_retrains_its_users(workspace):
    workspace.append("src/egokd/models/small_boxes.py", CHANGED)
    jobs = workspace.planned()
    assert "train_teacher_obj" in jobs
    assert not {"train_teacher_rgb", "train_teacher_flow", "train_teacher_audio", "train_omnivore"} & set(jobs)


def test_code_of_sound_reruns_the_sound_teacher_and_the_omnivore_only(workspace):
    workspace.append("src/egokd/sampling/modalities/audio.py", CHANGED)
    assert {name for name in trained(workspace.planned()) if "teacher" in name or "omnivore" in name} == {
        "train_teacher_audio",
        "bank_teacher_audio",
        "train_omnivore",
    }


def test_new_seed_leaves_finished_seeds_alone(workspace):
    workspace.edit("config.yaml", "seeds: [0]", "seeds: [0, 1]")
    jobs = workspace.planned()
    assert jobs["train_teacher_rgb"] == 1
    assert jobs["train_student_heldout"] == 1
    assert not EXTRACTION & set(jobs)


def test_another_view_setting_predicts_validation_only(workspace):
    workspace.edit("config.yaml", "views: [[1, 1]]", "views: [[1, 1], [2, 3]]")
    jobs = workspace.planned()
    assert jobs == {"predict": 6, "combine_ensemble": 3, "evaluate": 9, "tabulate": 1}


def test_a_setting_that_is_a_part_of_another_is_not_predicted_again(workspace):
    workspace.edit("config.yaml", "views: [[1, 1]]", "views: [[2, 1], [6, 1], [6, 3]]")
    jobs = workspace.planned("results/tables/epic_views.csv")
    assert jobs == {"predict": 6, "combine_ensemble": 3, "evaluate": 27, "tabulate_views": 1}
    output = workspace.snakemake("-n", "-p", "--cores", "2", "results/metrics/epic/omnivore/seed0/2x1.json")
    assert "val-6x3.safetensors" in output and "--views 2x1" in output


def test_further_tables_predict_only_what_the_default_run_has_not(workspace):
    tables = [f"results/tables/epic_{name}.csv" for name in ("views", "gains", "cost", "calibration")]
    assert workspace.planned(*tables) == {
        "tabulate_views": 1,
        "compare_models": 1,
        "measure_pipeline": 1,
        "tabulate_cost": 1,
        # held-out predictions of the two nets that teach nobody; an ensemble's are combined
        "predict_heldout": 2,
        "combine_ensemble": 3,
        "calibrate": 9,
        "tabulate_calibration": 1,
    }


def test_the_page_comes_with_the_default_run_and_shows_the_analyses_of_the_config(workspace):
    assert workspace.planned("results/report/epic.html") == {"compare_models": 1, "write_page": 1}
    workspace.edit("config.yaml", "analyses: [gains]", "analyses: [cost]")
    workspace.edit("config.yaml", "views: [[1, 1]]", "views: [[1, 1], [3, 1]]")
    jobs = workspace.planned("results/report/epic.html")
    assert {"tabulate_views", "tabulate_cost", "write_page"} <= set(jobs) and "compare_models" not in jobs
    output = workspace.snakemake("-n", "-p", "--cores", "1", "all")
    assert (
        "--analyses views cost --figures results/figures/epic/accuracy.svg" in output
        and "report/compositional.html" in output
    )


def test_a_longer_student_adds_its_blocks_of_views_and_leaves_the_finished_one_alone(workspace):
    student = (
        "      patient: {ensemble: heldout, net: small, options: {}, tau: 2.0, kd_weight: 1.0, ce_weight: 0.0,"
        " train: {<<: *schedule, epochs: 120}}\n"
    )
    workspace.edit("config.yaml", "    students:\n", "    students:\n" + student)
    jobs = workspace.planned()
    assert {name: count for name, count in jobs.items() if name in trained(jobs)} == {
        **{f"bank_teacher_{teacher}": 1 for teacher in ("rgb", "flow", "audio", "obj")},
        "train_student_patient": 1,
    }
    assert "fit_ensemble" not in jobs and "predict_heldout" not in jobs


def test_the_number_of_repeated_trainings_is_said_before_anything_is_deleted(workspace):
    workspace.edit("config.yaml", "tau: 2.0", "tau: 5.0")
    output = workspace.snakemake("--cores", "2", "results/tables/epic.csv")
    sentence = "This run repeats 1 finished training(s) (train_student_heldout)"
    assert sentence in output
    assert output.index(sentence) < output.index("Distilling the student")
    assert "This run repeats" not in workspace.snakemake("--cores", "2", "results/tables/epic.csv")


def test_finished_work_is_kept_by_touch(workspace):
    workspace.append("src/egokd/training/loop.py", CHANGED)
    assert "train_teacher_rgb" in workspace.planned()
    workspace.snakemake("--touch", "--cores", "1", "results/tables/epic.csv")
    assert workspace.planned() == {}


def skip(path: Path, rows: list[Skip]) -> None:
    """Write a table of skipped segments as if it had been written when the file was."""
    written = path.stat()
    write_skipped(path, rows)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))


def test_reread_makes_exactly_the_shards_with_gaps_anew(workspace):
    data = workspace.path / "results/data/epic"
    for path in data.glob("*/*.skipped.csv"):
        skip(path, [])
    assert "since nothing was skipped" in workspace.snakemake("--cores", "1", "reread_epic", real=True)
    skip(data / "rgb/1.skipped.csv", [Skip("P01_01", "", "extract_frames", "cut off")])
    skip(data / "obj/0.skipped.csv", [Skip("P01_02", "", "extract_objects", "no such file")])
    assert workspace.planned() == {}
    assert "reads 2 of" in workspace.snakemake("--cores", "1", "reread_epic", real=True)
    jobs = workspace.planned()
    # flow is computed from the frames of its shard; sound and all other shards stay
    extracted = {name: count for name, count in jobs.items() if name in EXTRACTION}
    assert extracted == {"extract_frames": 1, "extract_flow": 1, "extract_objects": 1}
    assert jobs["collect_skipped"] == 1 and {"train_teacher_rgb", "train_teacher_obj"} <= set(jobs)
    output = workspace.snakemake("-n", "--cores", "2", "results/tables/epic.csv")
    shards = set(re.findall(r"(Extracting|Preparing|Reading) ([\w ]+) of epic, shard (\d+)", output))
    assert shards == {
        ("Extracting", "frames", "1"),
        ("Preparing", "optical flow", "1"),
        ("Reading", "hand and object boxes", "0"),
    }
    workspace.snakemake("--cores", "2", "results/tables/epic.csv")
    assert workspace.planned() == {}
