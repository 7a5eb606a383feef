"""Parameters, multiply-accumulates and speed."""

import json

import pytest
import torch
from torch import nn

from egokd.evaluation.cost import clips_per_second, count_parameters, gflops_per_view
from egokd.models.build import build_model, example_inputs
from egokd.models.files import save_model
from egokd.steps.measure_cost import main as measure_cost


def published(net: str, modality: str, classes: int, frames: int) -> tuple[float, float]:
    """(parameters in millions, GFLOPs per view at 224 pixels); weights are shapes only, so this is quick."""
    with torch.device("meta"):
        model = build_model(net, modality, {"action": classes}, frames, 224)
        inputs = example_inputs(net, modality, frames, 224)
    return count_parameters(model) / 1e6, gflops_per_view(model, inputs)


@pytest.mark.parametrize(
    ("net", "frames", "parameters", "gflops"),
    [
        ("video_swin_t", 32, 28.2, 87.9),  # Video-Swin-Transformer README, Kinetics-400, 400 classes
        ("video_swin_s", 32, 49.8, 165.9),
        ("video_swin_b", 32, 88.1, 281.6),
        ("timesformer_b", 8, 121.4, 196.7),  # paper: 121.4 M, 590 GFLOPs for three views
    ],
)
def test_published_costs(net, frames, parameters, gflops):
    found = published(net, "rgb", 400, frames)
    assert found == pytest.approx((parameters, gflops), rel=0.01)


def test_half_the_frames_cost_half():
    assert published("video_swin_t", "rgb", 400, 16)[1] == pytest.approx(87.9 / 2, rel=0.01)


def test_sound_and_boxes_cost_what_their_own_shapes_cost():
    with torch.device("meta"):
        model = build_model("video_swin_t", "audio", {"action": 10}, 16, 224)
        square, true = (example_inputs("video_swin_t", "audio", 16, 224, shape=shape) for shape in (None, (128, 224)))
    assert true["pixels"].shape == (1, 1, 16, 128, 224)
    assert gflops_per_view(model, square) == pytest.approx(43.9, rel=0.01)
    assert gflops_per_view(model, true) == pytest.approx(29.5, rel=0.01)
    assert example_inputs("stlt", "obj", 4, 224, shape=[6])["boxes"].shape == (1, 4, 6, 4)


def test_the_step_measures_each_net_on_its_own_shape(tmp_path):
    options = {"width": 8}
    for modality in ("rgb", "audio"):
        build = {"net": "small", "modality": modality, "heads": {"verb": 3}, "num_frames": 2, "size": 32}
        model = build_model(**build, **options)
        save_model(tmp_path / modality / "seed0" / "model.safetensors", model, {**build, "options": options})
    models = [str(tmp_path / modality / "seed0" / "model.safetensors") for modality in ("rgb", "audio")]
    out = tmp_path / "cost.json"
    arguments = ["--models", *models, "--gpus", "0", "--threads", "1", "--out", str(out)]

    def measured(bands: int) -> dict:
        windows = {"window_s": 0.5, "n_fft": 512, "win_length": 400, "hop_length": 250, "n_mels": bands, "mean": 0.0}
        windows |= {"std": 1.0, "time_mask": 0, "freq_mask": 0}
        audio = {"inputs": windows, "stored": {"sample_rate": 16000, "margin_s": 0.5}}
        measure_cost([*arguments, "--settings", json.dumps({"rgb": {"inputs": {}, "stored": {}}, "audio": audio})])
        return json.loads(out.read_text())

    few, many = measured(16), measured(64)
    assert few["rgb"]["gflops_per_view"] == many["rgb"]["gflops_per_view"]
    assert few["audio"]["gflops_per_view"] == pytest.approx(many["audio"]["gflops_per_view"] / 4, rel=0.15)


def test_stlt_by_hand_with_attention_counted():
    """Multiply-accumulates per token: 12 D^2 in the layers, 2 L D in attention of length L; 5 D in the embedding."""
    width, frames, boxes, classes = 768, 16, 14, 174
    spatial, temporal = frames * (boxes + 1), frames + 1
    expected = 6 * spatial * (12 * width**2 + 2 * (boxes + 1) * width)
    expected += 6 * temporal * (12 * width**2 + 2 * temporal * width)
    expected += frames * boxes * 5 * width + classes * width
    assert published("stlt", "obj", classes, frames)[1] * 1e9 == pytest.approx(expected, rel=1e-6)


class Joined(nn.Module):
    """Pixels through PyTorch's own encoder layer, which has a fast path that hides from the counter."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 32, batch_first=True)

    def forward(self, inputs):
        return {"verb": self.layer(inputs["pixels"])}


def test_fast_paths_are_seen_and_nothing_is_changed():
    model, inputs = Joined().train(), {"pixels": torch.randn(4, 5, 8)}
    tokens = 5
    assert gflops_per_view(model, inputs) * 1e9 == pytest.approx(tokens * (12 * 64 + 2 * tokens * 8))
    assert model.training and next(model.parameters()).device.type == "cpu"
    assert torch.backends.mha.get_fastpath_enabled()
    assert count_parameters(model) == 4 * 64 + 4 * 8 + 2 * 256 + 40 + 4 * 8


def test_clips_per_second():
    model, inputs = Joined().eval(), {"pixels": torch.randn(4, 5, 8)}
    assert clips_per_second(model, inputs, repeats=3) > 4
