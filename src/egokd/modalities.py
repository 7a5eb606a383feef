"""The table of modalities: where each is stored, what kind of input it gives a net, how figures show it.

Pure data, free of torch and of the modalities themselves, because the Snakefile and the config read it. What a modality
does is in a module of its own name in egokd.sampling.modalities, which jobs load by that name; a rule adds the modules
and rows that its job reads to the digest of its code. So a change in one modality never runs
jobs again that do not read it, and a new row runs nothing again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Literal

PIXELS: Literal["pixels"] = "pixels"
BOXES: Literal["boxes"] = "boxes"


@dataclass(frozen=True)
class Modality:
    """One row.

    suffix    of the files of its store, results/data/{dataset}/{modality}/{shard}.{suffix}
    kind      what a net reads: pixels float [B,C,T,H,W], or boxes and their attributes [B,T,N,...]
    channels  C of pixels, 0 for boxes
    title     in figures
    colour    in figures

    Title and colour are left out of the row's repr, which stands for it in digests: no net depends on them.
    """

    suffix: str
    kind: Literal["pixels", "boxes"]
    channels: int
    title: str = field(repr=False)
    colour: str = field(repr=False)


# in the order in which modalities stand in tables, figures and arguments
MODALITIES: dict[str, Modality] = {
    "rgb": Modality("arrow", PIXELS, 3, "RGB", "#4878a8"),
    "flow": Modality("arrow", PIXELS, 3, "flow", "#8a6fb0"),
    "audio": Modality("arrow", PIXELS, 1, "audio", "#4f9d8f"),
    "obj": Modality("parquet", BOXES, 0, "boxes", "#c28a3a"),
}
# the omnivore baseline turns every modality into pictures like those of this one, and is tested on it
PICTURES = "rgb"


def looks(modalities: Iterable[str]) -> tuple[str, ...]:
    """Title and colour of modalities, as texts for the digest of code that draws."""
    return tuple(f"{name} {MODALITIES[name].title} {MODALITIES[name].colour}" for name in modalities)


def module_of(modality: str) -> str:
    """The module of a modality, by name."""
    return f"egokd.sampling.modalities.{modality}"


def load(modality: str) -> ModuleType:
    """The module of a modality; what it offers is written down in `egokd.sampling.modalities.common`."""
    return import_module(module_of(modality))
