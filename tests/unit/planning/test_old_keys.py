"""A config of the first version means the same today, and its user is told which keys to rename."""

import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.planning.old_keys import translate
from egokd.planning.recipes import resolve
from paths import REPOSITORY

RECIPES = REPOSITORY / "workflow" / "recipes"
OLD = """
seeds: [0]
datasets:
  mine:
    recipe: own_videos
    source: my videos
    data: {root: videos, folder: {heads: [action]}}
    evaluation: {clips: 3}
    inputs: {flow_scale: 2.5, max_boxes: 3}
    ensembles: {heldout: {modalities: [rgb, flow]}}
"""


def test_old_keys_are_translated_and_named():
    new, said = translate(resolve(yaml.safe_load(OLD), RECIPES))
    mine = validate(Config, new, "config").datasets["mine"]
    assert mine.evaluation.views == [(3, 1)] and mine.evaluation.heldout_views == (3, 1)
    assert mine.inputs.flow.scale == 2.5 and mine.inputs.obj.max_boxes == 3
    assert mine.ensembles["heldout"].teachers == ["rgb", "flow"]
    assert len(said) == 4
    assert "config: datasets.mine.evaluation.clips is called evaluation.views" in said[0]


def test_a_config_of_today_stays_as_it_is():
    today = resolve(yaml.safe_load((REPOSITORY / "config.yaml").read_text()), RECIPES)
    assert translate(today) == (today, [])
    assert translate({"datasets": None}) == ({"datasets": None}, [])
