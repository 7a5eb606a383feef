"""What checking costs: as a share of reading a student's items, of its training step, and of opening 100 stores.

    PYTHONPATH=src python tests/benchmarks/measure_checksums.py [--rounds 8] [--stores 100]

Items are 8 frames of the demo's size and the logits of four teachers with EPIC-KITCHENS-100's classes. Rounds with and
without checks alternate; times are CPU times, which other programs on the machine disturb less.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch
from zlib import crc32

import numpy as np
from bench_student_step import COLOURS, RATE, VIEWS, make_bank, make_store

from egokd.config.views import ViewSettings
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.targets import EnsembleTargets
from egokd.media import frame_store
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities

HEADS = {"verb": 97, "noun": 300}
SEGMENTS, TEACHERS, BATCH = 128, 4, 32
FRAMES, FRAME_BYTES = 200, 15_000  # of each of the stores that are opened


def unchecked_batches(_, reader):
    """What opening a store was before there were checks."""
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def milliseconds(work, rounds: int, off: list) -> tuple[float, float]:
    """CPU time of `work` with checks, and with the patches `off` in place: medians over alternating rounds."""
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * rounds + 2):
        checked = bool(number % 2)
        with ExitStack() as stack:
            for each in () if checked else off:
                stack.enter_context(each)
            began = time.process_time()
            work()
        if number > 1:  # the first round of each warms up
            taken[checked].append(1000 * (time.process_time() - began))
    return statistics.median(taken[True]), statistics.median(taken[False])


def report(what: str, with_checks: float, without: float) -> None:
    share = 100 * (with_checks - without) / without
    print(f"{what}: {with_checks:.3f} ms with checks, {without:.3f} ms without ({share:+.1f} %)")


def items(root: Path, rounds: int) -> None:
    """A student's batch of items, decoded each time and kept decoded."""
    random = np.random.default_rng(0)
    rows = make_store(root / "rgb.arrow", SEGMENTS, 64, random)
    for name in HEADS:
        rows[name] = 0
    banks = {}
    for number in range(TEACHERS):
        make_bank(root / f"bank{number}.safetensors", rows, 4, HEADS, random)
        banks[f"teacher{number}"] = LogitFile([root / f"bank{number}.safetensors"])
    targets = EnsembleTargets(banks, {head: dict.fromkeys(banks, 1 / TEACHERS) for head in HEADS})
    off = [patch.object(FrameStore, "_sums_of", lambda *_: None)]
    off += [patch.object(bank, "_guarded", [False]) for bank in banks.values()]
    for name, kept in (("frames decoded each time", 0), ("decoded frames kept", 2**30)):
        with patch.object(frame_store, "KEPT_BYTES", kept):
            opened = open_modalities({"rgb": {}}, {"rgb": [root / "rgb.arrow"]}, Shared(48, RATE))
            views = ViewSettings(num_frames=8, **VIEWS, **COLOURS)
            dataset = ViewDataset(rows, "rgb", opened, views, 0, train=True, labels=list(HEADS), targets=targets)
            taken = milliseconds(lambda d=dataset: [d[row, row % 4] for row in range(BATCH)], rounds, off)
            report(f"a batch of {BATCH} items of a student, {name}", *taken)


def stores(root: Path, count: int, rounds: int) -> None:
    """Opening: metadata, times of all videos and places of all rows, no frame."""
    data = np.random.default_rng(0).bytes(FRAME_BYTES)
    paths = [root / f"{number}.arrow" for number in range(count)]
    for path in paths:
        with StoreWriter(path, ("image",), {"kind": "rgb", "frame_rate": RATE}) as writer:
            writer.begin(path.stem)
            for frame in range(FRAMES):
                writer.add(frame / RATE, image=data)
            writer.end({"width": 456, "height": 256})
    size = sum(path.stat().st_size for path in paths)

    def work():
        store = FrameStore(paths)
        for video in store.videos:
            store.times(video)

    off = [
        patch.object(frame_store, "read_batches", unchecked_batches),
        patch("egokd.media.arrow_checks.check", lambda *_: None),
    ]
    what = f"opening {count} stores of {FRAMES} frames, {size / 1e6:.0f} MB, and looking up all times"
    report(what, *milliseconds(work, rounds, off))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--stores", type=int, default=100)
    args = parser.parse_args()
    data = np.random.default_rng(0).bytes(FRAME_BYTES)
    began = time.process_time()
    for _ in range(1000):
        crc32(data)
    print(f"CRC-32 of a frame of {FRAME_BYTES} bytes: {1000 * (time.process_time() - began):.1f} microseconds")
    with tempfile.TemporaryDirectory() as folder:
        items(Path(folder), args.rounds)
        stores(Path(folder), args.stores, args.rounds)


if __name__ == "__main__":
    main()
