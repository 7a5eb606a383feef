"""How well a GPU is fed: training from the frame store, decoding JPEG in workers, against data that lies on the GPU.

    PYTHONPATH=src python tests/benchmarks/bench_loader.py [--threads 16] [--profile] [--repeat]
    PYTHONPATH=src python tests/benchmarks/bench_loader.py --tiny        # seconds, on any machine

Both rows run the real training loop with the same net, batch size and precision. Goal: the first at least 0.9 of the
second with 16 cores. Also printed: peak memory, model-FLOP utilisation (multiply-accumulates of three forward passes,
counted twice, over the peak of a large bf16 product measured here), a profile of where time goes (--profile), and
whether two runs from the store end with the same weights (--repeat).

Needs PyTorch, torchvision, pandas, pyarrow, safetensors, filelock, OpenCV, tqdm and simplejpeg.
"""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg
import torch

from egokd import runtime
from egokd.config.views import ViewSettings
from egokd.evaluation.cost import gflops_per_view
from egokd.machine.placement import pick_device, placement_of
from egokd.media.frame_writer import StoreWriter
from egokd.models.build import build_model, example_inputs
from egokd.sampling.batches import EpochBatches
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.loading import finish, loader
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from egokd.training import loop
from egokd.training.loop import Batch, Schedule, label_loss, train
from egokd.training.state import StateFile

RATE = 30.0
VIEWS = {"sampling": "uniform", "stride_s": 0.16, "scale": (0.8, 1.0), "hue": 0.05}
COLOURS = {"brightness": 0.25, "contrast": 0.25, "saturation": 0.25}
HEADS = {"verb": 97, "noun": 300}
WARM_UP = 5  # steps before the clock starts


@dataclasses.dataclass(frozen=True)
class Job:
    """What is trained, and on what."""

    net: str
    frames: int
    size: int
    batch: int
    steps: int
    threads: int
    segments: int
    compiled: Path | None = None


TINY = {"net": "video_swin_t", "frames": 2, "size": 32, "batch": 2, "steps": 8, "threads": 1, "segments": 4}


