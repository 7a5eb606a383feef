"""A net as one file that runs without this project: ONNX, or PyTorch's own exported program; checked against the net.

Inputs and outputs keep the names that the net has for them; the number of clips is free, all else is fixed. What the
net is to be fed is written down beside it, in preprocessing.json.
"""

import logging
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egokd.errors import UserError
from egokd.io import atomic_path, write_json
from egokd.modalities import load as load_modality
from egokd.models.build import load_model
from egokd.portable import onnx_net
from egokd.portable.settings import FILE as SETTINGS_FILE
from egokd.portable.settings import Inputs, Portable, read_portable
from egokd.sampling.modalities.opened import settings_of

FORMATS = {"onnx": onnx_net.FILE, "torch": "model.pt2"}
OPSET = 20  # of ONNX: the first with GELU, which all transformers here use
RANDOM_BATCHES = (1, 3)  # clips; the example has two, so that neither number can have been built in
TOLERANCE = 1e-4  # of a logit; a file that differs by more is not written
SEED = 0


class _Pixels(nn.Module):
    """A net over pixels with named arguments and its heads in a fixed order."""

    def __init__(self, net: nn.Module, heads: list[str]):
        super().__init__()
        self.net, self.heads = net, heads

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        out = self.net({"pixels": pixels})
        return tuple(out[head] for head in self.heads)


class _Boxes(nn.Module):
    """The same over boxes."""

    def __init__(self, net: nn.Module, heads: list[str]):
        super().__init__()
        self.net, self.heads = net, heads

    def forward(
        self, boxes: Tensor, category: Tensor, score: Tensor, side: Tensor, state: Tensor
    ) -> tuple[Tensor, ...]:
        out = self.net({"boxes": boxes, "category": category, "score": score, "side": side, "state": state})
        return tuple(out[head] for head in self.heads)


@dataclass(frozen=True)
class Difference:
    """How far an exported net is from the net it was made of: the largest difference of any logit.

    clips  how many were compared, `inputs` of which kind: random numbers, or real clips of these videos
    """

    inputs: str
    clips: int
    largest: float


def program_of(net: nn.Module, example: dict[str, Tensor], heads: list[str]) -> torch.export.ExportedProgram:
    """The net as PyTorch's exported program, for any number of clips of the shape of `example` (at least two clips)."""
    wrapped = (_Boxes if "boxes" in example else _Pixels)(net, heads).eval()
    free = {name: {0: torch.export.Dim("batch", min=1)} for name in example}
    with _quiet():
        return torch.export.export(wrapped, (), kwargs=example, dynamic_shapes=free)


def write_program(program: torch.export.ExportedProgram, path: Path, inputs: list[str], heads: list[str]) -> None:
    """Write a program to `path`, as ONNX or in PyTorch's format, by the suffix."""
    with atomic_path(path) as temporary:
        if path.suffix == ".pt2":
            torch.export.save(program, temporary)
            return
        with _quiet():
            model: Any = torch.onnx.export(
                program, dynamo=True, input_names=inputs, output_names=heads, opset_version=OPSET, verbose=False
            )
        model.save(temporary)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks to its own developers."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def read_program(path: Path, heads: list[str]) -> nn.Module:
    """An exported file as a net: {input: tensor} -> {head: logits}."""
    return onnx_net.OnnxNet(path) if path.suffix == ".onnx" else _Program(path, heads)


class _Program(nn.Module):
    def __init__(self, path: Path, heads: list[str]):
        super().__init__()
        self.program, self.heads = torch.export.load(path).module(), heads

    def eval(self) -> "_Program":
        """It is in evaluation mode for good."""
        return self

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return dict(zip(self.heads, self.program(**inputs), strict=True))


def difference(net: nn.Module, exported: nn.Module, batches: Iterable[dict[str, Tensor]], what: str) -> Difference:
    """Compare two nets on batches of inputs on the CPU."""
    largest, clips = 0.0, 0
    with torch.inference_mode():
        for inputs in batches:
            ours, theirs = net(inputs), exported(inputs)
            largest = max(largest, *(float((ours[head] - theirs[head]).abs().max()) for head in ours))
            clips += len(next(iter(inputs.values())))
    return Difference(what, clips, largest)


