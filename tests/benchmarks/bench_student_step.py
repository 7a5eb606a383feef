"""What a student's training step costs beside the RGB baseline's, teachers being banked: goal at most 1.1 times.

    PYTHONPATH=src python tests/benchmarks/bench_student_step.py [--teachers 4] [--rounds 12]

Both run the real loop on the same store of JPEG frames, with the same net, batch size and views; the student reads the
logits of its teachers from banks on disk and has the distillation loss, the baseline has cross-entropy. Their rounds
alternate (baseline, student, student, baseline, ...), so that a machine that slows down slows both. Prints the median
time of a step of each and the ratio: the median over pairs of neighbouring rounds. Beside wall time it gives CPU time,
which other programs on the machine disturb less (it counts the main process: take it for --threads 1 on a CPU).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg
import torch

from egokd import runtime
from egokd.config.views import ViewSettings
from egokd.distillation.logit_files import LogitFile, write_logits
from egokd.distillation.targets import EnsembleTargets
from egokd.machine.placement import pick_device, placement_of
from egokd.media.frame_writer import StoreWriter
from egokd.models.build import build_model
from egokd.sampling.batches import EpochBatches
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.loading import finish, loader
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities
from egokd.training.loop import Batch, Schedule, label_loss, student_loss, train
from egokd.training.state import StateFile

RATE, SECONDS = 12.5, 2.0
VIEWS = {"sampling": "uniform", "stride_s": 0.16, "scale": (0.8, 1.0), "hue": 0.05}
COLOURS = {"brightness": 0.25, "contrast": 0.25, "saturation": 0.25}


def make_store(path: Path, segments: int, height: int, random: np.random.Generator) -> pd.DataFrame:
    """Frames of smooth noise, one video per segment; returns the rows of a segment table."""
    with StoreWriter(path, ("image",), {"kind": "rgb", "frame_rate": RATE}) as writer:
        for number in range(segments):
            writer.begin(f"video{number}")
            for frame in range(int(RATE * SECONDS)):
                coarse = random.integers(0, 255, (8, 12, 3), dtype=np.uint8)
                image = np.kron(coarse, np.ones((height // 8, height // 8, 1), np.uint8))
                writer.add(frame / RATE, image=simplejpeg.encode_jpeg(np.ascontiguousarray(image), 92))
            writer.end({"width": image.shape[1], "height": image.shape[0]})
    names = [f"video{number}" for number in range(segments)]
    return pd.DataFrame({"segment_id": names, "video_id": names, "start_s": 0.0, "stop_s": SECONDS, "aspect": 1.5})


def make_bank(path: Path, rows: pd.DataFrame, views: int, heads: dict[str, int], random: np.random.Generator) -> None:
    """Logits drawn at random for every view."""
    every = np.arange(len(rows))
    chunks = (
        (every, np.full(len(rows), view), {head: random.normal(size=(len(rows), k)) for head, k in heads.items()})
        for view in range(views)
    )
    write_logits(path, rows["segment_id"].tolist(), range(views), heads, np.ones(len(rows), bool), chunks, {})


def report(args: argparse.Namespace, device: torch.device, times: dict[str, list[tuple[float, float]]]) -> None:
    """Print medians, and the ratio of each student's step to the baseline's beside it."""
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {args.threads} thread(s)"
    print(
        f"{args.net}, {args.frames} frames of {args.size} pixels, batch {args.batch}, {args.teachers} teachers, {where}"
    )
    for place, clock in enumerate(("wall", "CPU")):
        taken = {name: [pair[place] for pair in pairs] for name, pairs in times.items()}
        ratios = [student / baseline for student, baseline in zip(taken["student"], taken["baseline"], strict=True)]
        each = ", ".join(f"{name} {1000 * statistics.median(values):.1f} ms" for name, values in taken.items())
        print(
            f"{clock} time per step: {each} (medians of {args.rounds} rounds); "
            f"student / baseline {statistics.median(ratios):.3f}, "
            f"single pairs {min(ratios):.3f} to {max(ratios):.3f}; goal 1.1"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="small")
    parser.add_argument("--teachers", type=int, default=4)
    parser.add_argument("--verbs", type=int, default=97)
    parser.add_argument("--nouns", type=int, default=300)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--height", type=int, default=64, help="of the stored frames, a multiple of 8")
    parser.add_argument("--segments", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=12, help="rounds of each; one passes over all segments once")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    runtime.start("bench_student_step", 1)

    heads, random, device = {"verb": args.verbs, "noun": args.nouns}, np.random.default_rng(0), pick_device()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = make_store(root / "rgb.arrow", args.segments, args.height, random)
        rows["verb"] = random.integers(0, args.verbs, len(rows))
        rows["noun"] = random.integers(0, args.nouns, len(rows))
        banks = {}
        for number in range(args.teachers):
            make_bank(root / f"bank{number}.safetensors", rows, args.rounds + 1, heads, random)
            banks[f"teacher{number}"] = LogitFile([root / f"bank{number}.safetensors"])
        weights = {head: dict.fromkeys(banks, 1 / len(banks)) for head in heads}

        steps = -(-args.segments // args.batch)
        plan = Schedule(1, steps, 0, lr=1e-4, weight_decay=0.02, clip_norm=5.0, seed=0)
        runs = {}
        for name, targets in (("baseline", None), ("student", EnsembleTargets(banks, weights))):
            views = ViewSettings(num_frames=args.frames, **VIEWS, **COLOURS)
            opened = open_modalities({"rgb": {}}, {"rgb": [root / "rgb.arrow"]}, Shared(args.size, RATE))
            dataset = ViewDataset(rows, "rgb", opened, views, 0, train=True, labels=list(heads), targets=targets)
            order = EpochBatches(len(rows), args.batch, seed=0)
            loss = student_loss(list(heads), 3.0, 1.0, 0.0, 0.0) if targets else label_loss(list(heads), 0.0)
            model = build_model(args.net, "rgb", heads, args.frames, args.size)
            runs[name] = (model, order, loader(dataset, order, args.threads - 1, placement_of(device).pinned), loss)

        def seconds_per_step(name: str, round_number: int) -> tuple[float, float]:
            """Wall time and CPU time of this process."""
            model, order, data, loss = runs[name]

            def batches(_: int, skip: int) -> Iterator[Batch]:
                order.epoch = round_number
                for batch in data:
                    teacher = {head: batch[f"target_{head}"].to(device) for head in heads if f"target_{head}" in batch}
                    yield Batch(finish(batch, "rgb", device), batch["labels"].to(device), teacher or None)

            state = StateFile(root / f"{name}{round_number}", "{}")
            began = time.process_time()
            history = train(model, batches, loss, plan, placement_of(device), state, name)
            return history[0]["seconds"] / steps, (time.process_time() - began) / steps

        times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for round_number in range(args.rounds + 1):
            order = list(runs) if round_number % 2 else list(runs)[::-1]
            for name in order:
                seconds = seconds_per_step(name, round_number)
                if round_number:  # the first one warms up
                    times[name].append(seconds)

    report(args, device, times)


if __name__ == "__main__":
    main()
