"""Nets by name and model files."""

import importlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from egokd.errors import UserError
from egokd.io import read_json, write_json
from egokd.models.build import build_model, example_inputs, load_model
from egokd.models.checkpoint import read_checkpoint
from egokd.models.files import read_weights, save_model, was_trained
from egokd.models.nets import NETS

HEADS = {"verb": 5, "noun": 7}
OPTIONS = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": [2, 3, 3]}
BUILD = {"net": "video_swin_t", "modality": "flow", "heads": HEADS, "num_frames": 4, "size": 16}


@pytest.fixture
def model():
    return build_model(**BUILD, **OPTIONS).eval()


@pytest.fixture
def saved(tmp_path, model):
    path = tmp_path / "model.safetensors"
    save_model(path, model, {**BUILD, "options": OPTIONS, "dataset": "demo", "seed": 3})
    return path


def change_description(path, **changes):
    config = path.with_name("config.json")
    write_json(config, {**read_json(config), **changes})


@pytest.mark.parametrize("net", NETS)
def test_every_net_is_there(net):
    entry = NETS[net]
    assert hasattr(importlib.import_module(entry.module), entry.cls)


@pytest.mark.parametrize(("net", "modality"), [(n, m) for n, e in NETS.items() for m in e.modalities if "small" in n])
def test_small_nets_read_example_inputs(net, modality):
    model = build_model(net, modality, HEADS, 4, 32).eval()
    logits = model(example_inputs(net, modality, 4, 32, batch=2))
    assert {head: tuple(z.shape) for head, z in logits.items()} == {"verb": (2, 5), "noun": (2, 7)}


@pytest.mark.parametrize(
    ("net", "modality", "options"),
    [
        ("video_swin_t", "rgb", OPTIONS),
        ("stlt", "obj", {"width": 16, "num_heads": 2, "spatial_layers": 1, "temporal_layers": 1}),
        ("timesformer_b", "rgb", {"embed_dim": 16, "num_heads": 2, "depth": 1}),
    ],
)
def test_nets_of_the_papers_are_one_graph_for_the_compiler(net, modality, options):
    model = build_model(net, modality, HEADS, 4, 32, **options).eval()
    inputs = example_inputs(net, modality, 4, 32, batch=2)
    compiled = torch.compile(model, backend="eager", fullgraph=True)  # a graph break is an error
    with torch.no_grad():
        assert torch.allclose(compiled(inputs)["verb"], model(inputs)["verb"], atol=1e-6)


def test_wrong_names_are_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'video_swin_t'"):
        build_model("video_swin_tt", "rgb", HEADS, 4, 16)
    with pytest.raises(UserError, match="no option 'window'; did you mean 'window_size'"):
        build_model(**BUILD, window=[2, 3, 3])
    with pytest.raises(UserError, match=r"there are: .*stochastic_depth"):
        build_model(**BUILD, zzz=1)
    with pytest.raises(UserError, match="cannot read modality 'rgb'"):
        build_model("stlt", "rgb", HEADS, 4, 16)
    with pytest.raises(UserError, match="cannot read modality 'obj'"):
        build_model("video_swin_t", "obj", HEADS, 4, 16)
    for heads in ({}, {"verb": 0}, {"verb": "97"}):
        with pytest.raises(UserError, match="heads must map"):
            build_model("video_swin_t", "rgb", heads, 4, 16)
    with pytest.raises(UserError, match="not both"):
        build_model(**BUILD, pretrained="a", init="b")


def test_a_saved_model_comes_back(model, saved):
    loaded, description = load_model(saved)
    pixels = example_inputs("video_swin_t", "flow", 4, 16)
    assert torch.equal(loaded(pixels)["noun"], model(pixels)["noun"])
    assert not loaded.training and description["seed"] == 3
    assert sorted(p.name for p in saved.parent.iterdir()) == ["config.json", "model.safetensors"]
    assert saved.stat().st_mode == saved.with_name("config.json").stat().st_mode  # colleagues can read it


