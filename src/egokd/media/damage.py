"""What a decoder could not do, and how much of that may be tolerated."""

from dataclasses import dataclass, field

MAX_DAMAGED_SHARE = 0.05  # decoders conceal a damaged slice and say so; a frame in 75 of a real file is such a one
FEW_DAMAGED = 3  # of short videos, of which one frame may be more than a twentieth


@dataclass
class Damage:
    """What a decoder could not do: times of frames that it shows although they are damaged, and what is left out.

    `concealed_s`: seconds. `lost`: numbers of frames that do not decode. `holes`: [start, stop) in s without frames.
    """

    concealed_s: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    holes: list[tuple[float, float]] = field(default_factory=list)

    @property
    def frames(self) -> int:
        return len(self.concealed_s) + len(self.lost)


def too_damaged(damaged: int, total: int) -> bool:
    """Whether so many damaged frames of `total` are too many to trust the rest."""
    return damaged > max(MAX_DAMAGED_SHARE * total, min(FEW_DAMAGED, total // 2))
