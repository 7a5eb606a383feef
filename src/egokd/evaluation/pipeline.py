"""What one has to run from the raw video to the logits of a segment, measured part by part in one process.

Reading: cutting a modality out of the raw files (decoding and scaling frames, computing flow, cutting sound, reading
boxes) into a store, exactly as the extraction jobs do it. Preparing: from the store to the input of a net. The net:
forward passes in the precision and batch that prediction jobs use.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from egokd.datasets.adapter import Adapter
from egokd.evaluation import cost
from egokd.machine.placement import Placement, convert, set_switches
from egokd.media.audio import cut_sound
from egokd.media.flow import cut_flow
from egokd.media.frame_store import FrameStore
from egokd.media.frames import cut_frames
from egokd.media.object_writer import write_boxes
from egokd.media.skipped import Cut
from egokd.sampling.dataset import ViewDataset
from egokd.sampling.modalities.opened import OpenModality

REPEATS = 7  # timed forward passes
READ = ("rgb", "flow", "audio", "obj")  # modalities that a `Reader` can cut out of raw files, in that order
STATUS, CLEAR_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def sample_rows(rows: pd.DataFrame, least: int) -> pd.DataFrame:
    """Whole videos of a split, in the order of their names, until there are `least` segments."""
    sizes = rows.groupby("video_id").size().sort_index()
    needed = int(np.searchsorted(sizes.cumsum().to_numpy(), least)) + 1
    return rows[rows["video_id"].isin(sizes.index[:needed])].reset_index(drop=True)


class Reader:
    """Cuts modalities of `rows` out of the raw files under `root` into stores in `folder`.

    media   the section of the config, as plain values
    index   table of places of boxes, for formats that need one
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        adapter: Adapter,
        root: Path,
        folder: Path,
        media: dict[str, Any],
        frames_fps: float | None = None,
        index: Path | None = None,
    ):
        self.videos = list(rows.groupby("video_id", sort=True))
        self.adapter, self.root, self.folder, self.media = adapter, root, folder, media
        self.frames_fps, self.index = frames_fps, index

    def read(self, modality: str) -> Path:
        """Write the store of one modality; flow is computed from the frames, which must have been read before."""
        path = self.folder / modality
        work: dict[str, Callable[[Path], None]] = {
            "rgb": self._frames,
            "flow": self._flow,
            "audio": self._sound,
            "obj": self._boxes,
        }
        work[modality](path)
        return path

    def _frames(self, path: Path) -> None:
        videos = (
            (video_id, self.adapter.rgb_source(self.root, video_id, self.frames_fps), rows)
            for video_id, rows in self.videos
        )
        _run(cut_frames(path, videos, self.media, 1, Cut()))

    def _flow(self, path: Path) -> None:
        _run(cut_flow(path, FrameStore([self.folder / "rgb"]), self.media["flow"], 1, Cut()))

    def _sound(self, path: Path) -> None:
        files = ((video_id, self.adapter.sound_path(self.root, video_id), rows) for video_id, rows in self.videos)
        videos = ((video_id, file, rows) for video_id, file, rows in files if file is not None)
        _run(cut_sound(path, videos, self.media["audio"], Cut()))

    def _boxes(self, path: Path) -> None:
        rate = self.media["frame_rate"]
        write_boxes(
            path, [self.adapter.boxes(self.root, video_id, rows, rate, self.index) for video_id, rows in self.videos]
        )


def _run(work: Iterator) -> None:
    """Do all of it."""
    for _ in work:
        pass


def reading_ms(reader: Reader, modalities: list[str], segments: int) -> dict[str, float]:
    """Milliseconds per segment of reading each modality, in the given order; flow without the frames it needs.

    Libraries that a first file brings in must have been loaded: read something else before.
    """
    found = {}
    for modality in modalities:
        began = time.perf_counter()
        reader.read(modality)
        found[modality] = 1000 * (time.perf_counter() - began) / segments
    return found


def preparing_ms(rows: pd.DataFrame, opened: OpenModality, dataset: Callable[[pd.DataFrame], ViewDataset]) -> float:
    """Milliseconds per view of making a net's input from the store; 0 where no segment has the modality."""
    present = rows[opened.available(rows)]
    if present.empty:
        return 0.0
    views = dataset(present)
    views[0, 0]  # opens files
    began = time.perf_counter()
    for row in range(len(present)):
        views[row, 0]
    return 1000 * (time.perf_counter() - began) / len(present)


def net_cost(model: nn.Module, inputs: dict[str, torch.Tensor], batch: int, placement: Placement) -> dict[str, float]:
    """Latency of one clip and throughput of a batch, in the precision that jobs use, and the peak memory of the batch.

    `inputs` is one clip. Memory is what the process holds (CPU) or what tensors take on the device (GPU).
    """
    set_switches(placement)
    model = convert(model, placement).eval()
    clip = {name: tensor.to(placement.device) for name, tensor in inputs.items()}
    clips = {name: tensor.expand(batch, *tensor.shape[1:]).contiguous() for name, tensor in clip.items()}
    with torch.inference_mode(), placement.autocast():
        _forget_peak(placement.device)
        throughput = cost.clips_per_second(model, clips, REPEATS)
        peak_mb = _peak_mb(placement.device)
        latency_s = 1 / cost.clips_per_second(model, clip, REPEATS)
    return {"latency_ms": 1000 * latency_s, "clips_per_s_batched": throughput, "peak_memory_mb": peak_mb}


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif CLEAR_PEAK.exists():
        CLEAR_PEAK.write_text("5")  # Linux: the peak of this process starts anew


def _peak_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6
