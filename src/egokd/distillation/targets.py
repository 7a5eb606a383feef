"""A student's targets: the banked logits of its teachers, combined view by view."""

from collections.abc import Sequence

import numpy as np

from egokd.distillation.ensemble import combine, sample_weights
from egokd.distillation.logit_files import LogitFile
from egokd.errors import UserError


class EnsembleTargets:
    """(segment_id, view) -> {head: float32 [K]}: the combined logits of the banked teachers.

    banks        {teacher: its bank}
    weights      {head: {teacher: weight}}
    how          logits or probabilities, see `egokd.distillation.ensemble.combine`
    labels       {segment_id: {head: class}} for the scheme per_sample, which weights the teachers of each view by their
                 cross-entropy with its label; otherwise None
    temperature  of these weights
    scale        {head: factor on the combined logits}; None for 1

    Raises UserError if weights and banks are of different teachers.
    """

    def __init__(
        self,
        banks: dict[str, LogitFile],
        weights: dict[str, dict[str, float]],
        how: str = "logits",
        labels: dict[str, dict[str, int]] | None = None,
        temperature: float = 1.0,
        scale: dict[str, float] | None = None,
    ):
        for head, by_teacher in weights.items():
            if set(by_teacher) != set(banks):
                raise UserError(
                    f"ensemble: weights of head {head!r} are for {sorted(by_teacher)}, banks are of {sorted(banks)}"
                )
        self.banks, self.how, self.labels, self.temperature = banks, how, labels, temperature
        self.heads = list(weights)
        self.scale = scale or dict.fromkeys(weights, 1.0)
        self.weights = {head: np.array([by_teacher[m] for m in banks]) for head, by_teacher in weights.items()}

    def covered(self, segment_ids: Sequence[str]) -> np.ndarray:
        """bool [N]: which segments have at least one teacher. Raises UserError if a bank lacks a segment."""
        for bank in self.banks.values():
            bank.check(segment_ids, [], bank.num_classes)
        return np.logical_or.reduce([bank.availability(segment_ids) for bank in self.banks.values()])

    def __call__(self, segment_id: str, view: int) -> dict[str, np.ndarray]:
        found = [bank.logits(segment_id, view) for bank in self.banks.values()]
        available_M1 = np.array([[logits is not None] for logits in found])
        if not available_M1.any():
            raise UserError(f"segment {segment_id!r}: it has the modality of none of the teachers {list(self.banks)}")
        out = {}
        for head in self.heads:
            present = next(logits[head] for logits in found if logits is not None)
            empty = np.zeros_like(present)
            logits_M1K = np.stack([empty if logits is None else logits[head] for logits in found])[:, None]
            weights = self.weights[head]
            if self.labels is not None:
                label_1 = np.array([self.labels[segment_id][head]])
                weights = sample_weights(logits_M1K, label_1, available_M1, self.temperature)
            out[head] = (self.scale[head] * combine(logits_M1K, weights, available_M1, self.how)[0]).astype(np.float32)
        return out
