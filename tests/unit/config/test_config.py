"""The config is closed and typed, and its errors say what to do; schema, model and config.yaml agree."""

import copy
import json

import pytest
import yaml

from egokd.config.data import RESERVED_HEADS, FolderSettings
from egokd.config.demo_kitchen import DemoSettings
from egokd.config.experiment import Config, schema_text
from egokd.config.validation import parse_settings, validate
from egokd.datasets.segments import FIXED_COLUMNS
from egokd.errors import UserError
from egokd.planning.reading import read_config
from egokd.planning.recipes import resolve
from paths import REPOSITORY

ROOT = REPOSITORY


@pytest.fixture
def values() -> dict:
    return resolve(yaml.safe_load((ROOT / "config.yaml").read_text()), ROOT / "workflow" / "recipes")


def changed(values: dict, path: str, value: object) -> dict:
    """A copy with the value at the dotted `path` replaced, added, or removed where `value` is ...."""
    copied = copy.deepcopy(values)
    *parents, key = path.split(".")
    place = copied
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return copied


def test_config_yaml_is_valid_and_complete(values):
    config = validate(Config, values, "config.yaml")
    for name in ("epic", "compositional"):
        assert config.datasets[name].source == "demo"
        # nothing is filled in: writing the model out gives the same keys as the file
        assert json.loads(config.model_dump_json())["datasets"][name].keys() == values["datasets"][name].keys()


def test_schema_file_is_generated_from_the_model():
    stored = (ROOT / "workflow/schemas/config.schema.json").read_text()
    assert stored == schema_text(), "run `python tools/write_schema.py`"


def test_every_key_is_described():
    definitions = json.loads(schema_text())["$defs"]
    bare = [
        f"{section}.{key}"
        for section, definition in definitions.items()
        for key, entry in definition.get("properties", {}).items()
        if "description" not in entry and "$ref" not in entry
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("datasets.epic.students.heldout.train.epoch", 3, ["students.heldout.train.epoch", "did you mean 'epochs'"]),
        ("datasets.epic.students.heldout.taw", 3, ["students.heldout.taw", "did you mean 'tau'"]),
        ("datasets.epic.data.heldout_share", 1.2, ["data.heldout_share", "0.5", "1.2"]),
        ("datasets.epic.views.num_frames", "eight", ["views.num_frames", "integer", "'eight'"]),
        ("datasets.epic.views.scale", [0.9, 0.5], ["views", "low <= high"]),
        ("datasets.epic.ensembles.uniform.teachers", ["rgb", "sonar"], ["uniform.teachers", "'sonar'"]),
        ("datasets.epic.students.heldout.input", "flwo", ["students.heldout.input", "'flow'"]),
        ("datasets.epic.students.heldout.ensemble", "held_out", ["students.heldout", "did you mean 'heldout'"]),
        ("datasets.epic.students.heldout.ensemble", ..., ["students.heldout.ensemble", "missing"]),
        ("datasets.epic.students.heldout.kd_weight", 0, ["kd_weight must be above 0"]),
        ("datasets.epic.ensembles.uniform.noisy_labels", True, ["ensembles.uniform", "needs `calibrate: true`"]),
        ("datasets.epic.data.root", "/somewhere", ["either `root`"]),
        ("datasets.epic.data.demo", None, ["either `root`"]),
        ("datasets.compositional.data.root", "/somewhere", ["either `root`"]),
        ("datasets.compositional.data.format", "epic100", ["compositional_demo", "something_else, not epic100"]),
        (
            "datasets.compositional.data.compositional_demo.corelation",
            0.5,
            ["data.compositional_demo.corelation", "did you mean 'correlation'"],
        ),
        ("datasets.compositional.data.compositional_demo.correlation", 1.5, ["correlation", "1.5"]),
        ("datasets.epic.evaluation.views", [[1, 2]], ["evaluation.views", "1 or 3"]),
        ("datasets.epic.evaluation.views", [[1, 1], [1, 1]], ["views", "names a setting twice"]),
        ("datasets.epic.teachers.rgb.train.lr", float("inf"), ["teachers.rgb.train.lr", "finite"]),
        ("seeds", [1, 1], ["names a seed twice"]),
        ("seeds", [], ["seeds"]),
        ("sedes", [1], ["sedes", "did you mean 'seeds'"]),
    ],
)
def test_bad_value_is_one_clear_sentence(values, path, value, words):
    with pytest.raises(UserError) as caught:
        validate(Config, changed(values, path, value), "config.yaml")
    message = str(caught.value)
    assert message.startswith("config.yaml: ")
    for word in words:
        assert word in message
    assert "\n" not in message


