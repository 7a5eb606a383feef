"""A run of the training loop as a process of its own, small enough to be killed in tests.

python toy_training.py FOLDER [EPOCHS] [MODE]; MODE: plain, nan (the labels' weight turns NaN at step 30), slow.
"""

import sys
import time
from pathlib import Path

import torch

from egokd import runtime
from egokd.machine.placement import placement_of
from egokd.models.files import write_weights
from egokd.training import loop
from egokd.training.loop import Batch, Schedule, label_loss, train
from egokd.training.state import StateFile, fingerprint_of

SEGMENTS, BATCH, STEPS = 40, 8, 5


class Toy(torch.nn.Module):
    """Two layers and dropout: enough for the order of random numbers to matter."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Dropout(0.3))
        self.norm = torch.nn.BatchNorm1d(16)
        self.heads = torch.nn.ModuleDict({"verb": torch.nn.Linear(16, 3), "noun": torch.nn.Linear(16, 4)})

    def forward(self, inputs):
        x = self.norm(self.body(inputs["pixels"]))
        return {head: layer(x) for head, layer in self.heads.items()}


def make_batches(mode="plain", marks=None):
    """Batches that follow from (epoch, place) alone."""
    random = torch.Generator().manual_seed(0)
    pixels = torch.randn(SEGMENTS, 6, generator=random)
    labels = torch.stack([pixels[:, :3].argmax(1), pixels[:, 2:].argmax(1)], dim=1)

    def batches(epoch, skip):
        order = torch.randperm(SEGMENTS, generator=torch.Generator().manual_seed(epoch))
        for place in range(skip, STEPS):
            rows = order[place * BATCH : (place + 1) * BATCH]
            step = epoch * STEPS + place
            x = pixels[rows].clone()
            if mode == "nan" and step == 30:
                x[0, 0] = float("nan")
            if mode == "slow":
                time.sleep(0.1)
                if marks is not None:
                    marks.write_text(str(step))
            yield Batch({"pixels": x}, labels[rows])

    return batches


def make_plan(epochs):
    return Schedule(epochs, STEPS, warmup_steps=5, lr=0.01, weight_decay=0.02, clip_norm=1.0, seed=3)


def run(folder, epochs=12, mode="plain"):
    """Train and write the weights; returns the history."""
    torch.manual_seed(0)
    model = Toy()
    state = StateFile(folder / "state", fingerprint_of({"epochs": epochs}))
    loss = label_loss(["verb", "noun"], 0.0)
    batches = make_batches(mode, folder / "step.txt")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a process of its own: sums depend on the number of threads
    history = train(model, batches, loss, make_plan(epochs), placement_of(torch.device("cpu")), state, "toy")
    torch.set_num_threads(threads)
    write_weights(folder / "model.safetensors", model.state_dict())
    state.remove()
    return history


def main():
    folder = Path(sys.argv[1])
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    mode = sys.argv[3] if len(sys.argv) > 3 else "plain"
    folder.mkdir(parents=True, exist_ok=True)
    runtime.start("toy", 1)
    loop.SAVE_EVERY_S, loop.SAVING_SHARE = 0.2, 1.0  # several saves inside an epoch that lasts half a second
    run(folder, epochs, mode)


if __name__ == "__main__":
    runtime.run(main)
