"""Training losses. Logits are {head: float [B, K]}, labels int64 [B, H] with -1 where a label is unknown."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy(
    logits: dict[str, Tensor],
    labels_BH: Tensor,
    heads: list[str],
    label_smoothing: float = 0.0,
    known_H: Tensor | None = None,
) -> Tensor:
    """Cross-entropy with the labels, in nats: mean over the labelled segments, then over heads. Scalar float32.

    heads            the order of the columns of `labels_BH`
    label_smoothing  share of the label's probability that is spread evenly over all classes
    known_H          divisors of the means, if this batch is a share of a larger one; by default its labelled segments

    A head without any label in the batch adds zero, not NaN.
    """
    total = torch.zeros((), device=labels_BH.device)
    for column, head in enumerate(heads):
        labels_B = labels_BH[:, column]
        summed = F.cross_entropy(
            logits[head].float(),
            labels_B,
            ignore_index=-1,
            reduction="sum",
            label_smoothing=label_smoothing,
        )
        total = total + summed / ((labels_B != -1).sum().clamp(min=1) if known_H is None else known_H[column])
    return total / len(heads)


def distillation(
    student: dict[str, Tensor], teacher: dict[str, Tensor], tau: float, count: Tensor | None = None
) -> Tensor:
    """tau^2 * KL(softmax(teacher / tau) || softmax(student / tau)): mean over the batch, then over heads.

    Scalar float32. The factor tau^2 keeps the size of the gradient when tau grows (Hinton et al., 2015). The heads are
    the teacher's; the student may have more. count: divisor of the mean, if this batch is a share of a larger one; by
    default its number of segments.
    """
    total = torch.zeros((), device=next(iter(teacher.values())).device)
    for head, teacher_BK in teacher.items():
        log_t = F.log_softmax(teacher_BK.float() / tau, dim=-1)
        log_s = F.log_softmax(student[head].float() / tau, dim=-1)
        summed = F.kl_div(log_s, log_t, reduction="sum", log_target=True)
        total = total + tau**2 * summed / (len(teacher_BK) if count is None else count)
    return total / len(teacher)
