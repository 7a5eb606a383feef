"""`inference.json`: all that must travel with a model's weights so that its folder can predict anywhere.

The weights and config.json, which training writes, say what the net is. This file says what it is fed: how frames are
stored, which views are shown, what the classes are called, and how much the logits are to be scaled for calibrated
confidence. The rule `package` writes it beside the weights.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from egokd.config.audio import AudioMediaSettings
from egokd.config.base import Count, Modality, Positive, Section
from egokd.config.evaluation import Crops
from egokd.config.flow import FlowMediaSettings
from egokd.config.validation import validate
from egokd.config.views import ViewSlice
from egokd.errors import UserError
from egokd.io import read_json

FILE = "inference.json"


class StoredFrames(Section):
    """How the workflow stores the frames of a video; a model sees frames as they come out of such a store."""

    reader: Literal["decord", "pyav"]
    """Preferred decoder; files that decord does not read right are read by PyAV."""
    frame_rate: Positive
    """Stored frames per second."""
    short_side: Annotated[int, Field(ge=32)]
    """Shorter side of stored frames in pixels."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    """JPEG quality of stored frames."""


class Inputs(Section):
    """What a model is fed, from the video to the net; part of the config, as the rule `package` hands it on."""

    modality: Modality
    """What it reads."""
    slice: ViewSlice
    """Views and inputs."""
    views: tuple[Count, Crops]
    """[clips, crops] per segment, whose logits are averaged: the first reported setting."""
    frames: StoredFrames
    """How frames are stored."""
    flow: FlowMediaSettings | None
    """How flow is stored, for a model that reads it."""
    audio: AudioMediaSettings | None
    """How sound is stored, for a model that reads it."""


class Calibration(Section):
    """How the scale of the logits was chosen, and what it changes on the held-out segments."""

    segments: int
    """Held-out segments that it was fitted on; 0: none, the scale is 1."""
    noisy_labels: bool
    """Whether the fit allowed for random labels."""
    nll_before: dict[str, float]
    """Mean negative log-likelihood in nats by head, unscaled."""
    nll_after: dict[str, float]
    """The same, scaled."""


class Portable(Section):
    """The content of inference.json."""

    egokd_inference: Literal[1]
    """Version of this format."""
    dataset: str
    """Name of the dataset in the config of the run."""
    model: str
    """Name of the model in the tables."""
    seed: int
    """Training seed."""
    source: str
    """Where the data came from: `demo`, or the real dataset's name."""
    licence: str
    """What is known about the licence of the data."""
    classes: dict[str, list[str]]
    """Class names of each head, in the order of the logits."""
    logit_scale: dict[str, Positive]
    """By head: the factor on the logits that gives calibrated confidence (1 / temperature)."""
    calibration: Calibration
    inputs: Inputs


def read_portable(folder: Path) -> Portable:
    """The inference.json of a model folder; UserError that says how to make it where it is missing."""
    path = folder / FILE
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the folder that holds a model's model.safetensors")
    if not path.is_file():
        parts = folder.absolute().parts
        in_results = len(parts) > 4 and parts[-4] == "models" and parts[-5] == "results"
        target = Path(*parts[-5:]) / FILE if in_results else Path("results/models/DATASET/MODEL/seedSEED") / FILE
        raise UserError(
            f"{path}: missing; it says what the net is fed. Make it in the folder of the workflow with: "
            f"snakemake --cores 1 {target} (and the --configfile of the run, if it had one)"
        )
    return validate(Portable, read_json(path), str(path))
