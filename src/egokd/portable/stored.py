"""Parts of one video as a model was trained to see them: through stores, made in a folder that is thrown away.

Frames are decoded, scaled and encoded by the very code of the workflow's extraction steps, and read back by that of its
training: whatever a store does to a frame is done here too.
"""

from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.errors import UserError
from egokd.media.audio import add_video
from egokd.media.audio_writer import audio_writer
from egokd.media.flow import extract_flow
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.frames import FrameExtractor, expected_frames
from egokd.media.skipped import Skip
from egokd.media.sources import Source
from egokd.portable.settings import Inputs
from egokd.sampling.modalities.common import Shared
from egokd.sampling.modalities.opened import OpenModality, open_modalities

FRAMES = "rgb"


def store_video(
    video_id: str, source: Source, rows: pd.DataFrame, inputs: Inputs, folder: Path, threads: int
) -> tuple[OpenModality, list[Skip]]:
    """What a model reads of the segments `rows` of one video, ready to be read, and what had to be left out.

    The stores lie in `folder` and must stay there while they are read.
    """
    frames, skips = _store_frames(video_id, source, rows, inputs, folder, threads)
    path = frames
    if inputs.modality == "flow":
        path = _store_flow(frames, inputs, folder, threads, skips)
    elif inputs.modality == "audio":
        path = _store_sound(video_id, source, rows, inputs, folder, skips)
    elif inputs.modality != FRAMES:
        raise UserError(
            f"a model that reads {inputs.modality} cannot predict from a video alone: its input is not in the video"
        )
    shared = Shared(inputs.slice.size, inputs.slice.frame_rate)
    return open_modalities(inputs.slice.inputs, {inputs.modality: [path]}, shared)[inputs.modality], skips


def _store_frames(
    video_id: str, source: Source, rows: pd.DataFrame, inputs: Inputs, folder: Path, threads: int
) -> tuple[Path, list[Skip]]:
    settings = inputs.frames.model_dump(exclude={"reader"})
    path = folder / f"{FRAMES}.arrow"
    with StoreWriter(path, ("image",), {"kind": FRAMES, **settings}) as writer:
        extractor = FrameExtractor(writer, inputs.frames.reader, **settings, threads=threads)
        total = expected_frames(rows, inputs.frames.frame_rate)
        name = Path(video_id).name
        for _ in runtime.progress(extractor.add_video(video_id, source, rows), total, f"{name}: reading", "frames"):
            pass
    return path, extractor.skips


def _store_flow(frames: Path, inputs: Inputs, folder: Path, threads: int, skips: list[Skip]) -> Path:
    if inputs.flow is None or inputs.flow.source != "computed":
        raise UserError("this model was trained on published flow, which cannot be computed from a video")
    path, flow = folder / "flow.arrow", inputs.flow
    rate = inputs.frames.frame_rate
    metadata = {"kind": "flow", "frame_rate": rate, "dt_s": 1 / rate, **flow.model_dump()}
    with StoreWriter(path, ("u", "v"), metadata) as writer:
        for _ in extract_flow(FrameStore([frames]), writer, flow.preset, flow.bound, threads, skips):
            pass
    return path


def _store_sound(
    video_id: str, source: Source, rows: pd.DataFrame, inputs: Inputs, folder: Path, skips: list[Skip]
) -> Path:
    if inputs.audio is None:
        raise UserError("inference.json does not say how sound is stored (inputs.audio); make it again")
    path, rate, margin_s = folder / "audio.arrow", inputs.audio.sample_rate, inputs.audio.margin_s
    with audio_writer(path, rate, margin_s) as add:
        found, _ = add_video(add, video_id, source.path, rows, rate, margin_s)
    skips += found
    return path
