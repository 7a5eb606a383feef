"""An exported net as a second runtime: ONNX Runtime behind the same call as a net of PyTorch."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egokd.errors import UserError
from egokd.portable.settings import Portable

FILE = "model.onnx"
EXTRA = "install the extra `export`: uv sync --extra export, or pip install 'egokd[export]'"


def need(*packages: str) -> None:
    """UserError unless these optional packages are there."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(f"{', '.join(missing)} is not installed; {EXTRA}")


def is_exported(folder: Path) -> bool:
    """Whether a folder holds an exported net and not weights."""
    return (folder / FILE).is_file() and not (folder / "model.safetensors").is_file()


def load_exported(folder: Path, settings: Portable) -> "OnnxNet":
    """The exported net of a folder; UserError where ONNX Runtime is not installed or cannot read it."""
    need("onnxruntime")
    net = OnnxNet(folder / FILE)
    if sorted(net.heads) != sorted(settings.classes):
        raise UserError(
            f"{folder / FILE}: gives {net.heads}, but inference.json has the heads {list(settings.classes)}"
        )
    return net


class OnnxNet(nn.Module):
    """{input: tensor [B, ...]} -> {head: logits float32 [B, K]}, computed by ONNX Runtime on the CPU.

    It has no parameters: moving it to another device changes nothing, and its inputs are brought to the CPU.
    """

    def __init__(self, path: Path):
        super().__init__()
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as problems

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self.session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except (problems.InvalidProtobuf, problems.InvalidGraph, problems.Fail, problems.NotImplemented) as error:
            raise UserError(f"{path}: ONNX Runtime cannot read it ({error}); export it again") from None
        self.heads = [output.name for output in self.session.get_outputs()]
        self.inputs = [given.name for given in self.session.get_inputs()]

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        feed = {name: inputs[name].cpu().numpy() for name in self.inputs}
        return {head: torch.from_numpy(x) for head, x in zip(self.heads, self.session.run(None, feed), strict=True)}