def test_ensemble_without_its_teacher_names_the_valid_ones(values):
    without = changed(values, "datasets.epic.teachers.audio", ...)
    with pytest.raises(UserError, match=r"uniform.teachers: no teacher 'audio'; there are: flow, obj, rgb"):
        validate(Config, without, "config.yaml")


def test_a_student_starts_from_a_teacher_of_the_same_net_only(values):
    experiment = values["datasets"]["epic"]
    experiment["students"]["heldout"]["start"] = "rgb"
    assert read_config(values, ROOT)[0].datasets["epic"].students["heldout"].start == "rgb"
    for change, words in (
        ({"start": "rbg"}, "students.heldout.start: no teacher 'rbg'; did you mean 'rgb'?"),
        ({"start": "flow"}, "its input is 'flow' and the student's 'rgb'"),
        ({"options": {"width": 8}}, "its options is {} and the student's {'width': 8}"),
        ({"net": "video_swin_t"}, "its net is 'small' and the student's 'video_swin_t'"),
    ):
        changed = copy.deepcopy(values)
        changed["datasets"]["epic"]["students"]["heldout"] |= change
        with pytest.raises(UserError) as error:
            read_config(changed, ROOT)
        assert words in str(error.value)


def test_a_teacher_has_a_name_and_a_modality(values):
    rgb = values["datasets"]["epic"]["teachers"]["rgb"]
    named = changed(values, "datasets.epic.teachers.second_rgb", {**rgb, "modality": "rgb", "seed_offset": 1000})
    experiment = validate(Config, named, "config.yaml").datasets["epic"]
    assert experiment.modality_of("second_rgb") == "rgb" and experiment.modality_of("flow") == "flow"
    assert experiment.modalities == ["rgb", "flow", "audio", "obj"]
    with pytest.raises(UserError, match=r"teachers.rbg.modality: this key is missing.*did you mean 'rgb'"):
        validate(Config, changed(values, "datasets.epic.teachers.rbg", rgb), "config.yaml")


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        (["fold"], "'fold' is a column of the segment table"),
        (["action", "tool"], "'action' is the joint class"),
        (["tool", "tool"], "named twice"),
    ],
)
def test_heads_of_own_videos_may_not_hide_other_columns(heads, words):
    own = {"annotations": "a.csv", "heads": heads, "val_share": 0.2, "split_seed": 0}
    with pytest.raises(UserError, match=words):
        parse_settings(FolderSettings, json.dumps(own))
    assert parse_settings(FolderSettings, json.dumps({**own, "heads": ["gesture"]})).heads == ["gesture"]


def test_every_column_of_the_segment_table_is_a_reserved_name():
    assert {*FIXED_COLUMNS, "fold", "shard"} <= set(RESERVED_HEADS)


def test_step_settings_are_checked_the_same_way(values):
    demo = values["datasets"]["epic"]["data"]["demo"]
    assert parse_settings(DemoSettings, json.dumps(demo)).seed == demo["seed"]
    with pytest.raises(UserError, match="sede: unknown key; did you mean 'seed'"):
        parse_settings(DemoSettings, json.dumps({**demo, "sede": 1}))
