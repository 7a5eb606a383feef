"""Configs of the first version: keys that have another name today are translated, and the user is told.

Applied to complete experiments (`egokd.planning.recipes.resolve`), before validation.
"""

from copy import deepcopy
from typing import Any

MOVED_INPUTS = {"flow_scale": ("flow", "scale"), "max_boxes": ("obj", "max_boxes")}


def translate(config: dict) -> tuple[dict, list[str]]:
    """`config` with today's keys, and a sentence for each old one that was found."""
    datasets, said = config.get("datasets"), []
    if not isinstance(datasets, dict):
        return config, []
    new = deepcopy(datasets)
    for name, experiment in new.items():
        if isinstance(experiment, dict):
            found = [*_views(experiment), *_teachers(experiment), *_inputs(experiment)]
            said += [f"config: datasets.{name}.{old} is called {now} today; please rename it" for old, now in found]
    return {**config, "datasets": new}, said


def _section(experiment: dict, name: str) -> dict[str, Any]:
    section = experiment.get(name)
    return section if isinstance(section, dict) else {}


def _views(experiment: dict) -> list[tuple[str, str]]:
    """evaluation.clips and crops, which held-out predictions followed as well."""
    evaluation = _section(experiment, "evaluation")
    old = [key for key in ("clips", "crops") if key in evaluation]
    if old:
        views = evaluation.get("views")
        first = views[0] if isinstance(views, list) and views else None
        clips, crops = first if isinstance(first, list | tuple) and len(first) == 2 else (1, 1)
        setting = [evaluation.pop("clips", clips), evaluation.pop("crops", crops)]
        evaluation |= {"views": [setting], "heldout_views": setting}
    return [(f"evaluation.{key}", "evaluation.views, a list of [clips, crops]") for key in old]


def _teachers(experiment: dict) -> list[tuple[str, str]]:
    """ensembles.*.modalities."""
    found = []
    for name, ensemble in _section(experiment, "ensembles").items():
        if isinstance(ensemble, dict) and "modalities" in ensemble:
            ensemble["teachers"] = ensemble.pop("modalities")
            found.append((f"ensembles.{name}.modalities", f"ensembles.{name}.teachers"))
    return found


def _inputs(experiment: dict) -> list[tuple[str, str]]:
    """inputs.flow_scale and inputs.max_boxes."""
    inputs, found = _section(experiment, "inputs"), []
    for old, (modality, key) in MOVED_INPUTS.items():
        if old in inputs:
            value = inputs.pop(old)
            inputs[modality] = {**_section(inputs, modality), key: value}
            found.append((f"inputs.{old}", f"inputs.{modality}.{key}"))
    return found
