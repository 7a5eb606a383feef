"""Settings of test views, [clips, crops], of which some are a part of others.

A view follows from its setting (`egokd.sampling.views.evaluation_views`): clip c of n shows the share (c + 0.5) / n of
the segment, and a single crop is the middle one of three. So the views of a smaller setting are among those of a larger
one when both have as many crops, or the smaller one has one crop, and when the larger has an odd multiple of the clips:
1 is a part of 3 and 9, 2 of 6 and 10, but 1 is no part of 2 or 4, whose clips lie around the middle. These are the very
same views, to the bit, so their logits are read from the larger setting's predictions and not computed again.
"""

from collections.abc import Sequence

Setting = tuple[int, int]  # clips, crops


def count_of(setting: Setting) -> int:
    """Views per segment."""
    return setting[0] * setting[1]


def places_in(part: Setting, whole: Setting) -> list[int] | None:
    """Where the views of `part` stand among those of `whole`, in order; None if they are not all among them."""
    times, rest = divmod(whole[0], part[0])
    if rest or times % 2 == 0 or part[1] not in (1, whole[1]):
        return None
    crops = range(whole[1]) if part[1] == whole[1] else [whole[1] // 2]
    return [(clip * times + times // 2) * whole[1] + crop for clip in range(part[0]) for crop in crops]


def source_of(setting: Setting, settings: Sequence[Setting]) -> Setting:
    """The largest of `settings` that `setting` is a part of; itself if there is no larger one."""
    wholes = [whole for whole in settings if places_in(setting, whole) is not None]
    return max([setting, *wholes], key=count_of)
