"""Measure size and speed of trained nets: models -> one JSON with an entry per model.

Speed is that of the device this runs on (named in the file), one clip per pass, in float32: a comparison of nets with
each other, not a benchmark of the machine.
"""

import argparse
from pathlib import Path

import torch

from egokd import cost, runtime
from egokd.io import write_json
from egokd.models.build import example_inputs, load_model

REPEATS = 20


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="paths .../{model}/seed{seed}/model...")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("measure_cost", args.threads)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    costs = {}
    for path in args.models:
        model, description = load_model(path)
        keys = ("net", "modality", "num_frames", "size")
        inputs = example_inputs(**{key: description[key] for key in keys})
        on_device = {name: tensor.to(device) for name, tensor in inputs.items()}
        costs[path.parent.parent.name] = {
            "net": description["net"],
            "params_m": cost.count_parameters(model) / 1e6,
            "gflops_per_view": cost.gflops_per_view(model, inputs),
            "clips_per_s": cost.clips_per_second(model.to(device), on_device, REPEATS),
            "device": torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {args.threads} thread(s)",
        }
        runtime.log.info("%s: %s", path.parent.parent.name, costs[path.parent.parent.name])
    write_json(args.out, costs)


if __name__ == "__main__":
    runtime.run(main)
