"""Measure size and speed of trained nets: models -> one JSON with an entry per model.

Speed is measured on the device of this job, which the file names, with one clip per forward pass in float32. It
compares nets with each other and is no benchmark of the machine. Inputs have the shape that they have in the
experiment.
"""

import argparse
import json
from pathlib import Path

import torch

from egokd import runtime
from egokd.evaluation import cost
from egokd.io import write_json
from egokd.machine.processes import one_device
from egokd.modalities import PICTURES, load
from egokd.models.build import load_model
from egokd.names import OMNIVORE
from egokd.sampling.modalities.opened import settings_of

REPEATS = 20


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="paths .../{model}/seed{seed}/model...")
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="JSON: by modality, its inputs and how it is stored"
    )
    parser.add_argument("--gpus", type=int, default=1, help="0: CPU; 1: GPU where there is one")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("measure_cost", args.threads)

    with one_device(args.gpus) as device:
        found = {path.parent.parent.name: measure(path, args.settings, device, args.threads) for path in args.models}
        write_json(args.out, found, sealed=True)


def example(description: dict, settings: dict[str, dict]) -> dict[str, torch.Tensor]:
    """One random clip for a model."""
    modality = description["modality"]
    entry = settings[modality]
    name = PICTURES if modality == OMNIVORE else modality
    chosen = settings_of(name, entry["inputs"])
    return load(name).example(1, description["num_frames"], description["size"], chosen, entry["stored"])


def measure(path: Path, settings: dict[str, dict], device: torch.device, threads: int) -> dict[str, object]:
    """The entry of one model."""
    model, description = load_model(path)
    inputs = example(description, settings)
    on_device = {name: tensor.to(device) for name, tensor in inputs.items()}
    entry = {
        "net": description["net"],
        "params_m": cost.count_parameters(model) / 1e6,
        "gflops_per_view": cost.gflops_per_view(model, inputs),
        "clips_per_s": cost.clips_per_second(model.to(device), on_device, REPEATS),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {threads} thread(s)",
    }
    runtime.log.info("%s: %s", path.parent.parent.name, entry)
    return entry


if __name__ == "__main__":
    runtime.run(main)
