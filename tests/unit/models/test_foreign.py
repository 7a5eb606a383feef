"""Foreign checkpoints, built here with the releases' names and random values, through the import step."""

import argparse
import io
import json
import os
import pickle
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.video.swin_transformer import SwinTransformer3d

from egokd.errors import UserError
from egokd.models.build import build_model, load_model
from egokd.models.checkpoint import read_checkpoint
from egokd.models.foreign import FORMATS, fold_input_map, load_foreign
from egokd.steps.import_weights import main as import_weights
from plain_nets import plain_swin, random_state, swin_shapes

GEOMETRY = {"embed_dim": 8, "depths": [2, 1], "num_heads": [2, 4], "window_size": [4, 3, 3]}
CLASSES = 6
PIXELS = torch.randn(1, 3, 6, 20, 28, generator=torch.Generator().manual_seed(0))
WIDTH = 16


def position_index(window) -> torch.Tensor:
    """The release's buffer of window offsets, by its definition."""
    places = torch.cartesian_prod(*(torch.arange(w) for w in window))
    offsets = places[:, None] - places[None] + torch.tensor(window) - 1
    factors = torch.tensor([(2 * window[1] - 1) * (2 * window[2] - 1), 2 * window[2] - 1, 1])
    return (offsets * factors).sum(-1)


@pytest.fixture
def backbone() -> dict[str, torch.Tensor]:
    """The release's backbone tensors without prefix."""
    state = random_state(swin_shapes(*GEOMETRY.values()), seed=5)
    for name in list(state):
        if name.endswith("relative_position_bias_table"):
            state[name.replace("bias_table", "index")] = position_index(GEOMETRY["window_size"])
    return state


@pytest.fixture
def head() -> dict[str, torch.Tensor]:
    return random_state({"weight": (CLASSES, WIDTH), "bias": (CLASSES,)}, seed=6)


def released(backbone, head) -> dict:
    """Like swin_*_patch244_window877_kinetics400_1k.pth."""
    state = {f"backbone.{name}": tensor for name, tensor in backbone.items()}
    state |= {f"cls_head.fc_cls.{name}": tensor for name, tensor in head.items()}
    return {"meta": {"epoch": 30, "CLASSES": None, "config": "text"}, "state_dict": state}


def authors(backbone, head, prefix: str = "") -> dict:
    """Like the ICCV paper's model_checkpoint.pt."""
    state = {f"backbone.{name}": tensor for name, tensor in backbone.items()}
    state |= {f"classifiers.ACTION.{name}": tensor for name, tensor in head.items()}
    return {prefix + name: tensor for name, tensor in state.items()}


def in_torchvision_names(backbone, head) -> dict:
    """torchvision's own model filled through plain loops over its modules, in the order of the release."""
    arguments = {"patch_size": [2, 4, 4], "num_classes": CLASSES}
    model = SwinTransformer3d(**arguments, **GEOMETRY)
    own, theirs = model.state_dict(), {**backbone, "head.weight": head["weight"], "head.bias": head["bias"]}
    keys = {
        "patch_embed.": "patch_embed.",
        "features.0.0.": "layers.0.blocks.0.",
        "features.0.1.": "layers.0.blocks.1.",
        "features.1.": "layers.0.downsample.",
        "features.2.0.": "layers.1.blocks.0.",
        "norm.": "norm.",
        "head.": "head.",
    }
    for name in own:
        start = next(start for start in keys if name.startswith(start))
        rest = name.removeprefix(start).replace("mlp.0", "mlp.fc1").replace("mlp.3", "mlp.fc2")
        own[name] = theirs[keys[start] + rest]
    model.load_state_dict(own)
    return model.eval().state_dict()


def run_import(
    tmp_path, content, kind: str, *extra: str, heads: str | None = f'{{"action": {CLASSES}}}', net="video_swin_t"
):
    checkpoint = tmp_path / "foreign.pth"
    if isinstance(content, bytes):
        checkpoint.write_bytes(content)
    else:
        torch.save(content, checkpoint)
    out = tmp_path / "imported" / "model.safetensors"
    arguments = ["--checkpoint", checkpoint, "--format", kind, "--net", net, "--modality", "rgb", "--num-frames", 6]
    arguments += ["--size", 20, "--options", json.dumps(GEOMETRY), "--out", out, *extra]
    import_weights([str(a) for a in arguments + (["--heads", heads] if heads else [])])
    return out


