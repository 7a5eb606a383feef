"""What jobs ask for: it follows from the sizes in the config."""

import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.media.frame_store import KEPT_BYTES
from egokd.planning import models
from egokd.planning.recipes import resolve
from egokd.planning.resources import KEPT_MB, PROCESS_MB, need
from paths import REPOSITORY


def experiment(**compute):
    values = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    values = resolve(values, REPOSITORY / "workflow" / "recipes")
    entry = values["datasets"]["epic"]
    entry["compute"] |= compute
    return values, entry


def made(values):
    return validate(Config, values, "config").datasets["epic"]


def test_every_step_of_the_demo_fits_a_laptop():
    demo = made(experiment()[0])
    for step in (
        "generate_demo",
        "index_segments",
        "extract_frames",
        "extract_flow",
        "extract_audio",
        "extract_objects",
    ):
        assert need(step, demo).runtime <= 120
    for model in models.nets(demo):
        job = need("train", demo, model)
        assert demo.compute.mem_mb <= job.mem_mb <= 4000 and job.runtime == demo.compute.runtime_min
        assert job.threads == demo.compute.threads


def test_compositional_demo_is_smaller_still():
    values, _ = experiment()
    demo = validate(Config, values, "config").datasets["compositional"]
    for step in ("generate_compositional", "extract_frames", "extract_flow", "extract_objects"):
        assert need(step, demo).runtime <= 30
    assert need("extract_frames", demo).mem_mb == 3000  # no long videos that decord could read ahead in


def test_memory_of_decoded_frames():
    values, _ = experiment(gpus=0, mem_mb=1)
    alone = need("train", made(values), "omnivore").mem_mb
    values, _ = experiment(gpus=0, mem_mb=1, threads=2)  # one of them loads: no process keeps frames
    assert KEPT_MB * 2**20 == KEPT_BYTES and alone > 2 * KEPT_MB > 0
    assert alone - need("train", made(values), "omnivore").mem_mb == pytest.approx(
        2 * KEPT_MB - PROCESS_MB // 2, abs=20
    )


def test_gpus_of_a_model_go_before_those_of_all():
    values, entry = experiment(gpus=1, threads=8)
    entry["students"]["heldout"]["gpus"] = 4
    big = made(values)
    student, teacher = need("train", big, "student_heldout"), need("train", big, "baseline_flow")
    assert (student.gpus, student.threads, teacher.gpus, teacher.threads) == (4, 32, 1, 8)
    assert student.mem_mb >= 4 * big.compute.mem_mb
    assert need("predict", big, "student_heldout").gpus == 1  # one process each: no segment twice, none left out


def test_gpus_none_at_all():
    values, _ = experiment(gpus=0)
    assert need("train", made(values), "omnivore").gpus == 0


def test_larger_batches_and_inputs_take_more_memory():
    values, entry = experiment(gpus=1, threads=16, mem_mb=1000)
    small = need("train", made(values), "baseline_rgb").mem_mb
    entry["inputs"]["size"], entry["views"]["num_frames"] = 224, 32
    assert need("train", made(values), "baseline_rgb").mem_mb > 1.5 * small


def test_more_shards_and_parts_make_shorter_jobs():
    values, entry = experiment()
    entry["data"] |= {"demo": None, "root": "/data", "shards": 16, "video_hours": 100}
    few = need("extract_frames", made(values)).runtime
    entry["data"]["shards"] = 256
    many = need("extract_frames", made(values)).runtime
    assert 10 < many < few / 8
    whole = need("bank", made(values), "baseline_rgb").runtime
    entry["bank"]["parts"] = 4
    assert need("bank", made(values), "baseline_rgb").runtime < whole


def test_a_bank_of_a_patient_student_gets_time_for_its_longest_block():
    values, entry = experiment()
    entry["bank"]["block"], entry["students"]["heldout"]["train"] = (
        20,
        {**entry["teachers"]["rgb"]["train"], "epochs": 10},
    )
    short = need("bank", made(values), "baseline_rgb").runtime
    entry["students"]["heldout"]["train"]["epochs"] = 80
    assert need("bank", made(values), "baseline_rgb").runtime > short


def test_an_unknown_step_is_a_mistake_of_the_rule():
    with pytest.raises(KeyError):
        need("no_such_step", made(experiment()[0]))
