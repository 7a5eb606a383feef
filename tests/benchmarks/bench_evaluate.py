"""Time and memory of evaluating predictions of the size of EPIC-KITCHENS-100's validation: 9,668 segments of 97 verbs
and 300 nouns, 12 views, five seeds. Predictions are generated; every step runs in a process of its own, as in a job.

    python tests/benchmarks/bench_evaluate.py [--segments 9668] [--seeds 5]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "helpers")]

from egokd.datasets.segments import Segments, write_segments  # noqa: E402
from egokd.distillation.logit_files import write_logits  # noqa: E402
from segment_rows import segment_rows  # noqa: E402

CLASSES, VIEWS, HELDOUT = {"verb": 97, "noun": 300}, (4, 3), 6700


def write_predictions(path: Path, rows: pd.DataFrame, views: tuple[int, int], split: str) -> None:
    """Logits in float32 that lean towards the truth."""
    random, width = np.random.default_rng(0), views[0] * views[1]
    number = np.arange(len(rows))

    def chunks():
        for view in range(width):
            logits = {head: random.standard_normal((len(rows), k), np.float32) for head, k in CLASSES.items()}
            for head, values in logits.items():
                values[number, rows[head]] += 2
            yield number, np.full(len(rows), view), logits

    metadata = {"split": split, "clips": views[0], "crops": views[1], "seed": 0}
    ids = rows["segment_id"].tolist()
    write_logits(path, ids, range(width), CLASSES, np.ones(len(rows), bool), chunks(), metadata, "float32")


def measure(step: str, arguments: str) -> tuple[float, float, float]:
    """Wall seconds, seconds of processor time and peak memory in MB of one job."""
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", f"egokd.steps.{step}", *arguments.split()]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{step} failed")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=9668)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        rows = segment_rows(HELDOUT, args.segments)
        rows["video_id"] = [f"P{number // 70:03d}" for number in range(len(rows))]
        for head, count in CLASSES.items():
            rows[head] = random.integers(count, size=len(rows))
        rows["fold"] = np.where(rows["split"] == "train", "heldout", "")
        names = {head: [f"{head}{number}" for number in range(count)] for head, count in CLASSES.items()}
        write_segments(f"{folder}/segments.parquet", Segments(rows, names, "generated"))
        write_predictions(Path(folder) / "val.safetensors", rows[rows["split"] == "val"], VIEWS, "val")
        write_predictions(Path(folder) / "heldout.safetensors", rows[rows["fold"] == "heldout"], (1, 1), "heldout")
        common = f"--segments {folder}/segments.parquet --predictions {folder}/val.safetensors --dataset generated"
        common += f" --model baseline_rgb --seed 0 --bins 15 --views 4x3 --out {folder}/out.json"
        steps = {"evaluate": common, "calibrate": f"{common} --heldout {folder}/heldout.safetensors"}
        for step, arguments in steps.items():
            runs = [measure(step, arguments) for _ in range(args.seeds)]
            wall, cpu, memory = sum(run[0] for run in runs), sum(run[1] for run in runs), max(run[2] for run in runs)
            print(f"{step}: {args.seeds} seeds in {wall:.1f} s ({cpu:.1f} s of processor time), peak {memory:.0f} MB")


if __name__ == "__main__":
    main()
