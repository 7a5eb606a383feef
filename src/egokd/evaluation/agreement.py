"""How far a student follows its teacher: the same answers, and the divergence of their probabilities.

Shapes: N segments, V views, K classes of a head. Arithmetic in float64.
"""

from dataclasses import dataclass

import numpy as np

from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views, log_softmax
from egokd.errors import UserError


@dataclass(frozen=True)
class Agreement:
    """Of a model with a teacher, on the segments that both have an answer for."""

    same: float  # percent of segments for which all heads give the teacher's classes
    kl: float  # mean divergence of the teacher's probabilities from the model's, in nats, summed over heads
    segments: int


def agreement(teacher: dict[str, np.ndarray], model: dict[str, np.ndarray]) -> Agreement:
    """Compare logits {head: [N,K]} of a teacher and a model, row by row; N > 0."""
    same_N: np.ndarray | None = None
    kl = 0.0
    for head, logits_NK in teacher.items():
        goal_NK, found_NK = log_softmax(logits_NK), log_softmax(model[head])
        equal_N = goal_NK.argmax(axis=1) == found_NK.argmax(axis=1)
        same_N = equal_N if same_N is None else same_N & equal_N
        kl += float((np.exp(goal_NK) * (goal_NK - found_NK)).sum(axis=1).mean())
    if same_N is None:
        raise ValueError("predictions without heads cannot be compared")
    return Agreement(100 * float(same_N.mean()), kl, len(same_N))


def agreement_of_files(teacher: LogitFile, model: LogitFile) -> Agreement | None:
    """`agreement` of two models' predictions, whose rows are joined by the ids of the segments.

    None where no segment has an answer of both. Raises UserError unless both are of the same segments and classes.
    """
    odd = sorted(set(teacher.segment_ids) ^ set(model.segment_ids))
    if odd:
        raise UserError(
            f"{teacher.paths[0]} and {model.paths[0]} are not of the same segments: {odd[0]!r} is in one of them only; "
            "make both again"
        )
    ids = teacher.segment_ids
    model.check(ids, [], teacher.num_classes)
    both = [name for name in ids if teacher.available[name] and model.available[name]]
    if not both:
        return None
    first, second = ({head: average_views(v) for head, v in f.all_logits(both).items()} for f in (teacher, model))
    return agreement(first, second)
