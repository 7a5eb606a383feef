"""Foreign checkpoints from the file to the result table, one of each format, added to the finished smoke run.

Where a format holds this dataset's classifiers, the model is taken in place of training; where it does not, a training
starts from its backbone. The files have the releases' names and random values. The classes of one of them stand in
another order than the dataset's, which a list beside it tells.
"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from egokd.config.experiment import Config, Experiment
from egokd.config.validation import parse_settings, validate
from egokd.config.views import ViewSlice
from egokd.datasets.segments import read_segments
from egokd.distillation.logit_files import LogitFile
from egokd.io import read_json
from egokd.models.build import build_model, load_model
from egokd.models.foreign import FORMATS
from egokd.planning import models, slices
from egokd.planning.paths import Paths
from egokd.planning.recipes import resolve
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.loading import finish, loader
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from rehearsal import REDUCED
from smoke import SMOKE, snakemake

HEADS = {"verb": 8, "noun": 10}
FRAMES, SIZE = 4, 32  # of the smoke run
# format -> net, modality
TAKEN = {"authors": ("video_swin_t", "flow"), "authors_stlt": ("stlt", "obj")}
STARTED = {
    "torchvision": ("video_swin_t", "rgb"),
    "video_swin": ("video_swin_t", "audio"),
    "timm": ("timesformer_b", "rgb"),
}
SHORT = {"epochs": 1, "warmup_epochs": 0, "batch_size": 16, "lr": 0.001, "weight_decay": 0.02, "clip_norm": 5.0}


LISTED = "authors"  # its file has the classes backwards, and a list of their names


def options(net: str) -> dict:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in REDUCED[net].items()}


def foreign_file(path, kind: str, net: str, modality: str, heads: dict[str, int]) -> torch.nn.Module:
    """Write a checkpoint of this kind; returns our net with the same values, classes in the file's order."""
    torch.manual_seed(len(kind))
    model = build_model(net, modality, heads, FRAMES, SIZE, **options(net))
    with torch.no_grad():
        for parameter in model.parameters():
            # where predictions are compared, large enough that clips differ far beyond the tolerance
            parameter.normal_(0, 0.5 if kind in TAKEN else 0.05)
    state: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        if theirs := FORMATS[kind].rename(name):
            state.setdefault(theirs, tensor)
    torch.save({"state_dict": state, "epoch": 30}, path)
    return model


@pytest.fixture(scope="module")
def imported(folder, tmp_path_factory):
    """A copy of the finished smoke run with a teacher of each format, run to its table; and the nets of the files."""
    path = tmp_path_factory.mktemp("imports") / "work"
    shutil.copytree(folder, path)
    config = yaml.safe_load((path / SMOKE).read_text())
    smoke = config["datasets"]["smoke"]
    class_names = read_segments(path / "results/data/smoke/segments.parquet").heads
    nets = {}
    for kind, (net, modality) in {**TAKEN, **STARTED}.items():
        heads = HEADS if kind in TAKEN else {"action": 5}
        nets[kind] = foreign_file(path / f"{kind}.pth", kind, net, modality, heads)
        source = {"path": f"{kind}.pth", "format": kind, "sha256": None}
        if kind == LISTED:
            backwards = {head: names[::-1] for head, names in class_names.items()}
            (path / "classes.json").write_text(json.dumps(backwards))
            source["classes"] = "classes.json"
        smoke["teachers"][f"of_{kind}"] = {
            **{"modality": modality, "net": net, "options": options(net)},
            "train": {**SHORT, "label_smoothing": 0.0},
            "checkpoint" if kind in TAKEN else "init": source,
        }
    teachers = ["rgb", *(f"of_{kind}" for kind in nets)]
    ensemble = {"teachers": teachers, "scheme": "heldout", "weights_temperature": 1.0, "combine": "logits"}
    smoke["ensembles"]["imported"] = ensemble
    student = {"ensemble": "imported", "net": "small", "options": {"width": 4}, "tau": 2.0}
    student |= {"kd_weight": 1.0, "ce_weight": 0.0, "train": {**SHORT, "label_smoothing": 0.0}}
    smoke["students"]["imported"] = student
    (path / SMOKE).write_text(yaml.safe_dump(config, sort_keys=False))
    snakemake(path, "results/tables/smoke.csv")
    return path, nets


