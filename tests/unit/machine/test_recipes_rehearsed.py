"""Every model of every real recipe: built at full size as shapes, and trained, reduced, with the placement of a GPU.

An option that no builder takes, named weights that are not on offer or do not fit, or a net that cannot read its
modality would otherwise show after all extraction, on a GPU. The training keeps the recipe's loss and options, apart
from what makes the net small. Nothing is downloaded: a library's fresh net stands in for its named weights.
"""

import json
from collections.abc import Iterator

import pytest
import timm
import torch
import yaml
from torch import nn
from torchvision.models import video
from torchvision.models._api import WeightsEnum

from egokd.config.experiment import Config, Experiment
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.models.build import build_model
from egokd.models.foreign import INDEX_SUFFIX
from egokd.models.options import START_OPTIONS
from egokd.names import student_of
from egokd.planning import models
from egokd.planning.recipes import resolve
from egokd.training.loop import label_loss, student_loss
from paths import REPOSITORY
from rehearsal import HEADS, Rehearsal, card, switches_put_back

REAL = ("epic100", "epic55", "ssv2", "something_else", "workshop2022")
SWINS = {"Swin3D_T_Weights": video.swin3d_t, "Swin3D_S_Weights": video.swin3d_s, "Swin3D_B_Weights": video.swin3d_b}


def experiments() -> Iterator:
    """Of all real recipes, complete."""
    for recipe in REAL:
        values = yaml.safe_load((REPOSITORY / f"workflow/configs/{recipe}.yaml").read_text())
        config = validate(Config, resolve(values, REPOSITORY / "workflow/recipes"), recipe)
        for name, experiment in config.datasets.items():
            yield pytest.param(experiment, id=name)


def trainings() -> Iterator:
    """Each distinct training of all recipes, called by the first model that has it."""
    known = set()
    for param in experiments():
        experiment = param.values[0]
        for model in models.trained(experiment):
            training = distinct(experiment, model)
            if training not in known:
                known.add(training)
                yield pytest.param(experiment, model, id=f"{param.id}-{model}")


def distinct(experiment: Experiment, model: str) -> str:
    """All that a reduced training of `model` depends on."""
    chosen = models.settings_of(experiment, model)
    taught = [chosen.tau, chosen.kd_weight, chosen.ce_weight] if student_of(model) else None
    return json.dumps([built(experiment, model), chosen.train.label_smoothing, taught])


def built(experiment: Experiment, model: str) -> str:
    """All that a reduced net of `model` depends on."""
    chosen = models.settings_of(experiment, model)
    return json.dumps([chosen.net, models.trained_on(experiment, model), chosen.options])


@pytest.fixture(autouse=True)
def _switches():
    with switches_put_back():
        yield


@pytest.fixture
def no_download(monkeypatch):
    """Named weights are the shapes of the library's own fresh net."""
    create = timm.create_model

    def of_torchvision(weights: WeightsEnum, **_) -> dict[str, torch.Tensor]:
        net = SWINS[type(weights).__name__](num_classes=len(weights.meta["categories"]))
        # window offsets are compared by value, and there are none here
        return {name: tensor for name, tensor in net.state_dict().items() if not name.endswith(INDEX_SUFFIX)}

    def of_timm(name: str, pretrained: bool, **given) -> nn.Module:
        return create(name, pretrained=False, **given)

    monkeypatch.setattr(WeightsEnum, "get_state_dict", of_torchvision)
    monkeypatch.setattr(timm, "create_model", of_timm)


def build_whole(experiment: Experiment, model: str) -> nn.Module:
    """The net of a recipe at full size, shapes only."""
    chosen = models.settings_of(experiment, model)
    frames, size = experiment.views.num_frames, experiment.inputs.size
    with torch.device("meta"):
        return build_model(chosen.net, models.trained_on(experiment, model), HEADS, frames, size, **chosen.options)


@pytest.mark.parametrize("experiment", list(experiments()))
def test_every_model_of_a_recipe_is_built_at_full_size(experiment, no_download):
    for model in {built(experiment, model): model for model in models.nets(experiment)}.values():
        assert sum(parameter.numel() for parameter in build_whole(experiment, model).parameters()) > 5e6, model


@pytest.mark.parametrize(("experiment", "model"), list(trainings()))
def test_every_training_of_the_recipes_runs_as_on_a_new_card(experiment, model, tmp_path):
    chosen, taught = models.settings_of(experiment, model), bool(student_of(model))
    smoothing, heads = chosen.train.label_smoothing, list(HEADS)
    loss = label_loss(heads, smoothing)
    if taught:
        loss = student_loss(heads, chosen.tau, chosen.kd_weight, chosen.ce_weight, smoothing)
    options = {name: value for name, value in chosen.options.items() if name not in START_OPTIONS}
    modality = models.trained_on(experiment, model)
    rehearsal = Rehearsal(chosen.net, modality, card(8, 0), tmp_path, taught, options, loss)
    rehearsal.devices()
    rehearsal.train("once", rehearsal.model())


@pytest.mark.parametrize(
    ("net", "options", "expected"),
    [
        ("video_swin_t", {"drop_paths": 0.1}, "has no option 'drop_paths'"),
        ("video_swin_t", {"pretrained": "KINETICS400_V9"}, "not on offer for video_swin_t"),
        ("stlt", {}, "cannot read modality 'flow'"),
        ("timesformer_b", {"pretrained": "vit_base_patch32_224.augreg_in21k_ft_in1k"}, "patch_embed"),
    ],
)
def test_a_fault_of_a_recipe_is_noticed(net, options, expected, no_download):
    experiment = next(experiments()).values[0].model_copy(deep=True)
    experiment.teachers["flow"] = experiment.teachers["flow"].model_copy(update={"net": net, "options": options})
    with pytest.raises(UserError, match=expected):
        build_whole(experiment, "baseline_flow")
