"""The table of nets: name in the config, class, kind of input, size.

Free of torch, because the Snakefile reads it: a rule adds the module of the net it uses to its inputs, so
that a change in one net never retrains another. That is also why `build` loads these modules by name.
"""

from dataclasses import dataclass, field
from typing import Any

from egokd.errors import UserError, nearest_name
from egokd.modalities import BOXES, MODALITIES, PICTURES, PIXELS
from egokd.names import OMNIVORE


@dataclass(frozen=True)
class Net:
    """One entry.

    module, cls  where the class is
    kind         of input that it reads
    preset       the arguments that make this size
    multiples    arguments that must be multiples of others, or of a number
    geometry     a module, free of torch, whose `check_geometry` refuses arguments that do not go together
    public       patterns of names of public weights
    batch_norm   whether a batch of one segment cannot be learned from

    What a config is checked by and no job computes with is left out of the row's repr, which stands for it in digests.
    """

    module: str
    cls: str
    kind: str
    preset: dict[str, Any] = field(default_factory=dict)
    multiples: tuple[tuple[str, str | int], ...] = field(default=(), repr=False)
    geometry: str = field(default="", repr=False)
    public: tuple[str, ...] = field(default=(), repr=False)
    batch_norm: bool = field(default=False, repr=False)

    @property
    def modalities(self) -> tuple[str, ...]:
        """What it reads: modalities of its kind, and the omnivore's pictures of all."""
        names = [name for name, row in MODALITIES.items() if row.kind == self.kind]
        return (*names, OMNIVORE) if self.kind == PIXELS else tuple(names)


def _video_swin(embed_dim: int, third_stage: int) -> Net:
    preset = {
        "embed_dim": embed_dim,
        "depths": (2, 2, third_stage, 2),
        "num_heads": tuple(embed_dim // 32 * 2**stage for stage in range(4)),
    }
    public = ("DEFAULT", "KINETICS400_V1", *(("KINETICS400_IMAGENET22K_V1",) if embed_dim == 128 else ()))
    geometry = "egokd.models.swin_geometry"
    return Net("egokd.models.video_swin", "VideoSwin", PIXELS, preset, geometry=geometry, public=public)


NETS: dict[str, Net] = {
    "small": Net("egokd.models.small", "SmallVideoNet", PIXELS, batch_norm=True),
    "small_boxes": Net("egokd.models.small_boxes", "SmallBoxNet", BOXES, multiples=(("width", 4),), batch_norm=True),
    "video_swin_t": _video_swin(96, 6),
    "video_swin_s": _video_swin(96, 18),
    "video_swin_b": _video_swin(128, 18),
    "timesformer_b": Net(
        "egokd.models.timesformer",
        "TimeSformer",
        PIXELS,
        multiples=(("size", "patch_size"), ("embed_dim", "num_heads")),
        public=("vit_*",),
    ),
    "stlt": Net("egokd.models.stlt", "Stlt", BOXES, multiples=(("width", "num_heads"),)),
}


def channels_of(modality: str) -> int:
    """Channels of the pixels of a modality, or of the omnivore's pictures."""
    return MODALITIES[PICTURES if modality == OMNIVORE else modality].channels


def find_net(net: str) -> Net:
    """The entry of `net`; UserError with the nearest name when there is none."""
    if net not in NETS:
        raise UserError(f"net {net!r} is unknown{nearest_name(net, NETS)}")
    return NETS[net]
