"""Speed of the papers' nets on one device: forward and forward + backward, eager and compiled, as a table.

    PYTHONPATH=src python tests/benchmarks/bench_models.py [--device cpu] [--tiny] [--markdown FILE]

On a GPU in bf16 (autocast) with the batches below; on a CPU in float32, one clip, eager only, one thread.

Each figure is the median over timed steps after warm-up; inputs lie on the device already, so nothing but the net is
measured. A training step is forward, cross-entropy and backward (no optimiser). Model-FLOP utilisation (MFU) is
2 x multiply-accumulates of the forward pass (3 times that for a training step, recomputation not counted) over time,
as share of the device's peak; `--peak-tflops` gives it, measured by a large matrix product if left out. `--tiny` takes
small nets, to check the script.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from egokd.evaluation.cost import count_parameters, gflops_per_view
from egokd.models.build import build_model, example_inputs

HEADS = {"verb": 97, "noun": 300}
CASES = [  # net, modality, frames, size, clips per batch, options
    ("video_swin_t", "rgb", 16, 224, 32, {}),
    ("stlt", "obj", 16, 224, 128, {}),
    ("timesformer_b", "rgb", 8, 224, 32, {}),
]
TINY = [
    ("video_swin_t", "rgb", 4, 32, 2, {"embed_dim": 12, "depths": [1, 1], "num_heads": [1, 2]}),
    ("stlt", "obj", 4, 32, 2, {"width": 16, "num_heads": 2, "spatial_layers": 1, "temporal_layers": 1}),
    ("timesformer_b", "rgb", 4, 32, 2, {"embed_dim": 16, "num_heads": 2, "depth": 1}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small nets")
    parser.add_argument("--steps", type=int, default=20, help="timed steps, after a quarter as many for warm-up")
    parser.add_argument("--peak-tflops", type=float, help="peak of the device; default: measured")
    parser.add_argument("--nets", nargs="+", help="only these")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    args = parser.parse_args()
    device = torch.device(args.device)
    gpu = device.type == "cuda"
    torch.set_num_threads(1)
    torch.manual_seed(0)
    peak = args.peak_tflops or matrix_product_tflops(device)
    lines = [
        f"{torch.cuda.get_device_name() if gpu else 'CPU, one thread'}, PyTorch {torch.__version__}, "
        f"{'bf16 autocast' if gpu else 'float32'}, peak taken as {peak:.3g} TFLOP/s",
        "",
        "| net | params (M) | GFLOPs/view | batch | mode | forward clips/s | MFU | training clips/s | MFU | GB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    report(args.markdown, lines, lines)
    for case in TINY if args.tiny else CASES:
        for compiled in (False, True) if gpu else (False,):
            if not args.nets or case[0] in args.nets:
                line = measured(case, compiled, device, args.steps, peak)
                lines.append(line)
                report(args.markdown, lines, [line])


def report(path: Path | None, lines: list[str], new: list[str]) -> None:
    print("\n".join(new), flush=True)
    if path:
        path.write_text("\n".join(lines) + "\n")


def measured(case: tuple, compiled: bool, device: torch.device, steps: int, peak: float) -> str:
    net, modality, frames, size, batch, options = case
    gpu = device.type == "cuda"
    batch = batch if gpu else 1
    model = build_model(net, modality, HEADS, frames, size, **options).to(device)
    inputs = {name: tensor.to(device) for name, tensor in example_inputs(net, modality, frames, size, batch).items()}
    labels = {head: torch.randint(0, classes, (batch,), device=device) for head, classes in HEADS.items()}
    gflops, parameters = gflops_per_view(model, inputs), count_parameters(model) / 1e6
    called = torch.compile(model) if compiled else model
    if gpu:
        torch.cuda.reset_peak_memory_stats()

    def forward() -> None:
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=gpu):
            called(inputs)

    def train() -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=gpu):
            logits = called(inputs)
            loss = sum(F.cross_entropy(logits[head].float(), labels[head]) for head in HEADS)
        loss.backward()
        model.zero_grad(set_to_none=True)

    model.eval()
    began = time.perf_counter()
    forward_rate = batch / median_seconds(forward, device, steps)
    model.train()
    train_rate = batch / median_seconds(train, device, steps)
    spent = time.perf_counter() - began
    memory = f"{torch.cuda.max_memory_allocated() / 1e9:.1f}" if gpu else ""
    use = [2 * gflops * rate / (peak * 1e3) for rate in (forward_rate, 3 * train_rate)]
    mode = f"compiled ({spent:.0f} s in all)" if compiled else "eager"
    return (
        f"| {net}, {frames}x{size}x{size} | {parameters:.1f} | {gflops:.1f} | {batch} | {mode} | {forward_rate:.3g} | "
        f"{use[0]:.0%} | {train_rate:.3g} | {use[1]:.0%} | {memory} |"
    )


def median_seconds(step, device: torch.device, steps: int) -> float:
    seconds, warm_up = [], max(1, steps // 4)
    for i in range(warm_up + steps):
        wait(device)
        began = time.perf_counter()
        step()
        wait(device)
        if i >= warm_up:
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def matrix_product_tflops(device: torch.device) -> float:
    """What a square matrix product reaches on random data: bf16 on a GPU, float32 on a CPU."""
    side, dtype = (8192, torch.bfloat16) if device.type == "cuda" else (1024, torch.float32)
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / median_seconds(lambda: a @ b, device, 20) / 1e12


if __name__ == "__main__":
    main()
