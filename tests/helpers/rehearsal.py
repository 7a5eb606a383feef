"""A rehearsal of GPU runs without a GPU: nets are trained, resumed and run on the CPU, placed as on a GPU.

What differs on a GPU is a value (`egokd.machine.placement.Placement`), which is made here for a made-up card and then
used with the CPU. Tensors that would lie on the wrong device are found with fake tensors, which have a device and a
shape and nothing in them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from egokd.evaluation.inference import logits_of
from egokd.machine.placement import Placement, placement_of
from egokd.machine.processes import Group
from egokd.models.build import build_model, example_inputs, load_model
from egokd.models.files import save_model
from egokd.training import loop
from egokd.training.loop import Batch, Loss, Schedule, label_loss, student_loss, train
from egokd.training.state import StateFile

HEADS = {"verb": 5, "noun": 7}
FRAMES, SIZE, BATCH, STEPS = 4, 32, 4, 2
SWIN = {"embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "window_size": (2, 3, 3)}
# options that make each net small; a net that is missing here fails the rehearsal
REDUCED = {
    "small": {"width": 8},
    "small_boxes": {"width": 16},
    "video_swin_t": SWIN,
    "video_swin_s": SWIN,
    "video_swin_b": SWIN,
    "timesformer_b": {"embed_dim": 16, "num_heads": 2, "depth": 1},
    "stlt": {"width": 16, "num_heads": 2, "spatial_layers": 1, "temporal_layers": 1},
}


def card(*capability: int) -> Placement:
    """The placement for a card of this compute capability, on the CPU."""
    with mock.patch.object(torch.cuda, "get_device_capability", return_value=capability):
        return replace(placement_of(torch.device("cuda")), device=torch.device("cpu"))


@contextmanager
def switches_put_back() -> Iterator[None]:
    """At the end, PyTorch's switches for this process are those of a CPU."""
    precision, tf32 = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = tf32


class Rehearsal:
    """One net, its batches and its loss.

    taught   by logits of teachers, as a student
    options  of the net, beside those that make it small
    loss     in place of the usual one
    """

    def __init__(
        self,
        net: str,
        modality: str,
        placement: Placement,
        folder: Path,
        taught: bool = False,
        options: dict | None = None,
        loss: Loss | None = None,
    ):
        self.net, self.modality, self.placement, self.folder = net, modality, placement, folder
        self.options = {**(options or {}), **REDUCED[net]}
        usual = student_loss(list(HEADS), 2.0, 1.0, 0.5, 0.1) if taught else label_loss(list(HEADS), 0.1)
        self.loss = loss or usual
        self.build = {"net": net, "modality": modality, "heads": HEADS, "num_frames": FRAMES, "size": SIZE}
        torch.manual_seed(0)
        self.clips = [example_inputs(net, modality, FRAMES, SIZE, BATCH) for _ in range(STEPS)]
        self.labels = [torch.stack([torch.randint(n, (BATCH,)) for n in HEADS.values()], 1) for _ in range(STEPS)]
        teacher = {head: torch.randn(BATCH, count) for head, count in HEADS.items()}
        self.teacher = teacher if taught else None

    def model(self) -> nn.Module:
        """A fresh net, the same at each call."""
        torch.manual_seed(1)
        return build_model(**self.build, **self.options)

    def batches(self, killed_at: int | None = None, share: slice = slice(None)) -> Callable:
        """What `train` asks for batches; a run is killed before step `killed_at`."""

        def of_epoch(epoch: int, skip: int) -> Iterator[Batch]:
            for step in range(skip, STEPS):
                if step == killed_at:
                    raise KeyboardInterrupt
                clip = {name: values[share] for name, values in self.clips[step].items()}
                teacher = self.teacher and {head: values[share] for head, values in self.teacher.items()}
                yield Batch(clip, self.labels[step][share], teacher)

        return of_epoch

    def checked(self, logits: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """The loss, of logits in full precision."""
        assert_full_precision(logits)
        return self.loss(logits, batch)

    def train(self, name: str, model: nn.Module, compiled: bool = False, group: Group | None = None, **batches) -> None:
        """Train `model` with a state of this name, saved after every step."""
        plan = Schedule(1, STEPS, 0, lr=1e-2, weight_decay=0.02, clip_norm=1.0, seed=3)
        state = StateFile(self.folder / name, "rehearsal")
        with mock.patch.multiple(loop, SAVE_EVERY_S=-1.0, SAVING_SHARE=float("inf")):
            history = train(
                model, self.batches(**batches), self.checked, plan, self.placement, state, name, compiled, group
            )
        assert np.isfinite(history[0]["loss"])

    def train_and_resume(self) -> nn.Module:
        """Train undisturbed, and killed and resumed: both must end with the same weights, other than at the start."""
        model, resumed, start = self.model(), self.model(), self.model().state_dict()
        self.train("undisturbed", model)
        try:
            self.train("killed", self.model(), killed_at=1)
        except KeyboardInterrupt:
            self.train("killed", resumed)
        for name, values in model.state_dict().items():
            assert torch.equal(values, resumed.state_dict()[name]), f"{name} differs after resuming"
        changed = [name for name, values in model.named_parameters() if not torch.equal(values, start[name])]
        assert any(name.startswith("heads.") for name in changed) and len(changed) > len(HEADS) * 2
        kernels = [parameter for parameter in model.parameters() if parameter.ndim == 4]
        assert all(kernel.is_contiguous(memory_format=self.placement.memory_format) for kernel in kernels)
        return model

    def predict(self, model: nn.Module) -> None:
        """Write the model, read it and run it over all clips; logits must be in full precision and finite."""
        path = self.folder / "model.safetensors"
        save_model(path, model, {**self.build, "options": self.options})
        loaded, _ = load_model(path)
        loaded.register_forward_hook(lambda module, inputs, logits: assert_full_precision(logits))
        rows = np.arange(BATCH)
        batches = ((rows, np.zeros_like(rows), clip) for clip in self.clips)
        for _, _, logits in logits_of(loaded, batches, self.placement, BATCH):
            assert {head: values.shape for head, values in logits.items()} == {h: (BATCH, n) for h, n in HEADS.items()}
            assert all(np.isfinite(values).all() for values in logits.values())

    def devices(self) -> None:
        """Forward pass and loss with fake tensors on a fake GPU: a tensor that lies elsewhere raises."""
        model, mode = self.model(), FakeTensorMode()

        def moved(tensor: Tensor) -> Tensor:
            return mode.from_tensor(tensor).detach().to("cuda")

        with mode:
            weights = {name: moved(value) for name, value in model.named_parameters()}
            weights |= {name: moved(value) for name, value in model.named_buffers()}
            clip = {name: moved(values) for name, values in self.clips[0].items()}
            teacher = self.teacher and {head: moved(values) for head, values in self.teacher.items()}
            logits = torch.func.functional_call(model, weights, (clip,))
            loss = self.checked(logits, Batch(clip, moved(self.labels[0]), teacher))["loss"]
        assert all(values.device.type == "cuda" for values in [loss, *logits.values()])

    def whole(self) -> None:
        """All of it."""
        self.devices()
        self.predict(self.train_and_resume())


def assert_full_precision(logits: dict[str, Tensor]) -> None:
    types = {head: values.dtype for head, values in logits.items()}
    assert set(types.values()) == {torch.float32}, f"logits must be float32, got {types}"
