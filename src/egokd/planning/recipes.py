"""Short configs: an experiment that names a `recipe` says only what differs from it.

Recipes are complete experiments in workflow/recipes; the recipe `kitchen_demo` is the demo of config.yaml itself. They
are merged before validation: mappings key by key, everything else is replaced. A teacher, ensemble or student set to
null is taken out; a teacher also out of the ensembles and the omnivore that come with the recipe. What is validated,
and what jobs get, is the merged whole: nothing else knows recipes.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from egokd.errors import UserError, nearest_name

KITCHEN_DEMO = "kitchen_demo"
REMOVABLE = ("teachers", "ensembles", "students")


def merge(base: Any, over: Any) -> Any:
    """`over` laid on `base`: mappings key by key, anything else as it is in `over`."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return deepcopy(over)
    return {
        key: merge(base[key], over[key]) if key in base and key in over else deepcopy({**base, **over}[key])
        for key in {**base, **over}
    }


def _read(folder: Path, name: Any, dataset: str) -> dict:
    known = sorted([KITCHEN_DEMO, *(path.stem for path in folder.glob("*.yaml"))])
    if name not in known:
        raise UserError(f"config: datasets.{dataset}.recipe: no recipe {name!r}{nearest_name(name, known)}")
    if name == KITCHEN_DEMO:
        return yaml.safe_load((folder.parents[1] / "config.yaml").read_text())["datasets"]["epic"]
    return yaml.safe_load((folder / f"{name}.yaml").read_text())


def _drop_removed(experiment: dict) -> dict:
    def section(name: str) -> dict:
        found = experiment.get(name)
        return found if isinstance(found, dict) else {}  # what it should have been is said by validation

    gone = {name for name, value in section("teachers").items() if value is None}
    for name in REMOVABLE:
        if isinstance(experiment.get(name), dict):
            experiment[name] = {key: value for key, value in experiment[name].items() if value is not None}
    lists = [(ensemble, "teachers") for ensemble in section("ensembles").values()]
    for named, key in [*lists, (experiment.get("omnivore"), "modalities")]:
        if isinstance(named, dict) and isinstance(named.get(key), list):
            named[key] = [name for name in named[key] if name not in gone]
    return experiment


def resolve(config: dict, folder: Path) -> dict:
    """`config` with every experiment that names a recipe made complete; others stay as they are.

    Raises UserError for an unknown recipe, naming those in `folder`.
    """
    datasets = config.get("datasets")
    if not isinstance(datasets, dict):
        return config
    whole = {}
    for name, experiment in datasets.items():
        if isinstance(experiment, dict) and "recipe" in experiment:
            own = {key: value for key, value in experiment.items() if key != "recipe"}
            experiment = _drop_removed(merge(_read(folder, experiment["recipe"], name), own))
        whole[name] = experiment
    return {**config, "datasets": whole}
