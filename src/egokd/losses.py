"""Training losses. Logits are {head: float [B, K]}, labels int64 [B, H] with -1 where a label is not known."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(
    logits: dict[str, Tensor], labels_BH: Tensor, heads: list[str], label_smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy with the labels in nats: mean over the labelled segments, then over heads. Scalar float32.

    heads            the order of the columns of `labels_BH`
    label_smoothing  share of the label that is spread evenly over all classes

    A head without any label in the batch contributes zero, not NaN.
    """
    total = 0.0
    for column, head in enumerate(heads):
        labels_B = labels_BH[:, column]
        summed = F.cross_entropy(
            logits[head].float(),
            labels_B,
            ignore_index=-1,
            reduction="sum",
            label_smoothing=label_smoothing,
        )
        total = total + summed / (labels_B != -1).sum().clamp(min=1)
    return total / len(heads)


def distillation(student: dict[str, Tensor], teacher: dict[str, Tensor], tau: float) -> Tensor:
    """mean over heads of tau^2 * KL(softmax(teacher / tau) || softmax(student / tau)), mean over the batch.

    Scalar float32. The factor tau^2 keeps the size of the gradient when tau grows (Hinton et al., 2015). Heads are
    those of the teacher; the student may have more.
    """
    total = 0.0
    for head, teacher_BK in teacher.items():
        log_t = F.log_softmax(teacher_BK.float() / tau, dim=-1)
        log_s = F.log_softmax(student[head].float() / tau, dim=-1)
        total = total + tau**2 * F.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
    return total / len(teacher)
