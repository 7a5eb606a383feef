"""What the steps that train and run nets share: settings, the rows they work on, running a net over views."""

import argparse
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn
from torch.utils.data import DataLoader

from egokd import runtime
from egokd.config.base import Count, NonNegative, Positive, Section
from egokd.config.inputs import AudioInputSettings
from egokd.config.views import ViewSettings
from egokd.errors import UserError
from egokd.evaluation.inference import logits_of
from egokd.io import read_json
from egokd.machine.placement import Placement
from egokd.sampling.inputs import AudioSpec, InputSpec, finish
from egokd.sampling.loading import OrderedBatches, ViewDataset, available_rows, loader, open_stores
from egokd.sampling.segments import Segments, select
from egokd.sampling.views import ViewSpec

FRAMES_STEP = "extract_frames"  # as it stands in the table of what was skipped
BATCH = 32  # clips per pass where nothing is trained


class InputSlice(Section):
    """`InputSettings` of the modalities that a job reads; the others' are null."""

    size: Count
    flow_scale: Positive | None
    audio: AudioInputSettings | None
    max_boxes: Count | None
    box_tolerance_s: NonNegative | None  # boxes of the nearest annotated frame, if it is this close to the frame shown


class ViewSlice(Section):
    """`--settings` of the steps that run a trained model."""

    views: ViewSettings
    inputs: InputSlice


def view_spec(settings: ViewSettings) -> ViewSpec:
    """Settings as plain arguments."""
    return ViewSpec(**settings.model_dump())


def input_spec(settings: InputSlice) -> InputSpec:
    """Settings as plain arguments."""
    values = settings.model_dump()
    audio = values.pop("audio")
    return InputSpec(**values, audio=AudioSpec(**audio) if audio else None)


def readable(segments: Segments, part: str, skipped: Path) -> pd.DataFrame:
    """Rows of a part of the dataset without those that have no frames; the same for every modality.

    Frames are what a student sees, so a segment without them is left out everywhere. Sound or boxes that could not be
    read are a missing modality of a segment that stays.

    skipped  CSV with the columns video_id, segment_id (empty where the whole video is meant) and step
    """
    rows = select(segments.table, part)
    left_out = pd.read_csv(skipped, dtype=str, keep_default_na=False)
    if not {"video_id", "segment_id", "step"} <= set(left_out.columns):
        raise UserError(f"{skipped}: expected the columns video_id, segment_id, step, found {list(left_out.columns)}")
    left_out = left_out[left_out["step"] == FRAMES_STEP]
    videos = set(left_out.loc[left_out["segment_id"] == "", "video_id"])
    gone = rows["segment_id"].isin(set(left_out["segment_id"])) | rows["video_id"].isin(videos)
    if gone.all():
        raise UserError(f"no segment of {part!r} is left: {len(rows)} in the table, all of them in {skipped}")
    return rows[~gone].reset_index(drop=True)


def shard_paths(paths: list[Path]) -> list[Path]:
    """Store files, given one by one or as a list written by `index_stores` (.json)."""
    listed = (read_json(path) if path.suffix == ".json" else [{"path": path}] for path in paths)
    return [Path(entry["path"]) for entries in listed for entry in entries]


def open_inputs(modality: str, paths: dict[str, list[Path]], wanted: list[str]) -> dict[str, Any]:
    """The stores of the modalities `wanted`; UserError for one without files."""
    for name in wanted:
        if not paths.get(name):
            raise UserError(f"input {modality!r} reads {name}, but no files of it were given (--{name})")
    return open_stores(modality, {name: paths[name] for name in wanted})


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that `bank` and `predict` share."""
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="table of segments that could not be read")
    parser.add_argument("--model", type=Path, required=True, help="model.safetensors, with config.json beside it")
    parser.add_argument("--input", required=True, choices=["rgb", "flow", "audio", "obj"], help="what the net sees")
    parser.add_argument("--stores", type=Path, nargs="+", required=True, help="shards of that modality, or their list")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--settings", required=True, help="JSON: views and inputs")
    parser.add_argument("--part", type=numbered_part, default=(0, 1), help="I-of-N: write part I, from 0, of N")
    parser.add_argument("--gpus", type=int, default=1, help="0: CPU; 1: GPU where there is one")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; those beyond the first load data")
    parser.add_argument("--out", type=Path, required=True)


def numbered_part(text: str) -> tuple[int, int]:
    """argparse type of I-of-N."""
    number, _, parts = text.partition("-of-")
    if not (number.isdecimal() and parts.isdecimal() and int(number) < int(parts)):
        raise argparse.ArgumentTypeError(f"expected I-of-N with I from 0 to N - 1, got {text!r}")
    return int(number), int(parts)


def part_of(rows: pd.DataFrame, part: int, parts: int) -> pd.DataFrame:
    """Part number `part` of `parts` nearly equal runs of rows."""
    return rows.iloc[np.array_split(np.arange(len(rows)), parts)[part]].reset_index(drop=True)


def workers_ignore_signals(data: DataLoader) -> DataLoader:
    """Let only the main process answer SIGTERM and Ctrl-C: all get them, and a dead worker would end the run."""
    data.worker_init_fn = _QuietWorker(data.worker_init_fn)
    return data


class _QuietWorker:
    def __init__(self, inner: Callable[[int], None] | None):
        self.inner = inner

    def __call__(self, worker: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if self.inner:
            self.inner(worker)


def run_over_views(
    model: nn.Module,
    dataset: ViewDataset,
    places: np.ndarray,
    views: list[int],
    threads: int,
    placement: Placement,
    name: str,
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """Logits of all (row, view) of `dataset`, as `egokd.distillation.logit_files.write_logits` takes them.

    places  int64 [rows of the dataset], their rows in the file that is written
    """
    order = OrderedBatches(len(dataset), views, BATCH)
    data = loader(dataset, order, threads - 1, placement.pinned)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, Tensor]]]:
        steps = runtime.progress(zip(order, data, strict=True), len(order), name, f"batches of {BATCH}")
        for pairs, batch in steps:
            rows, numbers = np.array(pairs).T
            if not np.array_equal(rows, batch["row"].numpy()):
                raise RuntimeError("the loader changed the order of the batches")
            yield places[rows], np.searchsorted(views, numbers), finish(batch, dataset.modality, placement.device)

    return logits_of(model, batches(), placement, BATCH)


def check_model(description: dict, path: Path, segments: Segments, modality: str, settings: ViewSlice) -> None:
    """Raise UserError unless a model was trained for these classes, this input and these views."""
    expected = {
        "heads": segments.num_classes,
        "num_frames": settings.views.num_frames,
        "size": settings.inputs.size,
    }
    for key, value in expected.items():
        if description[key] != value:
            raise UserError(f"{path}: trained with {key} {description[key]}, but now it is {value}; train it again")
    if description["modality"] not in (modality, "omnivore"):
        raise UserError(f"{path}: reads {description['modality']}, not {modality}")


def split_available(
    rows: pd.DataFrame, modality: str, stores: dict[str, Any], what: str, trained: bool = True
) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows that can be read in `modality`, and bool [n] over all rows; none where its net was not trained."""
    available = available_rows(rows, modality, stores) & trained
    runtime.log.info("%s: %d of %d segments have %s", what, available.sum(), len(rows), modality)
    return rows[available].reset_index(drop=True), available
