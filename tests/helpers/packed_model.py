"""A small packed model with random weights: a folder as the rule `package` leaves it."""

from pathlib import Path
from typing import Any

import torch

from egokd.config.views import ViewSlice
from egokd.io import write_json
from egokd.models.build import build_model
from egokd.models.files import save_model
from egokd.portable.settings import Calibration, Inputs, Portable, StoredFrames
from view_settings import views_of

CLASSES = {"verb": ["take", "put", "wash"], "noun": ["cup", "pan"]}


def inputs_of(modality: str = "rgb", **changes: Any) -> Inputs:
    """Four frames of 32 pixels, from frames stored at 10 per second."""
    values: dict[str, Any] = {
        "modality": modality,
        "slice": ViewSlice(views=views_of(num_frames=4), size=32, frame_rate=10.0, inputs={modality: {}}),
        "views": (1, 1),
        "frames": StoredFrames(reader="decord", frame_rate=10.0, short_side=48, jpeg_quality=90),
        "flow": None,
        "audio": None,
    }
    return Inputs(**{**values, **changes})


def portable_of(**changes: Any) -> Portable:
    """What travels with such a model."""
    values: dict[str, Any] = {
        "egokd_inference": 1,
        "dataset": "toy",
        "model": "student_heldout",
        "seed": 0,
        "source": "demo",
        "licence": "nobody's",
        "classes": CLASSES,
        "logit_scale": {"verb": 2.0, "noun": 0.5},
        "calibration": Calibration(segments=0, noisy_labels=False, nll_before={}, nll_after={}),
        "inputs": inputs_of(),
    }
    return Portable(**{**values, **changes})


def packed_model(folder: Path, seed: int = 0, net: str = "small", options: dict | None = None, **changes: Any) -> Path:
    """Write such a folder; `changes` are of its inference.json."""
    portable = portable_of(seed=seed, **changes)
    inputs = portable.inputs
    counts = {head: len(names) for head, names in portable.classes.items()}
    options = {"width": 4} if options is None else options
    torch.manual_seed(seed)
    build = {"net": net, "modality": inputs.modality, "heads": counts, "size": inputs.slice.size}
    build["num_frames"] = inputs.slice.views.num_frames
    model = build_model(**build, **options)
    with torch.no_grad():  # fresh heads are so small that all answers would look alike
        for name, weights in model.named_parameters():
            if name.startswith("heads."):
                weights.mul_(50)
    save_model(folder / "model.safetensors", model, {**build, "options": options, "segments": 7})
    write_json(folder / "inference.json", portable.model_dump(mode="json"))
    return folder
