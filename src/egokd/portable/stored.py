"""Parts of one video as a model was trained to see them: through stores, made in a folder that is thrown away.

Frames are decoded, scaled and encoded by the very code of the workflow's extraction steps, and read back by that of its
training: whatever a store does to a frame is done here too.
"""

from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.errors import UserError
from egokd.media.audio import cut_sound
from egokd.media.flow import cut_flow
from egokd.media.frame_store import FrameStore
from egokd.media.frames import cut_frames, expected_frames
from egokd.media.skipped import Cut, Skip
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
    cut, frames = Cut(), folder / f"{FRAMES}.arrow"
    work = cut_frames(frames, [(video_id, source, rows)], inputs.frames.model_dump(), threads, cut)
    total = expected_frames(rows, inputs.frames.frame_rate)
    for _ in runtime.progress(work, total, f"{Path(video_id).name}: reading", "frames"):
        pass
    path = folder / f"{inputs.modality}.arrow"
    if inputs.modality == "flow":
        if inputs.flow is None or inputs.flow.source != "computed":
            raise UserError("this model was trained on published flow, which cannot be computed from a video")
        list(cut_flow(path, FrameStore([frames]), inputs.flow.model_dump(), threads, cut))
    elif inputs.modality == "audio":
        if inputs.audio is None:
            raise UserError("inference.json does not say how sound is stored (inputs.audio); make it again")
        list(cut_sound(path, [(video_id, source.path, rows)], inputs.audio.model_dump(), cut))
    elif inputs.modality != FRAMES:
        raise UserError(
            f"a model that reads {inputs.modality} cannot predict from a video alone: its input is not in the video"
        )
    shared = Shared(inputs.slice.size, inputs.slice.frame_rate)
    return open_modalities(inputs.slice.inputs, {inputs.modality: [path]}, shared)[inputs.modality], cut.skips