def test_every_naming_gives_the_same_logits(tmp_path, backbone, head):
    features = plain_swin(backbone, PIXELS[0], GEOMETRY["depths"], GEOMETRY["num_heads"], GEOMETRY["window_size"])
    expected = features @ head["weight"].double().T + head["bias"].double()
    namings = {
        "video_swin": released(backbone, head),
        "authors": authors(backbone, head),
        "torchvision": in_torchvision_names(backbone, head),
    }
    found = {}
    for kind, content in namings.items():
        model, description = load_model(run_import(tmp_path, content, kind))
        with torch.no_grad():
            found[kind] = model({"pixels": PIXELS})["action"]
        assert description["imported"]["format"] == kind and description["heads"] == {"action": CLASSES}
        assert description["trained"] is True
        assert (found[kind][0] - expected).abs().max() < 1e-5
    compiled, _ = load_model(run_import(tmp_path, authors(backbone, head, "_orig_mod."), "authors"))
    with torch.no_grad():
        found["compiled"] = compiled({"pixels": PIXELS})["action"]
    assert all(torch.equal(logits, found["video_swin"]) for logits in found.values())


def test_heads_of_an_epic_checkpoint(tmp_path, backbone, head):
    content = {f"backbone.{name}": tensor for name, tensor in backbone.items()}
    for name, classes in (("VERB", 4), ("NOUN", 9)):
        content |= {f"classifiers.{name}.weight": torch.randn(classes, WIDTH)}
        content |= {f"classifiers.{name}.bias": torch.arange(classes).float()}
    model, _ = load_model(run_import(tmp_path, content, "authors", heads='{"noun": 9, "verb": 4}'))
    assert torch.equal(model.heads.linear["noun"].bias, torch.arange(9.0))
    assert torch.equal(model.heads.linear["verb"].weight, content["classifiers.VERB.weight"])
    with pytest.raises(
        UserError, match=r"classifiers \{'VERB': 4, 'NOUN': 9\}.*asked for are \{'verb': 97, 'noun': 300\}"
    ):
        run_import(tmp_path, content, "authors", heads='{"verb": 97, "noun": 300}')
    with pytest.raises(UserError, match="another dataset"):
        run_import(tmp_path, content, "authors", heads='{"action": 174}')
    with pytest.raises(UserError, match="another dataset"):
        run_import(tmp_path, content, "authors", heads='{"verb": 4}')


def test_backbone_only_starts_a_training(tmp_path, backbone, head):
    out = run_import(tmp_path, released(backbone, head), "video_swin", "--init-only", heads=None)
    with pytest.raises(UserError, match="backbone without heads; use it as `init`"):
        load_model(out)
    options = {**GEOMETRY, "init": str(out)}
    model = build_model("video_swin_t", "flow", {"verb": 3}, 6, 20, **options)
    assert torch.equal(model.backbone.features[0][0].mlp[3].bias, backbone["layers.0.blocks.0.mlp.fc2.bias"])
    sound = build_model("video_swin_t", "audio", {"verb": 3}, 6, 20, in_channels=1, **GEOMETRY)
    state = released(backbone, head)["state_dict"]
    load_foreign(sound, "video_swin_t", "video_swin", state, "test", init_only=True)
    one, three = PIXELS[:, :1], PIXELS[:, :1].expand(-1, 3, -1, -1, -1)
    repeated = model.backbone.patch_embed.proj(three)
    assert torch.allclose(sound.backbone.patch_embed.proj(one), repeated, atol=1e-5)


def test_nothing_is_left_over_and_nothing_missing(tmp_path, backbone, head):
    content = authors(backbone, head)
    content["backbone.surplus"] = torch.zeros(1)
    del content["backbone.norm.weight"]
    with pytest.raises(UserError, match=r"1 missing: backbone\.norm\.weight; 1 left over: backbone\.surplus"):
        run_import(tmp_path, content, "authors")
    with pytest.raises(UserError, match=r"left over: backbone\.features\.0"):
        mixed = {
            f"backbone.{name}": t for name, t in in_torchvision_names(backbone, head).items() if "head" not in name
        }
        run_import(tmp_path, {**mixed, **{f"classifiers.ACTION.{n}": t for n, t in head.items()}}, "authors")


