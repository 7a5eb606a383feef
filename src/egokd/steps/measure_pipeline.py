"""Measure what each model takes from the raw video to the logits of a segment: raw files and models -> JSON.

A few videos of validation are read anew into a temporary folder, prepared and run, all in this process and on its
device, so that the parts may be added. Boxes are read from files: the detector that made them is not counted.
"""

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from egokd import runtime
from egokd.config.validation import parse_settings
from egokd.config.views import ViewSlice
from egokd.datasets.formats import adapter
from egokd.datasets.segments import read_segments, select
from egokd.evaluation.inference import BATCH
from egokd.evaluation.pipeline import READ, Reader, net_cost, preparing_ms, reading_ms, sample_rows
from egokd.io import write_json
from egokd.machine.placement import Placement, placement_of
from egokd.machine.processes import one_device
from egokd.modalities import PICTURES, load
from egokd.models.build import load_model
from egokd.names import OMNIVORE
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import open_modalities, settings_of

LEAST_SEGMENTS = 24


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="paths .../{model}/seed{seed}/model...")
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files")
    parser.add_argument("--frames-fps", type=float, help="rate at which frames beside or in place of videos were made")
    parser.add_argument("--index", type=Path, help="written by index_boxes")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: views and inputs, and media")
    parser.add_argument("--gpus", type=int, default=1, help="0: CPU; 1: GPU where there is one")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("measure_pipeline", args.threads)

    settings = parse_settings(ViewSlice, json.dumps(args.settings["views"]))
    segments = read_segments(args.segments)
    rows = sample_rows(select(segments.table, "val"), LEAST_SEGMENTS)
    modalities = [name for name in READ if name in settings.inputs]
    with tempfile.TemporaryDirectory() as folder, one_device(args.gpus) as device:
        media = args.settings["media"]

        def reader_of(chosen: pd.DataFrame, where: Path) -> Reader:
            return Reader(chosen, adapter(args.format), args.root, where, media, args.frames_fps, args.index)

        reading_ms(reader_of(rows.head(1), Path(folder) / "first"), modalities, 1)  # loads libraries
        reader = reader_of(rows, Path(folder))
        reading = reading_ms(reader, modalities, len(rows))
        stores = {modality: [Path(folder) / modality] for modality in modalities}
        inputs = {name: settings.inputs[name] for name in modalities}
        opened = open_modalities(inputs, stores, Shared(settings.size, settings.frame_rate))
        datasets = {
            name: partial(
                ViewDataset, modality=name, opened=opened, views=settings.views, seed=0, train=False, labels=[]
            )
            for name in modalities
        }
        preparing = {name: preparing_ms(rows, opened[name], datasets[name]) for name in modalities}
        nets = {path.parent.parent.name: measure(path, settings, media, placement_of(device)) for path in args.models}
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {args.threads} thread(s)"
    found = {"device": name, "batch": BATCH, "segments": len(rows), "reading_ms": reading, "preparing_ms": preparing}
    write_json(args.out, {**found, "nets": nets})
    runtime.log.info("%s", found)


def measure(path: Path, settings: ViewSlice, media: dict, placement: Placement) -> dict[str, float]:
    """Speed and memory of one net, on a random clip of the shape that it sees."""
    model, description = load_model(path)
    name = PICTURES if description["modality"] == OMNIVORE else description["modality"]
    chosen = settings_of(name, settings.inputs[name])
    clip = load(name).example(1, description["num_frames"], description["size"], chosen, media.get(name, {}))
    return net_cost(model, clip, BATCH, placement)


if __name__ == "__main__":
    runtime.run(main)