def make_store(path: Path, segments: int, height: int, random: np.random.Generator) -> pd.DataFrame:
    """Two seconds of 30 frames per second per segment, at EPIC-KITCHENS' proportions; returns segment rows.

    Structure at several scales gives JPEG files of 10 to 20 kB at 256 pixels, as kitchens do.
    """
    width = round(height * 456 / 256)
    with StoreWriter(path, ("image",), {"kind": "rgb", "frame_rate": RATE}) as writer:
        for number in range(segments):
            writer.begin(f"video{number}")
            layers = [random.integers(0, 256 >> k, (8 << k, 14 << k, 3), np.uint8) for k in range(4)]
            tiles = [np.repeat(np.repeat(a, height // len(a) + 1, 0), width // a.shape[1] + 1, 1) for a in layers]
            base = sum(tile[:height, :width].astype(np.uint16) for tile in tiles)
            image = (base * 255 // base.max()).astype(np.uint8)
            for frame in range(int(2 * RATE)):
                shifted = np.ascontiguousarray(np.roll(image, frame * 3, axis=1))
                writer.add(frame / RATE, image=simplejpeg.encode_jpeg(shifted, 90))
            writer.end({"width": width, "height": height})
    names = [f"video{number}" for number in range(segments)]
    rows = pd.DataFrame(
        {"segment_id": names, "video_id": names, "start_s": 0.0, "stop_s": 2.0, "aspect": width / height}
    )
    return rows.assign(**{head: random.integers(0, count, segments) for head, count in HEADS.items()})


def from_store(job: Job, path: Path, rows: pd.DataFrame, device: torch.device) -> Callable[[int, int], Iterator[Batch]]:
    """Batches of the real loader: JPEG from the store, decoded, cropped, coloured."""
    views = ViewSettings(num_frames=job.frames, **VIEWS, **COLOURS)
    opened = open_modalities({"rgb": {}}, {"rgb": [path]}, Shared(job.size, RATE))
    dataset = ViewDataset(rows, "rgb", opened, views, 0, train=True, labels=list(HEADS))
    order = EpochBatches(len(rows), job.batch, seed=0)
    data = loader(dataset, order, job.threads - 1, placement_of(device).pinned)

    def batches(epoch: int, skip: int) -> Iterator[Batch]:
        order.epoch, order.skip_batches = epoch, skip
        for batch in data:
            yield Batch(finish(batch, "rgb", device), batch["labels"].to(device, non_blocking=True))

    return batches


def on_device(job: Job, steps_per_epoch: int, device: torch.device) -> Callable[[int, int], Iterator[Batch]]:
    """The same batch again and again, made before the clock starts."""
    inputs = example_inputs(job.net, "rgb", job.frames, job.size, job.batch)
    labels = torch.stack([torch.randint(count, (job.batch,)) for count in HEADS.values()], dim=1)
    batch = Batch({name: values.to(device) for name, values in inputs.items()}, labels.to(device))
    return lambda epoch, skip: iter([batch] * (steps_per_epoch - skip))


class Clock:
    """Notes when steps begin; `per_step` leaves out the first ones and waits for the GPU at both ends."""

    def __init__(self, device: torch.device):
        self.device, self.steps, self.began = device, 0, 0.0

    def now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def around(self, batches: Callable[[int, int], Iterator[Batch]]) -> Callable[[int, int], Iterator[Batch]]:
        def timed(epoch: int, skip: int) -> Iterator[Batch]:
            for batch in batches(epoch, skip):
                if self.steps == WARM_UP:
                    self.began = self.now()
                self.steps += 1
                yield batch

        return timed

    def per_step(self) -> float:
        return (self.now() - self.began) / (self.steps - WARM_UP)


def run(job: Job, batches: Callable, steps_per_epoch: int, device: torch.device, folder: Path) -> tuple[float, dict]:
    """Seconds per step and the final weights."""
    torch.manual_seed(0)
    model = build_model(job.net, "rgb", HEADS, job.frames, job.size)
    epochs = -(-job.steps // steps_per_epoch)
    plan = Schedule(epochs, steps_per_epoch, 0, lr=1e-4, weight_decay=0.02, clip_norm=5.0, seed=0)
    clock, loss = Clock(device), label_loss(list(HEADS), 0.0)
    state = StateFile(folder, "bench")
    train(model, clock.around(batches), loss, plan, placement_of(device), state, job.net, bool(job.compiled))
    seconds = clock.per_step()
    state.remove()
    return seconds, {name: values.cpu() for name, values in model.state_dict().items()}


def peak_tflops(device: torch.device, side: int = 8192) -> float:
    """Rate of a large bf16 product, in 10^12 operations per second; on a CPU a small float32 one."""
    gpu = device.type == "cuda"
    side = side if gpu else 1024
    a = torch.randn(side, side, device=device, dtype=torch.bfloat16 if gpu else torch.float32)
    clock = Clock(device)
    for _ in range(3):
        a @ a
    began = clock.now()
    for _ in range(10):
        a @ a
    return 10 * 2 * side**3 / (clock.now() - began) / 1e12


def profile(job: Job, batches: Callable, steps_per_epoch: int, device: torch.device, folder: Path) -> str:
    """Where the time of a few steps goes, by operation."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    activities += [torch.profiler.ProfilerActivity.CUDA] if device.type == "cuda" else []
    short = dataclasses.replace(job, steps=steps_per_epoch)
    with torch.profiler.profile(activities=activities) as profiler:
        run(short, batches, steps_per_epoch, device, folder)
    key = "self_cuda_time_total" if device.type == "cuda" else "self_cpu_time_total"
    return profiler.key_averages().table(sort_by=key, row_limit=15, max_name_column_width=50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="video_swin_t")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--segments", type=int, default=320)
    parser.add_argument("--compiled", type=Path, help="torch.compile; folder of the compiled code")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--repeat", action="store_true", help="train twice from the store and compare the weights")
    parser.add_argument("--tiny", action="store_true", help="sizes for a trial on a CPU")
    args = parser.parse_args()
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(Job)}
    job = Job(**(values | (TINY if args.tiny else {})))
    runtime.start("bench_loader", 1)
    loop.SAVE_EVERY_S = float("inf")
    device = pick_device()
    where = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = make_store(root / "rgb.arrow", job.segments, 64 if args.tiny else 256, np.random.default_rng(0))
        stored = (root / "rgb.arrow").stat().st_size / job.segments / (2 * RATE) / 1024
        batches = from_store(job, root / "rgb.arrow", rows, device)
        per_epoch = -(-len(rows) // job.batch)
        seconds, weights = {}, {}
        for name, source in (("data on the device", on_device(job, per_epoch, device)), ("frame store", batches)):
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            seconds[name], weights[name] = run(job, source, per_epoch, device, root / "state")
        macs = gflops_per_view(
            build_model(job.net, "rgb", HEADS, job.frames, job.size),
            example_inputs(job.net, "rgb", job.frames, job.size),
        )
        peak = peak_tflops(device)
        print(f"{job.net}, {job.frames}x{job.size}x{job.size}, batch {job.batch}, {job.threads} thread(s), {where}")
        print(f"PyTorch {torch.__version__}; stored frames of {stored:.1f} kB; matrix product {peak:.3g} TFLOP/s")
        for name, taken in seconds.items():
            utilisation = 3 * 2 * macs * job.batch / taken / (peak * 1e3)
            print(f"{name}: {job.batch / taken:.4g} clips/s, {1e3 * taken:.1f} ms per step, MFU {utilisation:.2f}")
        print(f"share: {seconds['data on the device'] / seconds['frame store']:.3f} (goal 0.9)")
        if device.type == "cuda":
            print(f"peak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
        if args.repeat:
            _, again = run(job, batches, per_epoch, device, root / "state")
            first = weights["frame store"]
            worst = max((again[name].double() - first[name].double()).abs().max().item() for name in first)
            print(f"two runs: {'the same weights, bit by bit' if worst == 0 else f'largest difference {worst:.3g}'}")
        if args.profile:
            print(profile(job, batches, per_epoch, device, root / "state"))


if __name__ == "__main__":
    main()