def test_wrappers_prefixes_are_not_saved(tmp_path, model):
    path = tmp_path / "model.safetensors"
    save_model(path, torch.nn.ModuleDict({"_orig_mod": model}), {**BUILD, "options": OPTIONS})
    pixels = example_inputs("video_swin_t", "flow", 4, 16)
    assert torch.equal(load_model(path)[0](pixels)["noun"], model(pixels)["noun"])


def test_start_options_are_not_used_again(saved, model):
    change_description(saved, options={**OPTIONS, "init": "gone.safetensors", "pretrained": "KINETICS400_V1"})
    pixels = example_inputs("video_swin_t", "flow", 4, 16)
    assert torch.equal(load_model(saved)[0](pixels)["noun"], model(pixels)["noun"])


def test_mismatch_lists_names(saved):
    change_description(saved, options={**OPTIONS, "depths": [1, 2]})
    with pytest.raises(UserError, match=r"missing: backbone\.features\.2\.1\.norm1\.weight"):
        load_model(saved)
    change_description(saved, options={**OPTIONS, "depths": [1, 1]}, heads={"verb": 6, "action": 2})
    with pytest.raises(UserError, match=r"missing: heads.linear.action") as error:
        load_model(saved)
    assert "left over: heads.linear.noun" in str(error.value)
    assert "heads.linear.verb.weight [5, 16] instead of [6, 16]" in str(error.value)


def test_damaged_or_missing_files(saved):
    with pytest.raises(UserError, match="no such model file"):
        load_model(saved.with_name("other.safetensors"))
    content = saved.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"not safetensors at all"):
        saved.write_bytes(damaged)
        with pytest.raises(UserError, match=r"model.safetensors: (damaged|not a readable safetensors)"):
            load_model(saved)
    saved.write_bytes(content)
    change_description(saved)
    config = saved.with_name("config.json")
    config.write_text('{"net": "small"}')
    with pytest.raises(UserError, match="lacks modality, heads"):
        load_model(saved)
    config.unlink()
    with pytest.raises(UserError, match=r"config.json: missing"):
        load_model(saved)


def test_flipped_bits_of_weights_are_named_and_weights_from_before_are_read(tmp_path, model):
    path = tmp_path / "results/models/epic/baseline_rgb/seed0/model.safetensors"
    save_model(path, model, {**BUILD, "options": OPTIONS})
    state, content = model.state_dict(), path.read_bytes()
    for place in np.linspace(len(content) // 2, len(content) - 1, 5).astype(int):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(UserError, match=r"model\.safetensors: damaged .* rule train_teacher_rgb makes it"):
            read_weights(path)
    save_file(state, path)
    assert all(torch.equal(tensor, state[name]) for name, tensor in read_weights(path).items())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="not a readable safetensors file") as error:
        read_checkpoint(path)
    assert "Delete" not in str(error.value)  # it may be anybody's


def test_incomplete_description_is_a_mistake_of_the_caller(tmp_path, model):
    with pytest.raises(ValueError, match="lacks \\['options'\\]"):
        save_model(tmp_path / "model.safetensors", model, BUILD)
    assert not list(tmp_path.iterdir())


def test_init_takes_the_backbone_and_keeps_fresh_heads(saved):
    source, _ = load_model(saved)
    other = build_model(**{**BUILD, "heads": {"action": 9}}, **OPTIONS, init=saved)
    assert torch.equal(other.backbone.norm.weight, source.backbone.norm.weight)
    assert torch.equal(other.backbone.patch_embed.proj.weight, source.backbone.patch_embed.proj.weight)
    assert other.heads.linear["action"].out_features == 9
    with pytest.raises(UserError, match="do not fit"):
        build_model(**BUILD, **{**OPTIONS, "embed_dim": 16}, init=saved)


def test_imported_models_and_those_of_older_trainings_count_as_trained():
    assert was_trained({"trained": True}) and not was_trained({"trained": False, "segments": 0})
    assert was_trained({"segments": 40}) and not was_trained({"segments": 0})
    assert was_trained({"imported": {"format": "authors"}})  # an import knows no number of segments