def experiment_of(path) -> Experiment:
    """What the run in this folder was asked for."""
    text = resolve(yaml.safe_load((path / SMOKE).read_text()), path / "workflow/recipes")
    return validate(Config, text, SMOKE).datasets["smoke"]


def test_the_table_has_every_imported_model_and_their_student(imported):
    table = pd.read_csv(imported[0] / "results/tables/smoke.csv").set_index("model")
    names = [f"baseline_of_{kind}" for kind in imported[1]]
    assert {*names, "ensemble_imported", "student_imported"} <= set(table.index)
    assert sorted(table.index) == sorted(models.reported(experiment_of(imported[0])))
    assert np.isfinite(table["action_nll"]).all()


@pytest.mark.parametrize("kind", TAKEN)
def test_a_taken_model_has_the_files_tensors_and_was_not_trained_here(imported, kind):
    path, nets = imported
    folder = path / f"results/models/smoke/baseline_of_{kind}/seed0"
    model, description = load_model(folder / "model.safetensors")
    assert description["trained"] is True and not (folder / "history.csv").exists()
    for name, tensor in nets[kind].state_dict().items():
        expected = tensor.flip(0) if kind == LISTED and name.startswith("heads.") else tensor
        assert torch.equal(model.state_dict()[name], expected), name


@pytest.mark.parametrize("kind", TAKEN)
def test_stored_predictions_are_those_of_the_files_tensors(imported, kind):
    """The net that the file was written from, run clip by clip on the same views, outside the step."""
    path, nets = imported
    model, modality = f"baseline_of_{kind}", TAKEN[kind][1]
    experiment = experiment_of(path)
    settings = parse_settings(ViewSlice, slices.view_settings(experiment, model))
    clips, crops = experiment.evaluation.views[0]
    files = Paths("smoke", experiment)
    stored = LogitFile([path / name for name in files.predictions(model, 0, "val", (clips, crops))])
    table = read_segments(path / "results/data/smoke/segments.parquet").table.set_index("segment_id", drop=False)
    rows = table.loc[[name for name, there in stored.available.items() if there]].reset_index(drop=True)
    stores = sorted((path / f"results/data/smoke/{modality}").glob("[0-9].[ap]*"))  # arrow, parquet
    opened = open_modalities(settings.inputs, {modality: stores}, Shared(settings.size, settings.frame_rate))
    views = {"train": False, "labels": list(HEADS), "clips": clips, "crops": crops}
    dataset = ViewDataset(rows, modality, opened, settings.views, 0, **views)
    net, found = nets[kind].eval(), []
    pairs = [(row, view) for row in range(len(rows)) for view in range(clips * crops)]
    for (row, view), batch in zip(pairs, loader(dataset, [[pair] for pair in pairs], 0), strict=True):
        with torch.no_grad():
            logits = net(finish(batch, modality, torch.device("cpu")))
        found.append(stored.logits(rows["segment_id"][row], view))
        for head, values in logits.items():
            expected = values[0].flip(0) if kind == LISTED else values[0]
            assert np.abs(found[-1][head] - expected.numpy()).max() < 1e-5, (head, row, view)
    spread = np.std([logits["verb"] for logits in found], axis=0).max()
    assert len(found) >= 10 and spread > 1e-3  # one answer for all clips would prove nothing


@pytest.mark.parametrize("kind", STARTED)
def test_a_training_started_from_the_files_backbone(imported, kind):
    path, nets = imported
    model = load_model(path / f"results/models/smoke/baseline_of_{kind}/seed0/model.safetensors")[0].state_dict()
    first = {name: tensor for name, tensor in nets[kind].state_dict().items() if FORMATS[kind].rename(name)}
    backbone = [name for name in first if not name.startswith("heads.") and model[name].is_floating_point()]
    moved = torch.cat([(model[name] - first[name]).flatten() for name in backbone]).abs()
    # one epoch of a few small steps leads not far from where it began, and somewhere
    assert 0 < moved.mean() < 0.01


def test_imported_teachers_are_banked_and_weighted(imported):
    path, nets = imported
    weights = read_json(path / "results/ensembles/smoke/imported/seed0.json")["weights"]["verb"]
    assert weights.keys() == {"rgb", *(f"of_{kind}" for kind in nets)} and min(weights.values()) > 0
    for kind in nets:
        bank = LogitFile(sorted((path / f"results/bank/smoke/of_{kind}/seed0").glob("*.safetensors")))
        assert bank.views == [0] and any(bank.available.values())
