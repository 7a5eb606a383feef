"""Inputs have a section per modality, asked for where a teacher sees it; names of modalities are those of the table."""

import json

import pytest
import yaml

from egokd.config.experiment import Config, schema_text
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.modalities import MODALITIES
from egokd.planning import slices
from egokd.planning.recipes import resolve
from paths import REPOSITORY


@pytest.fixture
def values() -> dict:
    config = yaml.safe_load((REPOSITORY / "workflow/configs/smoke.yaml").read_text())
    return resolve(config, REPOSITORY / "workflow" / "recipes")


def refused(values: dict, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        validate(Config, values, "config")
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_missing_section_is_named_where_a_teacher_needs_it(values):
    experiment = values["datasets"]["smoke"]
    del experiment["inputs"]["audio"]
    refused(values, "inputs.audio: this key is missing, and a teacher sees audio")
    del experiment["teachers"]["audio"]
    experiment["omnivore"]["modalities"].remove("audio")
    for ensemble in experiment["ensembles"].values():
        ensemble["teachers"].remove("audio")
    validate(Config, values, "config")


def test_a_misspelt_setting_and_modality_name_the_nearest(values):
    experiment = values["datasets"]["smoke"]
    experiment["inputs"]["obj"]["max_box"] = 3
    refused(values, "inputs.obj.max_box", "did you mean 'max_boxes'")
    del experiment["inputs"]["obj"]["max_box"]
    experiment["students"]["heldout"]["input"] = "flo"
    refused(values, "students.heldout.input", "'flo'", "did you mean 'flow'")


def test_every_gpu_needs_a_segment_of_each_batch(values):
    experiment = values["datasets"]["smoke"]
    experiment["teachers"]["rgb"]["gpus"] = 17
    refused(values, "teachers.rgb.train.batch_size: 16 segments are too few for 17 GPUs")


def test_a_slice_holds_the_sections_of_what_is_read(values):
    experiment = validate(Config, values, "config").datasets["smoke"]
    of_flow = json.loads(slices.train_settings(experiment, "baseline_flow"))
    assert of_flow["inputs"] == {"flow": {"scale": 3.0}} and of_flow["size"] == 32
    assert json.loads(slices.view_settings(experiment, "student_heldout"))["inputs"] == {"rgb": {}}
    of_all = json.loads(slices.train_settings(experiment, "omnivore"))["inputs"]
    assert of_all.keys() == set(MODALITIES) and of_all["obj"] == {"max_boxes": 4}


def test_the_schema_lists_the_modalities_of_the_table():
    definitions = json.loads(schema_text())["$defs"]
    assert definitions["StudentSettings"]["properties"]["input"]["enum"] == list(MODALITIES)
    assert definitions["InputSettings"]["properties"].keys() == {"size", "flow", "audio", "obj"}