def random_inputs(inputs: Inputs, clips: int) -> dict[str, Tensor]:
    """Random inputs in the shape that the experiment gives its nets."""
    chosen = settings_of(inputs.modality, inputs.slice.inputs.get(inputs.modality, {}))
    stored = inputs.audio.model_dump() if inputs.audio else {}
    frames, size = inputs.slice.views.num_frames, inputs.slice.size
    return load_modality(inputs.modality).example(clips, frames, size, chosen, stored)


def export_model(
    folder: Path, kind: str, out: Path, real: Iterable[dict[str, Tensor]] = (), real_name: str = ""
) -> list[Difference]:
    """Export the model in `folder` into the folder `out`; return what the comparison with the net found.

    kind  `onnx` or `torch`; real: batches of real clips to compare on, from the videos that `real_name` names

    Raises UserError for an unknown kind, a missing package, and if logits differ by more than `TOLERANCE`; then no
    exported file is left.
    """
    if kind not in FORMATS:
        raise UserError(f"unknown format {kind!r} of export; there are {', '.join(FORMATS)}")
    if kind == "onnx":
        onnx_net.need("onnx", "onnxscript", "onnxruntime")
    settings = read_portable(folder)
    net, description = load_model(folder / "model.safetensors")
    heads = list(settings.classes)
    torch.manual_seed(SEED)
    example = random_inputs(settings.inputs, 2)
    path = out / FORMATS[kind]
    write_program(program_of(net, example, heads), path, list(example), heads)
    exported = read_program(path, heads)
    found = [difference(net, exported, (random_inputs(settings.inputs, n) for n in RANDOM_BATCHES), "random numbers")]
    found += [on_real] if (on_real := difference(net, exported, real, f"clips of {real_name}")).clips else []
    if (worst := max(entry.largest for entry in found)) > TOLERANCE:
        path.unlink()
        raise UserError(f"{path}: its logits differ from the net's by up to {worst:.2g}, more than {TOLERANCE:g}")
    write_json(out / "preprocessing.json", preprocessing(settings, description, example, kind, found))
    shutil.copyfile(folder / SETTINGS_FILE, out / SETTINGS_FILE)
    return found


def preprocessing(
    settings: Portable, description: dict[str, Any], example: dict[str, Tensor], kind: str, found: list[Difference]
) -> dict[str, Any]:
    """The content of preprocessing.json: what an exported net is fed and gives, in words and numbers."""
    inputs = settings.inputs
    views, frames = inputs.slice.views, inputs.frames
    clips, crops = inputs.views
    if views.sampling == "uniform":
        times = (
            f"the segment is cut into {views.num_frames} equal parts; clip c of {clips} takes the frame at (c + 0.5) / "
            f"{clips} of each part"
        )
    else:
        times = f"runs of {views.num_frames} frames, {views.stride_s} s apart, {clips} of them spread over the segment"
    steps = [
        f"decode the video; take frames at multiples of 1 / {frames.frame_rate:g} s, each the one nearest in time",
        f"scale frames to a short side of {frames.short_side} pixels (never larger than they are), each pixel the mean "
        f"of the area it covers; store as JPEG of quality {frames.jpeg_quality} with 4:2:0 colours, and decode",
        f"frames of a clip: {times}",
        f"crop a square as large as the short side, {'in the centre' if crops == 1 else 'left, centre and right'}; "
        f"resize it to {inputs.slice.size} x {inputs.slice.size} (linear; area where it shrinks by more than 1.5)",
        "average the logits of all views, multiply by logit_scale, and take the softmax of each head",
    ]
    modality = load_modality(inputs.modality)
    out: dict[str, Any] = {
        "file": FORMATS[kind],
        "net": description["net"],
        "inputs": {
            name: {"shape": ["batch", *tensor.shape[1:]], "type": str(tensor.dtype).removeprefix("torch.")}
            for name, tensor in example.items()
        },
        "outputs": {
            head: {"shape": ["batch", len(names)], "type": "float32"} for head, names in settings.classes.items()
        },
        "classes": settings.classes,
        "logit_scale": settings.logit_scale,
        "views_per_segment": clips * crops,
        "steps": steps,
    }
    if inputs.modality == "rgb":
        out["layout"] = "pixels [batch, channels R G B, frames, height, width]; (value / 255 - mean) / std"
        out |= {"mean": list(modality.IMAGENET_MEAN), "std": list(modality.IMAGENET_STD)}
    else:
        out["settings"] = inputs.slice.inputs.get(inputs.modality, {})
    out["largest_difference_of_logits"] = [asdict(entry) for entry in found]
    out["versions"] = {"torch": torch.__version__}
    return out
