"""Public weights by name against their own libraries and transforms; random values, nothing is downloaded."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torchvision.models import video

from egokd.errors import UserError
from egokd.models import public
from egokd.models.build import build_model
from egokd.sampling.modalities.rgb import IMAGENET_MEAN, IMAGENET_STD

HEADS = {"verb": 5, "noun": 7}
SIDE, FRAMES = 32, 4
SMALL_VIT = {"embed_dim": 32, "depth": 2, "num_heads": 2}
CREATE = timm.create_model


def pictures(frames: int) -> np.ndarray:
    """uint8 [T, H, W, 3]"""
    return np.random.default_rng(3).integers(0, 256, (frames, SIDE, SIDE, 3), np.uint8)


def our_input(frames_THWC: np.ndarray) -> torch.Tensor:
    """[1, 3, T, H, W] as the RGB input of this package is normalised."""
    x_THWC = torch.from_numpy(frames_THWC) / 255
    return ((x_THWC - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)).permute(3, 0, 1, 2)[None]


def test_our_pictures_are_normalised_as_assumed():
    assert public.IMAGENET_DEFAULT_MEAN == IMAGENET_MEAN and public.IMAGENET_DEFAULT_STD == IMAGENET_STD


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("vit_base_patch16_224.augreg2_in21k_ft_in1k", 0.5),
        ("vit_base_patch16_224.mae", 0.485),
        ("vit_base_patch16_224.bamboo", 0.48145466),
    ],
)
def test_timesformer_gives_timms_logits_for_timms_own_transform(monkeypatch, name, mean):
    """A fresh TimeSformer shown one picture in every frame is the image net."""
    torch.manual_seed(0)
    source = CREATE(name, pretrained=False, num_classes=0, img_size=SIDE, **SMALL_VIT).eval()
    assert source.pretrained_cfg["mean"][0] == mean
    monkeypatch.setattr(
        timm, "create_model", lambda *args, **chosen: source if chosen["pretrained"] else CREATE(*args, **chosen)
    )
    model = build_model("timesformer_b", "rgb", HEADS, FRAMES, SIDE, pretrained=name, **SMALL_VIT).eval()

    picture = pictures(1)
    config = resolve_data_config({"input_size": (3, SIDE, SIDE), "crop_pct": 1.0}, model=source)
    theirs = create_transform(**config)(Image.fromarray(picture[0]))[None]
    with torch.no_grad():
        expected = model.heads(source(theirs))
        found = model({"pixels": our_input(picture.repeat(FRAMES, 0))})
    for head, logits in expected.items():
        assert (found[head] - logits).abs().max() < 1e-5


def test_video_swin_gives_torchvisions_logits_for_its_own_transform(monkeypatch):
    torch.manual_seed(0)
    source = video.swin3d_t(weights=None).eval()
    chosen = video.Swin3D_T_Weights.KINETICS400_V1
    monkeypatch.setattr(type(chosen), "get_state_dict", lambda *args, **options: source.state_dict())
    model = build_model("video_swin_t", "rgb", {"action": 400}, FRAMES, SIDE, pretrained="KINETICS400_V1").eval()
    model.heads.linear["action"].load_state_dict(source.head.state_dict())

    frames = pictures(FRAMES)
    transform = chosen.transforms(crop_size=(SIDE, SIDE), resize_size=(SIDE, SIDE))
    theirs = transform(torch.from_numpy(frames).permute(0, 3, 1, 2))[None]
    with torch.no_grad():
        assert (model({"pixels": our_input(frames)})["action"] - source(theirs)).abs().max() < 1e-5


def test_inputs_that_are_no_pictures_leave_the_weights_as_they_are(monkeypatch):
    name = "vit_base_patch16_224.augreg2_in21k_ft_in1k"
    source = CREATE(name, pretrained=False, num_classes=0, img_size=SIDE, **SMALL_VIT)
    monkeypatch.setattr(
        timm, "create_model", lambda *args, **chosen: source if chosen["pretrained"] else CREATE(*args, **chosen)
    )
    nets = {m: build_model("timesformer_b", m, HEADS, 2, SIDE, pretrained=name, **SMALL_VIT) for m in ("flow", "rgb")}
    assert torch.equal(nets["flow"].patch_embed.proj.weight, source.patch_embed.proj.weight)
    assert not torch.equal(nets["rgb"].patch_embed.proj.weight, source.patch_embed.proj.weight)


@pytest.mark.parametrize(
    ("net", "name", "message"),
    [
        ("video_swin_t", "KINETICS", "did you mean 'KINETICS400_V1'"),
        ("timesformer_b", "vit_base_patch16_224.augreg", "not on offer.*did you mean 'vit_base_patch16_224"),
        ("stlt", "anything", "no public weights"),
    ],
)
def test_unknown_public_weights_are_refused_without_a_download(net, name, message):
    modality = "obj" if net == "stlt" else "rgb"
    with pytest.raises(UserError, match=message), torch.device("meta"):
        build_model(net, modality, {"action": 3}, 2, 32, pretrained=name)
