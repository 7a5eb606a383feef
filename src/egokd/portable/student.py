"""A trained model, or the same one from several seeds, ready to be asked about videos.

Shapes: N segments, V views, K classes.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from egokd import runtime
from egokd.distillation.logits import average_views
from egokd.errors import UserError
from egokd.evaluation.inference import logits_of
from egokd.machine.placement import pick_device, placement_of
from egokd.media.errors import MediaError
from egokd.media.header import read_header
from egokd.media.sources import FrameFiles, Source, VideoFile
from egokd.models.build import load_model
from egokd.portable.answers import Answer, Prediction, Skipped
from egokd.portable.onnx_net import is_exported, load_exported
from egokd.portable.requests import Request, Window, whole_files
from egokd.portable.settings import Portable, read_portable
from egokd.portable.stored import store_video
from egokd.sampling.batches import OrderedBatches
from egokd.sampling.dataset import ViewDataset, available_rows
from egokd.sampling.loading import collate, finish
from egokd.sampling.modalities.opened import OpenModality

WEIGHTS = "model.safetensors"
SAME = ("classes", "inputs")  # what models must have in common to be averaged
LONG = 20  # batches that are worth a progress bar of their own
BATCH = 8  # clips per pass: memory like that of a training, and one clip costs what one clip costs


@dataclass(frozen=True)
class Member:
    """One net with its side file."""

    folder: Path
    net: nn.Module
    settings: Portable


def load(*folders: str | Path, device: str = "auto", threads: int = 1, fps: float | None = None) -> "Student":
    """A model from its folder, or several seeds of one as an ensemble, whose logits are averaged.

    folders  each with model.safetensors, config.json and inference.json; or made by `egokd export --format onnx`
    device   `cpu`, `cuda`, or `auto`: a GPU where there is one
    threads  CPU threads, of decoding and of the net
    fps      frames per second of folders or tars of numbered frames in place of videos

    Raises UserError where a file is missing or damaged, or where the models do not belong together.
    """
    if not folders:
        raise UserError("no model is given; name the folder of one")
    torch.set_num_threads(threads)
    members = [_member(Path(folder)) for folder in folders]
    first = members[0]
    for member in members[1:]:
        for key in SAME:
            if getattr(member.settings, key) != getattr(first.settings, key):
                raise UserError(
                    f"{member.folder} and {first.folder} differ in their {key}; only models of one experiment can be "
                    "averaged"
                )
    return Student(members, pick_device() if device == "auto" else _device(device), threads, fps)


def _member(folder: Path) -> Member:
    settings = read_portable(folder)
    if is_exported(folder):
        return Member(folder, load_exported(folder, settings), settings)
    net, description = load_model(folder / WEIGHTS)
    counts = {head: len(names) for head, names in settings.classes.items()}
    if description["heads"] != counts:
        raise UserError(
            f"{folder}: config.json has the classes {description['heads']}, inference.json {counts}; make it again"
        )
    return Member(folder, net, settings)


def _device(name: str) -> torch.device:
    if name not in ("cpu", "cuda"):
        raise UserError(f"unknown device {name!r}; there are auto, cpu and cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no GPU that PyTorch can use; take --device cpu")
    return torch.device(name)


@dataclass(frozen=True)
class _Seen:
    """What was asked of one video, and what of it can be read: all `rows`, those `present` and their views; `outside`
    and `reasons` (by segment_id) say why the others are not.
    """

    rows: pd.DataFrame
    present: pd.DataFrame
    outside: list[tuple[str, float, float, str]]
    reasons: dict[str, str]
    dataset: ViewDataset


class Student:
    """Answers about videos. Made by `load`."""

    def __init__(self, members: Sequence[Member], device: torch.device, threads: int, fps: float | None):
        self.members, self.device, self.threads, self.fps = list(members), device, threads, fps
        self.settings = members[0].settings

    @property
    def classes(self) -> dict[str, list[str]]:
        """Names of the classes of each head."""
        return self.settings.classes

    def predict(
        self,
        video: str | Path,
        start_s: float = 0.0,
        stop_s: float | None = None,
        window_s: float | None = None,
        step_s: float | None = None,
    ) -> list[Prediction]:
        """Answers about one video: about all of it, about [start_s, stop_s), or about each window of `window_s` seconds
        that moves by `step_s` (default: half a window).

        Raises MediaError if the video, or the part asked for, cannot be read; windows that cannot are left out.
        """
        window = None if window_s is None else Window(window_s, window_s / 2 if step_s is None else step_s)
        request = Request(Path(video), [("", start_s, np.nan if stop_s is None else stop_s)], window)
        answers = list(self.stream([request]))
        found = [answer for answer in answers if isinstance(answer, Prediction)]
        if not found:
            reason = next(answer.reason for answer in answers if isinstance(answer, Skipped))
            raise MediaError(reason if str(video) in reason else f"{video}: {reason}")
        return found

    def predict_all(self, videos: Iterable[str | Path], window: Window | None = None) -> Iterator[Answer]:
        """Answers about many videos, in their order; what cannot be read is said and never stops the others."""
        return self.stream(whole_files(map(Path, videos), 0.0, np.nan, window))

    def stream(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answers about all requests, video by video."""
        for request in requests:
            try:
                yield from self._answer(request)
            except MediaError as error:
                yield Skipped(str(request.video), str(error))

    def _source(self, video: Path) -> Source:
        if not (video.is_dir() or video.suffix == ".tar"):
            return VideoFile(video)
        if self.fps is None:
            raise MediaError(f"{video}: no video; if it holds numbered frames, say at what rate (--fps)")
        return FrameFiles(video, self.fps)

    def _answer(self, request: Request) -> Iterator[Answer]:
        video = str(request.video)
        with self._opened(request) as seen:
            for name, start_s, stop_s, reason in seen.outside:
                yield Skipped(video, reason, name, start_s, stop_s)
            scored = dict(zip(seen.present["segment_id"], self._scores(seen), strict=True))
        for row in seen.rows.itertuples():
            if row.segment_id in scored:
                logits, scaled = scored[row.segment_id]
                yield Prediction(video, row.start_s, row.stop_s, row.name, self.classes, logits, scaled)
            else:
                reason = seen.reasons.get(row.segment_id, f"there is no {self.settings.inputs.modality} to read here")
                yield Skipped(video, reason, row.name, row.start_s, row.stop_s)

    @contextmanager
    def _opened(self, request: Request) -> Iterator["_Seen"]:
        """What is asked of one video, stored in a folder that is gone after the block; MediaError if nothing is."""
        source = self._source(request.video)
        header = read_header(source)
        rows, outside = request.rows(header.duration_s, header.width / header.height)
        inputs = self.settings.inputs
        with tempfile.TemporaryDirectory(prefix="egokd-predict-") as folder:
            opened, skips = store_video(str(request.video), source, rows, inputs, Path(folder), self.threads)
            if whole := next((skip for skip in skips if not skip.segment_id), None):
                raise MediaError(whole.reason)
            reasons = {skip.segment_id: skip.reason for skip in skips}
            present = rows[~rows["segment_id"].isin(set(reasons))]
            present = present[available_rows(present, {inputs.modality: opened})].reset_index(drop=True)
            yield _Seen(rows, present, outside, reasons, self._dataset(present, opened))

    def _dataset(self, rows: pd.DataFrame, opened: OpenModality) -> ViewDataset:
        """The test views of the segments `rows`."""
        inputs, (clips, crops) = self.settings.inputs, self.settings.inputs.views
        name, views = inputs.modality, inputs.slice.views
        return ViewDataset(rows, name, {name: opened}, views, 0, train=False, labels=[], clips=clips, crops=crops)

    def inputs_of(self, videos: Iterable[str | Path]) -> Iterator[dict[str, torch.Tensor]]:
        """What the net reads of whole videos, in batches, on the CPU; MediaError for one that cannot be read."""
        for request in whole_files(map(Path, videos), 0.0, np.nan, None):
            with self._opened(request) as seen:
                for pairs in OrderedBatches(len(seen.dataset), self._views, BATCH):
                    yield finish(collate([seen.dataset[pair] for pair in pairs]), seen.dataset.modality, "cpu")

    @property
    def _views(self) -> list[int]:
        clips, crops = self.settings.inputs.views
        return list(range(clips * crops))

    def _scores(self, seen: "_Seen") -> list[tuple[dict, dict]]:
        """({head: logits [K]}, {head: scaled logits [K]}) of each segment, mean over views, then over the members."""
        heads, count = list(self.classes), len(seen.present)
        sums = [{head: np.zeros((count, len(self.classes[head]))) for head in heads} for _ in range(2)]
        for member in self.members:
            values = self._logits(member.net, seen.dataset, self._views)
            for head in heads:
                mean_NK = average_views(values[head]) / len(self.members)
                sums[0][head] += mean_NK
                sums[1][head] += mean_NK * member.settings.logit_scale[head]
        return [({h: sums[0][h][n] for h in heads}, {h: sums[1][h][n] for h in heads}) for n in range(count)]

    def _logits(self, net: nn.Module, dataset: ViewDataset, views: list[int]) -> dict[str, np.ndarray]:
        """{head: float32 [N, V, K]}."""
        order, placement = OrderedBatches(len(dataset), views, BATCH), placement_of(self.device)

        def batches() -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, torch.Tensor]]]:
            long = len(order) > LONG
            for pairs in runtime.progress(order, len(order), "predicting", f"batches of {BATCH}") if long else order:
                numbers, places = np.array(pairs).T
                batch = collate([dataset[pair] for pair in pairs])
                yield numbers, places, finish(batch, dataset.modality, self.device)

        out = {
            head: np.zeros((len(dataset), len(views), len(names)), np.float32) for head, names in self.classes.items()
        }
        for numbers, places, logits in logits_of(net, batches(), placement):
            for head, values in logits.items():
                out[head][numbers, places] = values
        return out