def test_wrong_shapes_and_windows(tmp_path, backbone, head):
    content = authors(backbone, head)
    content["backbone.layers.0.blocks.1.attn.qkv.weight"] = torch.zeros(24, 9)
    with pytest.raises(UserError, match=r"features\.0\.1\.attn\.qkv\.weight \[24, 9\] instead of \[24, 8\]"):
        run_import(tmp_path, content, "authors")
    content = authors(backbone, head)
    content["backbone.layers.0.blocks.1.attn.relative_position_index"] = position_index([3, 4, 3])
    with pytest.raises(UserError, match="another window size"):
        run_import(tmp_path, content, "authors")


class Evil:
    """Unpickling this creates a file."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def test_malicious_file_does_nothing(tmp_path):
    target = tmp_path / "owned"
    for content in ({"state_dict": {"backbone.norm.weight": Evil(target)}}, pickle.dumps(Evil(target))):
        with pytest.raises(UserError, match="refused"):
            run_import(tmp_path, content, "authors")
    assert not target.exists()
    with pytest.raises(FileExistsError):  # the same bytes are dangerous to anyone who unpickles them
        pickle.loads(pickle.dumps(Evil(tmp_path)))


@pytest.mark.parametrize("zipped", [True, False])
def test_harmless_objects_beside_the_tensors_are_read(tmp_path, backbone, head, zipped):
    beside = {"args": argparse.Namespace(lr=0.1, nested=argparse.Namespace(a=1)), "when": datetime(2024, 5, 1)}
    beside |= {"best": np.float32(0.5), "step": np.int64(7), "history": np.ones(3), "path": Path("runs")}
    content = io.BytesIO()
    saved = {"state_dict": authors(backbone, head), **beside}
    torch.save(saved, content, _use_new_zipfile_serialization=zipped)
    model, _ = load_model(run_import(tmp_path, content.getvalue(), "authors"))
    assert torch.equal(model.heads.linear["action"].bias, head["bias"])


@pytest.mark.parametrize("zipped", [True, False])
def test_other_objects_are_named_in_one_plain_sentence(tmp_path, backbone, head, zipped):
    content = io.BytesIO()
    saved = {"state_dict": authors(backbone, head), "ratio": Fraction(1, 2)}
    torch.save(saved, content, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"refused.*it holds fractions\.Fraction\. Loading") as caught:
        run_import(tmp_path, content.getvalue(), "authors")
    message = str(caught.value)
    assert "\x1b" not in message and "\n" not in message and "weights_only" not in message


@pytest.mark.parametrize("name", ["with_namespace.pth", "with_numpy_scalar.pth"])
def test_given_checkpoints_are_read(name, cases):
    assert read_checkpoint(cases / "media" / name)


def test_damaged_and_strange_files(tmp_path, backbone, head):
    whole = tmp_path / "whole.pth"
    torch.save(authors(backbone, head), whole)
    content = whole.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-100], b"", b"<html>not found</html>"):
        with pytest.raises(UserError, match=r"damaged|refused"):
            run_import(tmp_path, damaged, "authors")
    with pytest.raises(UserError, match="no dictionary of tensors but list"):
        run_import(tmp_path, [torch.zeros(1)], "authors")
    with pytest.raises(UserError, match="1 entries are no tensors: epoch"):
        run_import(tmp_path, {**authors(backbone, head), "epoch": 3}, "authors")
    with pytest.raises(UserError, match="no such checkpoint"):
        where = ["--checkpoint", str(tmp_path / "x"), "--out", str(tmp_path / "y")]
        build = ["--net", "video_swin_t", "--modality", "rgb", "--num-frames", "6"]
        import_weights([*where, *build, "--format", "authors", "--init-only"])
    assert not (tmp_path / "imported").exists()


def test_checksum(tmp_path, backbone, head):
    out = run_import(tmp_path, authors(backbone, head), "authors")
    digest = json.loads(out.with_name("config.json").read_text())["imported"]["sha256"]
    run_import(tmp_path, authors(backbone, head), "authors", "--sha256", digest)
    with pytest.raises(UserError, match="its SHA-256 is"):
        run_import(tmp_path, authors(backbone, head), "authors", "--sha256", "0" * 64)


def test_safetensors_are_read_too(backbone, head, tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({name: tensor.clone() for name, tensor in authors(backbone, head).items()}, path)
    out = tmp_path / "model" / "model.safetensors"
    arguments = ["--checkpoint", path, "--format", "authors", "--net", "video_swin_t", "--modality", "flow"]
    arguments += ["--num-frames", 6, "--heads", '{"action": 6}', "--options", json.dumps(GEOMETRY), "--out", out]
    import_weights([str(argument) for argument in arguments])
    assert load_model(out)[1]["modality"] == "flow"


def test_formats_and_modes_that_do_not_fit(tmp_path, backbone, head):
    with pytest.raises(UserError, match="give one of --heads"):
        run_import(tmp_path, authors(backbone, head), "authors", "--init-only")
    with pytest.raises(UserError, match="give one of --heads"):
        run_import(tmp_path, authors(backbone, head), "authors", heads=None)
    model = build_model("video_swin_t", "rgb", {"action": CLASSES}, 6, 20, **GEOMETRY)
    with pytest.raises(UserError, match="a timm checkpoint fits timesformer_b, not video_swin_t"):
        load_foreign(model, "video_swin_t", "timm", {}, "test", init_only=True)
    with pytest.raises(UserError, match=r"did you mean 'authors'"):
        load_foreign(model, "video_swin_t", "author", {}, "test", init_only=True)
    with pytest.raises(UserError, match="another dataset"):  # one classifier cannot fill two heads
        two = build_model("video_swin_t", "rgb", {"verb": CLASSES, "noun": CLASSES}, 6, 20, **GEOMETRY)
        load_foreign(two, "video_swin_t", "video_swin", released(backbone, head)["state_dict"], "x", init_only=False)


def test_classifier_of_images_is_no_model():
    small = {"embed_dim": 16, "depth": 1, "num_heads": 4, "patch_size": 8}
    model = build_model("timesformer_b", "rgb", {"action": 10}, 2, 16, **small)
    with pytest.raises(UserError, match="init-only"):
        load_foreign(model, "timesformer_b", "timm", {}, "test", init_only=False)


def test_inputs_normalised_in_another_way(backbone, head):
    model = build_model("video_swin_t", "rgb", {"action": CLASSES}, 6, 20, **GEOMETRY).eval()
    load_foreign(model, "video_swin_t", "authors", authors(backbone, head), "test", init_only=False)
    scale, shift = [0.5, 2.0, 1.0], [0.1, -0.3, 0.0]
    shape = (1, 3, 1, 1, 1)
    with torch.no_grad():
        expected = model({"pixels": PIXELS * torch.tensor(scale).view(shape) + torch.tensor(shift).view(shape)})
        fold_input_map(model, scale, shift)
        assert torch.allclose(model({"pixels": PIXELS})["action"], expected["action"], atol=1e-5)
    with pytest.raises(UserError, match="one number per input channel"):
        fold_input_map(model, [1.0], [0.0])


def test_published_sizes_have_the_released_names():
    """At full size (shapes only): every tensor of our Swin has its place in the release, and nothing is left there."""
    for net, depths in (
        ("video_swin_t", (2, 2, 6, 2)),
        ("video_swin_s", (2, 2, 18, 2)),
        ("video_swin_b", (2, 2, 18, 2)),
    ):
        dim = 128 if net == "video_swin_b" else 96
        shapes = swin_shapes(dim, depths, tuple(dim // 32 * 2**i for i in range(4)), (8, 7, 7))
        with torch.device("meta"):
            model = build_model(net, "rgb", {"action": 400}, 32, 224)
        ours = {
            FORMATS["video_swin"].rename(name): tuple(tensor.shape)
            for name, tensor in model.state_dict().items()
            if name.startswith("backbone.")
        }
        assert ours == {f"backbone.{name}": shape for name, shape in shapes.items()}
