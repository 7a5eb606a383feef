"""Exported nets give the logits of the nets they were made of, for any number of clips, and say how nearly.

Exporting a net takes seconds, a transformer with shifted windows half a minute: all nets in all formats are slow tests.
"""

import json

import numpy as np
import pytest
import torch

import egokd
from egokd.errors import UserError
from egokd.models.build import build_model, example_inputs
from egokd.models.nets import NETS
from egokd.portable import export as exporting
from egokd.portable.export import difference, export_model, program_of, read_program, write_program
from media_files import make_video
from packed_model import inputs_of, packed_model
from rehearsal import REDUCED

HEADS = {"verb": 5, "noun": 7}
FRAMES, SIZE = 4, 32
SHIFTED = {"depths": (2, 1)}  # the second block of a stage shifts its windows
pytest.importorskip("onnxscript", reason="the extra `export` is not installed")


def reduced(net, **options):
    """(a small net of the kind, its modality)."""
    modality = NETS[net].modalities[0]
    options = {**REDUCED[net], **options}
    if net.startswith("video_swin"):
        options |= SHIFTED
    torch.manual_seed(0)
    return build_model(net, modality, HEADS, FRAMES, SIZE, **options).eval(), modality


def clips(net, modality, counts=(1, 5)):
    torch.manual_seed(1)
    return [example_inputs(net, modality, FRAMES, SIZE, batch) for batch in counts]


def exported(net, path):
    model, modality = reduced(net)
    example = example_inputs(net, modality, FRAMES, SIZE, 2)
    program = program_of(model, example, list(HEADS))
    write_program(program, path, list(example), list(HEADS))
    return difference(model, read_program(path, list(HEADS)), clips(net, modality), "random numbers")


def test_the_number_of_clips_is_free_where_it_was_easily_built_in(tmp_path):
    assert exported("stlt", tmp_path / "model.pt2").largest < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("net", list(NETS))
@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
def test_every_net_gives_its_logits_in_every_format(tmp_path, net, suffix):
    assert exported(net, tmp_path / f"model.{suffix}").largest < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
def test_swin_t_at_full_size_gives_its_logits(tmp_path, suffix):
    torch.manual_seed(0)
    model = build_model("video_swin_t", "rgb", {"verb": 97, "noun": 300}, 16, 224).eval()
    example = example_inputs("video_swin_t", "rgb", 16, 224, 2)
    path = tmp_path / f"model.{suffix}"
    write_program(program_of(model, example, ["verb", "noun"]), path, ["pixels"], ["verb", "noun"])
    batch = [example_inputs("video_swin_t", "rgb", 16, 224, 1)]
    assert difference(model, read_program(path, ["verb", "noun"]), batch, "random numbers").largest < 1e-4


def test_an_exported_folder_predicts_like_the_model_and_says_how_near_it_is(tmp_path):
    model = packed_model(tmp_path / "seed0", inputs=inputs_of(views=(2, 1)))
    video = make_video(tmp_path / "clip.mp4", frames=50)
    student = egokd.load(model, device="cpu")
    found = export_model(model, "onnx", tmp_path / "onnx", student.inputs_of([video]), "clip.mp4")
    assert [(entry.inputs, entry.clips) for entry in found] == [("random numbers", 4), ("clips of clip.mp4", 2)]
    stated = json.loads((tmp_path / "onnx" / "preprocessing.json").read_text())
    assert [entry["largest"] for entry in stated["largest_difference_of_logits"]] == [entry.largest for entry in found]
    assert stated["inputs"] == {"pixels": {"shape": ["batch", 3, 4, 32, 32], "type": "float32"}}
    assert stated["outputs"]["verb"] == {"shape": ["batch", 3], "type": "float32"}
    ours, theirs = (egokd.load(at, device="cpu").predict(video)[0] for at in (model, tmp_path / "onnx"))
    for head in ("verb", "noun"):
        assert theirs.logits[head] == pytest.approx(ours.logits[head], abs=1e-4)
        assert np.abs(ours.logits[head]).max() > 1e-2


def test_a_file_that_differs_is_not_left_behind(tmp_path, monkeypatch):
    model = packed_model(tmp_path / "seed0")
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(UserError, match="differ from the net's"):
        export_model(model, "torch", tmp_path / "out")
    assert not (tmp_path / "out" / "model.pt2").exists()


def test_a_missing_package_is_named_with_the_way_to_it(tmp_path, monkeypatch):
    model = packed_model(tmp_path / "seed0")
    monkeypatch.setattr(exporting.onnx_net, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"onnx, onnxscript, onnxruntime is not installed.*--extra export"):
        export_model(model, "onnx", tmp_path / "out")


def test_a_damaged_onnx_file_is_one_sentence(tmp_path):
    model = packed_model(tmp_path / "seed0")
    (model / "model.safetensors").unlink()
    (model / "model.onnx").write_bytes(b"junk")
    with pytest.raises(UserError, match="ONNX Runtime cannot read it"):
        egokd.load(model)
