"""What is run again after which change: each proven by a dry run on a finished workspace."""

RGB_ONLY = {"train_teacher_rgb", "bank_teacher_rgb", "train_omnivore"}
OTHER_TEACHERS = {"train_teacher_rgb", "train_teacher_audio", "train_teacher_obj"}
EXTRACTION = {"generate_demo", "index_segments", "extract_frames", "extract_flow", "extract_audio", "extract_objects"}


def test_second_call_does_nothing(workspace):
    assert workspace.planned() == {}


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
    workspace.append("src/egokd/steps/plot_training.py", "\n# changed\n")
    assert workspace.planned() == {"plot_training": 1}


def test_drawing_code_reruns_plots_only(workspace):
    workspace.append("src/egokd/evaluation/figures.py", "\n# changed\n")
    assert set(workspace.planned()) == {
        "plot_accuracy",
        "plot_reliability",
        "plot_ensemble_weights",
        "plot_training",
    }


def test_temperature_retrains_the_student_only(workspace):
    workspace.edit("config.yaml", "tau: 2.0", "tau: 5.0")
    jobs = workspace.planned()
    assert {name for name in jobs if name.startswith(("train", "bank"))} == {"train_student_heldout"}


def test_weighting_scheme_leaves_teachers_and_banks_alone(workspace):
    workspace.edit("config.yaml", "        noisy_labels: true\n", "")
    jobs = workspace.planned()
    assert jobs["fit_ensemble"] == 1
    assert {name for name in jobs if name.startswith(("train", "bank"))} == {"train_student_heldout"}


def test_heldout_share_retrains_but_does_not_extract(workspace):
    workspace.edit("config.yaml", "heldout_share: 0.15", "heldout_share: 0.2")
    jobs = workspace.planned()
    assert "train_teacher_rgb" in jobs
    assert not EXTRACTION & set(jobs)


def test_another_net_changed_retrains_nothing(workspace):
    workspace.append("src/egokd/models/video_swin.py", "\n# changed\n")
    assert workspace.planned() == {}


def test_own_net_changed_retrains_its_users(workspace):
    workspace.append("src/egokd/models/small_boxes.py", "\n# changed\n")
    jobs = workspace.planned()
    assert "train_teacher_obj" in jobs
    assert not {"train_teacher_rgb", "train_teacher_flow", "train_teacher_audio", "train_omnivore"} & set(jobs)


def test_touched_source_reruns_nothing(workspace):
    (workspace.path / "src/egokd/training/loop.py").touch()
    assert workspace.planned() == {}


def test_new_seed_leaves_finished_seeds_alone(workspace):
    workspace.edit("config.yaml", "seeds: [0]", "seeds: [0, 1]")
    jobs = workspace.planned()
    assert jobs["train_teacher_rgb"] == 1
    assert jobs["train_student_heldout"] == 1
    assert not EXTRACTION & set(jobs)
