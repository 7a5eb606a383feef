"""Where the student's gain comes from: by class, by pair of confused classes, and by length of the segment.

In: predicted classes of baseline, ensemble, student and teachers on the same segments, for every seed. Shares of
segments are in percent and means over seeds; counts of confusions are means over seeds.

Legend: N segments. A prediction is -1 where all classes score the same, as for a missing modality: it is never right.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from egokd.evaluation.tables import spread

GROUPS = 4  # of segments by length, of equal size


@dataclass(frozen=True)
class Compared:
    """Who is compared: names of models. `teachers` are members of the ensemble."""

    baseline: str
    ensemble: str
    student: str
    teachers: list[str]

    @property
    def models(self) -> list[str]:
        """All of them, each once."""
        return list(dict.fromkeys([self.baseline, self.ensemble, self.student, *self.teachers]))


Predicted = dict[str, list[np.ndarray]]  # {model: [int64 [N] for every seed]}


def predicted_classes(logits_NK: np.ndarray) -> np.ndarray:
    """int64 [N]: the class that scores strictly highest; -1 where several do."""
    highest_N1 = logits_NK.max(axis=1, keepdims=True)
    return np.where((logits_NK == highest_N1).sum(axis=1) == 1, logits_NK.argmax(axis=1), -1)


def by_class(predicted: Predicted, labels_N: np.ndarray, names: list[str], compared: Compared) -> pd.DataFrame:
    """One row per class that has segments: top-1 of every model, the student's change over the baseline with its
    spread over seeds, and the teacher that is best at the class; the largest changes first, losses last."""
    records = []
    for number, name in enumerate(names):
        mine = labels_N == number
        if not mine.any():
            continue
        each = {model: [100 * float((c[mine] == number).mean()) for c in predicted[model]] for model in compared.models}
        change = [s - b for s, b in zip(each[compared.student], each[compared.baseline], strict=True)]
        top1 = {model: float(np.mean(values)) for model, values in each.items()}
        records.append(
            {
                "class": name,
                "segments": int(mine.sum()),
                **{f"{model}_top1": value for model, value in top1.items()},
                "change": float(np.mean(change)),
                "change_std": spread(change),
                "best_teacher": max(compared.teachers, key=lambda teacher: top1[teacher]),
            }
        )
    return pd.DataFrame(records).sort_values("change", ascending=False, kind="stable", ignore_index=True)


def confusions(predicted: Predicted, labels_N: np.ndarray, names: list[str], compared: Compared) -> pd.DataFrame:
    """One row per (true, predicted) pair of different classes that either confuses: segments of baseline and student,
    and the change; the pairs that the student untangles first, those that it confuses more last."""
    count = len(names)
    tables = {}
    for model in (compared.baseline, compared.student):
        table = np.zeros((count, count))
        for classes_N in predicted[model]:
            known = classes_N >= 0
            np.add.at(table, (labels_N[known], classes_N[known]), 1 / len(predicted[model]))
        tables[model] = table
    before, after = tables[compared.baseline], tables[compared.student]
    truth, wrong = np.nonzero((before + after > 0) & ~np.eye(count, dtype=bool))
    pairs = pd.DataFrame(
        {
            "class": [names[place] for place in truth],
            "taken_for": [names[place] for place in wrong],
            f"{compared.baseline}_segments": before[truth, wrong],
            f"{compared.student}_segments": after[truth, wrong],
            "change": after[truth, wrong] - before[truth, wrong],
        }
    )
    return pairs.sort_values("change", kind="stable", ignore_index=True)


def by_length(
    right: dict[str, list[np.ndarray]], length_s: np.ndarray, in_view: np.ndarray, compared: Compared
) -> pd.DataFrame:
    """One row per group of segments of equal number, the shortest first: bounds, share in view, top-1 of every model.

    right    {model: [bool [N] for every seed]}: whether all heads are right
    in_view  [N] share of the segment that a test clip spans
    """
    records = []
    for places in np.array_split(np.argsort(length_s, kind="stable"), GROUPS):
        if not len(places):
            continue
        top1 = {
            f"{model}_top1": 100 * float(np.mean([hit[places].mean() for hit in right[model]]))
            for model in compared.models
        }
        records.append(
            {
                "shortest_s": float(length_s[places].min()),
                "longest_s": float(length_s[places].max()),
                "segments": len(places),
                "share_in_view": 100 * float(in_view[places].mean()),
                **top1,
                "change": top1[f"{compared.student}_top1"] - top1[f"{compared.baseline}_top1"],
            }
        )
    return pd.DataFrame(records)


def share_in_view(length_s: np.ndarray, sampling: str, num_frames: int, stride_s: float) -> np.ndarray:
    """[N] share of a segment that one test clip spans: all of it with uniform sampling, a run's length with dense."""
    if sampling == "uniform":
        return np.ones(len(length_s))
    return np.minimum(1.0, num_frames * stride_s / length_s)
