"""Measure size and speed of trained nets: models -> one JSON with an entry per model.

Speed is measured on the device of this job, which the file names, with one clip per forward pass in float32. It
compares nets with each other and is no benchmark of the machine. Sound and boxes have shapes of their own (--shapes): a
spectrogram is no square.
"""

import argparse
import json
from pathlib import Path

import torch

from egokd import runtime
from egokd.evaluation import cost
from egokd.io import write_json
from egokd.machine.processes import one_device
from egokd.models.build import example_inputs, load_model

REPEATS = 20


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="paths .../{model}/seed{seed}/model...")
    parser.add_argument(
        "--shapes",
        type=json.loads,
        default={},
        help='JSON, by modality: [mel bands, columns] of "audio", [boxes a frame] of "obj"; others are squares',
    )
    parser.add_argument("--gpus", type=int, default=1, help="0: CPU; 1: GPU where there is one")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("measure_cost", args.threads)

    with one_device(args.gpus) as device:
        measured = {path.parent.parent.name: measure(path, device, args.threads, args.shapes) for path in args.models}
        write_json(args.out, measured)


def measure(path: Path, device: torch.device, threads: int, shapes: dict[str, list[int]]) -> dict[str, object]:
    """Size and speed of one model; `shapes`: of the inputs that are no squares, by modality."""
    model, description = load_model(path)
    shape = shapes.get(description["modality"])
    keys = ("net", "modality", "num_frames", "size")
    inputs = example_inputs(**{key: description[key] for key in keys}, shape=shape)
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
