"""How fast a net answers on the CPU, by runtime: PyTorch, compiled, ONNX Runtime, and that with 8-bit weights.

    python tests/benchmarks/bench_exported.py --model results/models/epic/student_heldout/seed0 --validation results
    python tests/benchmarks/bench_exported.py --net video_swin_t --frames 16 --size 224

One clip per call; processor time of the shortest of `--repeats` calls, which with one thread is what the call takes on
an idle machine. With `--validation`, a folder of results, also the top-1 accuracy of each runtime on the validation
segments, in percent.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from egokd.datasets.segments import read_segments, select
from egokd.models.build import build_model, example_inputs, load_model
from egokd.portable.export import program_of, write_program
from egokd.portable.onnx_net import OnnxNet
from egokd.portable.settings import read_portable
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.loading import collate, finish
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from egokd.sampling.rows import shard_paths

HEADS = {"verb": 97, "noun": 300}  # of EPIC-KITCHENS-100


def milliseconds(net, inputs, repeats):
    """Processor time of the shortest of `repeats` calls, after two to warm up."""
    took = []
    with torch.inference_mode():
        for _ in range(repeats + 2):
            began = time.process_time()
            net(inputs)
            took.append(1e3 * (time.process_time() - began))
    return min(took[2:])


def int8(path, out):
    """8-bit weights of all layers, activations quantised as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(path, out, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": 1})
    return OnnxNet(out)


def validation(folder, results):
    """Batches of the validation clips with their labels, from the stores of a run."""
    settings = read_portable(folder)
    inputs, data = settings.inputs, Path(results) / "data" / settings.dataset
    rows = select(read_segments(data / "segments.parquet").table, "val")
    stores = [Path(results).parent / path for path in shard_paths([data / "rgb" / "shards.json"])]
    opened = open_modalities(inputs.slice.inputs, {"rgb": stores}, Shared(inputs.slice.size, inputs.slice.frame_rate))
    dataset = ViewDataset(rows, "rgb", opened, inputs.slice.views, 0, False, list(settings.classes))
    for first in range(0, len(rows), 16):
        items = [dataset[(row, 0)] for row in range(first, min(first + 16, len(rows)))]
        batch = collate(items)
        yield finish(batch, "rgb", "cpu"), batch["labels"].numpy()


def accuracy(net, heads, batches):
    """Top-1 accuracy of each head, in percent."""
    with torch.inference_mode():
        right = [
            np.stack([net(inputs)[head].argmax(1).numpy() == labels[:, place] for place, head in enumerate(heads)])
            for inputs, labels in batches
        ]
    return dict(zip(heads, (100 * np.concatenate(right, axis=1).mean(axis=1)).round(2).tolist(), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a packed model that reads rgb")
    parser.add_argument("--net", default="video_swin_t", help="without --model: a net with fresh weights")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--validation", type=Path, help="folder of results, for accuracy")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.model:
        net, description = load_model(args.model / "model.safetensors")
        name, frames, size, heads = (description[key] for key in ("net", "num_frames", "size", "heads"))
    else:
        name, frames, size, heads = args.net, args.frames, args.size, HEADS
        net = build_model(name, "rgb", heads, frames, size).eval()
    clip = example_inputs(name, "rgb", frames, size, 1)
    print(f"{name}, {frames} frames of {size} pixels, {args.threads} thread(s), one clip")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        began = time.process_time()
        write_program(
            program_of(net, example_inputs(name, "rgb", frames, size, 2), list(heads)), path, list(clip), list(heads)
        )
        print(f"exported in {time.process_time() - began:.0f} s, {path.stat().st_size / 2**20:.1f} MiB")
        runtimes = {
            "PyTorch": lambda: net,
            "PyTorch, compiled": lambda: torch.compile(net),
            "ONNX Runtime": lambda: OnnxNet(path),
            "ONNX Runtime, 8-bit weights": lambda: int8(path, Path(folder) / "int8.onnx"),
        }
        with torch.inference_mode():
            wanted = net(clip)
        for title, make in runtimes.items():
            runtime = make()
            with torch.inference_mode():
                difference = max(float((runtime(clip)[head] - wanted[head]).abs().max()) for head in heads)
            line = f"{title}: {milliseconds(runtime, clip, args.repeats):.2f} ms, largest difference {difference:.2g}"
            if args.validation:
                line += f", top-1 {accuracy(runtime, list(heads), validation(args.model, args.validation))}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
