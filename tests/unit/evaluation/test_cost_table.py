"""Cost of models from the raw video on, and hours from benchmark files, against numbers worked out by hand."""

import math

import pandas as pd
import pytest

from egokd.evaluation.benchmarks import by_stage, read_benchmarks, training_hours
from egokd.evaluation.cost_figure import cost
from egokd.evaluation.cost_table import as_markdown, build_cost_table
from egokd.evaluation.pipeline import sample_rows

ROWS = [
    {"model": "baseline_rgb", "input": "rgb", "taught_by": "", "members": []},
    {"model": "baseline_flow", "input": "flow", "taught_by": "", "members": []},
    {"model": "baseline_imu", "input": "imu", "taught_by": "", "members": []},
    {"model": "ensemble_all", "input": "rgb+flow", "taught_by": "", "members": ["baseline_rgb", "baseline_flow"]},
    {"model": "student_all", "input": "rgb", "taught_by": "ensemble_all", "members": []},
]
NETS = ("baseline_rgb", "baseline_flow", "baseline_imu", "student_all")
SIZES = {net: {"params_m": 1.5, "gflops_per_view": 2.0, "clips_per_s": 9.0} for net in NETS}
PIPELINE = {
    "device": "CPU, 1 thread(s)",
    "batch": 32,
    "segments": 24,
    "reading_ms": {"rgb": 10.0, "flow": 30.0},
    "preparing_ms": {"rgb": 2.0, "flow": 3.0},
    "nets": {net: {"latency_ms": 5.0, "clips_per_s_batched": 250.0, "peak_memory_mb": 100.0} for net in NETS},
}
HOURS = {row["model"]: {"training_hours": 1.0, "chain_hours": 2.0, "chain_cpu_hours": 3.0} for row in ROWS}
METRICS = [
    {"dataset": "epic", "source": "demo", "model": row["model"], "seed": seed, "clips": 2, "crops": 1}
    | {"subsets": {"all": {"action_top1": 50.0 + seed, "segments": 9}}}
    for row in ROWS
    for seed in (0, 1)
]


def test_an_ensemble_reads_every_modality_once_and_runs_every_teacher():
    table = build_cost_table(METRICS, ROWS, SIZES, PIPELINE, HOURS).set_index("model")
    rgb, flow, both = table.loc["baseline_rgb"], table.loc["baseline_flow"], table.loc["ensemble_all"]
    # two views: each prepared (2 ms) and run (4 ms); reading 10 ms
    assert rgb["total_ms_per_segment"] == pytest.approx(10 + 2 * (2 + 4))
    assert flow["reading_ms_per_segment"] == pytest.approx(10 + 30)  # flow is computed from the frames
    assert both["total_ms_per_segment"] == pytest.approx(40 + 2 * (2 + 3 + 4 + 4))
    assert both["times_student"] == pytest.approx(66 / 22)
    assert (both["parameters_m"], both["giga_multiply_adds_per_segment"]) == (3.0, 8.0)
    assert both["clips_per_s_batched"] == pytest.approx(125) and both["latency_ms_per_clip"] == pytest.approx(10)
    assert both["peak_memory_mb"] == 100  # one net after the other


def test_what_was_not_measured_is_missing():
    table = build_cost_table(METRICS, ROWS, SIZES, PIPELINE, HOURS).set_index("model")
    assert math.isnan(table.loc["baseline_imu", "total_ms_per_segment"])
    assert table.loc["baseline_imu", "net_ms_per_segment"] == pytest.approx(8)
    text = as_markdown(table.reset_index(), by_stage(read_benchmarks_of({})))
    assert "nan" not in text and "| student_all |" in text and "multiply-adds per segment, 10⁹" in text


def test_the_figure_leaves_out_what_was_not_measured():
    table = build_cost_table(METRICS, ROWS, SIZES, PIPELINE, HOURS)
    axes = cost(table, ["baseline_rgb", "baseline_imu", "student_all"]).axes
    assert [label.get_text() for label in axes[1].get_yticklabels()] == ["RGB baseline", "student (all)"]
    assert axes[0].get_xlabel().endswith("ms") and axes[1].get_xlabel().endswith("ms")


def read_benchmarks_of(files, folder=None):
    if folder is None:
        return pd.DataFrame(columns=["rule", "rest", "hours", "cpu_hours", "peak_memory_mb"])
    for name, (seconds, cpu) in files.items():
        path = folder / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t0:00:01\t500.5\t{cpu}\n")
    return read_benchmarks(folder, "epic")


def test_hours_of_the_whole_chain(tmp_path):
    jobs = read_benchmarks_of(
        {
            "train_teacher_rgb/epic/seed0": (3600, 7200),
            "train_teacher_rgb/epic/seed1": (3600, 7200),
            "train_teacher_rgb/other/seed0": (99, 99),
            "train_teacher_flow/epic/seed0": (1800, 1800),
            "train_teacher_flow/epic/seed1": (1800, 1800),
            "bank_teacher_rgb/epic/seed0/0-59.0-of-1": (360, 360),
            "bank_teacher_flow/epic/seed1/0-59.0-of-1": (360, 360),
            "predict_heldout/epic/baseline_rgb/seed0/heldout-1x1": (720, 720),
            "predict_heldout/epic/baseline_flow/seed0/heldout-1x1": (720, 720),
            "train_student_all/epic/seed0": (7200, 7200),
            "train_student_all/epic/seed1": (7200, 7200),
            "tabulate/epic": (36, "-"),
        },
        tmp_path,
    )
    hours = training_hours(jobs, ROWS, seeds=2)
    assert hours["baseline_rgb"] == pytest.approx({"training_hours": 1, "chain_hours": 1, "chain_cpu_hours": 2})
    # teachers 1.5, held-out predictions 0.4 in two seeds
    assert hours["ensemble_all"]["chain_hours"] == pytest.approx(1.5 + 0.2)
    assert hours["student_all"]["chain_hours"] == pytest.approx(1.5 + 0.2 + 0.1 + 2)
    assert math.isnan(hours["baseline_imu"]["chain_hours"])  # no benchmark file
    stages = by_stage(jobs)
    assert stages.loc["train_teacher_rgb", "jobs"] == 2 and stages.loc["train_teacher_rgb", "hours"] == pytest.approx(2)
    assert stages.index[0] == "train_student_all" and math.isnan(stages.loc["tabulate", "cpu_hours"])


def test_whole_videos_are_sampled():
    rows = pd.DataFrame({"video_id": ["b", "a", "a", "c", "b", "b"], "segment_id": list("uvwxyz")})
    assert set(sample_rows(rows, 3)["video_id"]) == {"a", "b"}
    assert len(sample_rows(rows, 100)) == 6
