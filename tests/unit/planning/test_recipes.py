"""A short config becomes a complete one, and says what is wrong when it cannot."""

import numpy as np
import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.datasets.epic_files import CLOCK_2018, CLOCK_2020, FLOW_2018, FLOW_2020
from egokd.errors import UserError
from egokd.media.official_flow import code_table
from egokd.planning.recipes import merge, resolve
from paths import REPOSITORY

RECIPES = REPOSITORY / "workflow" / "recipes"
SHORT = """
seeds: [0, 1]
datasets:
  mine:
    recipe: own_videos
    source: my kitchen
    data:
      root: /videos
      folder:
        heads: [action]
"""


def short(**changes) -> dict:
    config = yaml.safe_load(SHORT)
    config["datasets"]["mine"] |= changes
    return config


def test_merge_by_hand():
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 2}
    over = {"a": {"y": [3], "z": 4}, "c": 5}
    assert merge(base, over) == {"a": {"x": 1, "y": [3], "z": 4}, "b": 2, "c": 5}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 2}


def test_ten_lines_are_a_complete_config():
    config = validate(Config, resolve(short(), RECIPES), "config")
    mine = config.datasets["mine"]
    assert mine.source == "my kitchen" and mine.data.root == "/videos"
    assert mine.data.folder.heads == ["action"] and mine.data.folder.annotations == "annotations.csv"
    assert list(mine.teachers) == ["rgb", "flow", "audio"]


def test_a_teacher_set_to_null_is_gone_everywhere():
    mine = validate(Config, resolve(short(teachers={"audio": None}), RECIPES), "config").datasets["mine"]
    assert list(mine.teachers) == ["rgb", "flow"]
    assert all(ensemble.teachers == ["rgb", "flow"] for ensemble in mine.ensembles.values())


def test_one_key_of_one_teacher_can_be_changed():
    mine = resolve(short(teachers={"flow": {"train": {"epochs": 3}}}), RECIPES)["datasets"]["mine"]
    assert mine["teachers"]["flow"]["train"]["epochs"] == 3
    assert mine["teachers"]["rgb"]["train"]["epochs"] != 3


def test_configs_without_a_recipe_stay_as_they_are():
    config = {"seeds": [0], "datasets": {"epic": {"source": "demo"}}}
    assert resolve(config, RECIPES) == config


def test_errors_name_the_key():
    with pytest.raises(UserError, match=r"datasets.mine.recipe: no recipe 'own_video'; did you mean 'own_videos'\?"):
        resolve(short(recipe="own_video"), RECIPES)
    with pytest.raises(UserError, match=r"datasets.mine.view: unknown key; did you mean 'views'"):
        validate(Config, resolve(short(view={}), RECIPES), "config")
    with pytest.raises(UserError, match=r"teachers.obj: own videos come without boxes"):
        teacher = resolve(short(), RECIPES)["datasets"]["mine"]["teachers"]["rgb"]
        validate(Config, resolve(short(teachers={"obj": teacher}), RECIPES), "config")


def test_flow_of_epic_kitchens_keeps_its_meaning_at_the_recipes_frame_rate():
    recipe = yaml.safe_load((REPOSITORY / "workflow/recipes/epic_kitchens.yaml").read_text())
    rate, bound = recipe["media"]["frame_rate"], recipe["media"]["flow"]["bound"]
    codes = []
    for (_, dilation, published), clock in ((FLOW_2018, CLOCK_2018), (FLOW_2020, CLOCK_2020)):
        codes.append(code_table(clock / (rate * dilation), published, bound).astype(int))
    assert np.abs(codes[0] - np.arange(256)).max() <= 1  # 25 pixels in 3/60 s are the store's bound
    assert codes[1][255] == 128 + round(8 * 50 * 127 / 500)  # 8 pixels in 1/50 s, against 25 in 3/60 s
    # an input of 1.0 stands for 100 pixels per second
    assert recipe["inputs"]["flow"]["scale"] * rate == pytest.approx(100, rel=1e-3)
