"""A config that nothing could come of is refused when it is read, in one sentence, before Snakemake plans a job."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from egokd.config.experiment import Config
from egokd.errors import UserError
from egokd.planning.reading import count_values, read_config
from paths import REPOSITORY

CONFIG = yaml.safe_load((REPOSITORY / "workflow/configs/smoke.yaml").read_text())
CONFIGS = [REPOSITORY / "config.yaml", *sorted((REPOSITORY / "workflow/configs").glob("*.yaml"))]


def changed(place: str, value: object) -> dict:
    config = deepcopy(CONFIG)
    *parents, key = place.split(".")
    inner = config["datasets"]["smoke"]
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[key] = value
    return config


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_project_is_read(path):
    config, renamed = read_config(yaml.safe_load(path.read_text()), REPOSITORY)
    assert isinstance(config, Config) and renamed == []


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (
            "teachers.rgb.options",
            {"widht": 4},
            "smoke.teachers.rgb.options: net 'small' has no option 'widht'",
        ),
        ("students.heldout.options", {"width": 0}, "datasets.smoke.students.heldout.options.width"),
        ("omnivore.net", "stlt", "datasets.smoke.omnivore.net: 'stlt' cannot read 'omnivore'"),
        ("teachers.rgb.train", {"batch_size": 1}, "teachers.rgb.train.batch_size: 1 is too small"),
        ("inputs.audio.win_length", 513, "win_length: 513 samples are more than n_fft has, 512"),
        ("inputs.audio.mean", float("nan"), "inputs.audio.mean"),
        ("media.frame_rate", 1e300, "media.frame_rate"),
        ("teachers.rgb.train", {"epochs": True}, "epochs: expected another value than yes"),
        ("data.shards", 10**9, "data.shards"),
        ("source", "two\nlines", "source: expected one line"),
    ],
)
def test_what_no_job_could_use_names_its_key(place, value, words):
    with pytest.raises(UserError) as caught:
        read_config(changed(place, value), REPOSITORY)
    assert str(caught.value).startswith("config: ") and words in str(caught.value)


@pytest.mark.parametrize("root", ["{x}", "a}b", "two\nlines", "", "a\0b", "x/" * 2500])
def test_a_root_that_snakemake_cannot_take_is_refused(root):
    mine = {"recipe": "own_videos", "data": {"root": root, "folder": {"heads": ["action"]}}}
    with pytest.raises(UserError, match=r"data\.root: expected a path"):
        read_config({"seeds": [0], "datasets": {"mine": mine}}, REPOSITORY)


def test_a_leading_dash_is_no_option():
    mine = {"recipe": "own_videos", "data": {"root": "-x", "folder": {"heads": ["action"]}}}
    config, _ = read_config({"seeds": [0], "datasets": {"mine": mine}}, REPOSITORY)
    assert config.datasets["mine"].data.root == "./-x"


def test_a_folder_with_braces_is_refused():
    with pytest.raises(UserError, match=r"^/a/\{b\}: Snakemake takes the braces"):
        read_config(CONFIG, Path("/a/{b}"))


def test_aliases_that_explode_or_stand_for_themselves_are_counted_not_written_out():
    node: list = [0] * 10
    for _ in range(30):
        node = [node] * 10
    with pytest.raises(UserError, match=r"stand for 1\.11e\+31 values"):
        count_values({"a": node})
    circle: list = []
    circle.append(circle)
    with pytest.raises(UserError, match="stands for itself"):
        count_values({"a": circle})
    count_values({"a": [node[:0]] * 1000})
