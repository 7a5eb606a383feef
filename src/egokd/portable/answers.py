"""What a model answers about a part of a video, and how it is written: for programs, tables and people.

Shapes: K classes of a head.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from egokd.distillation.logits import log_softmax
from egokd.names import head_place

ACTION = "action"
DIGITS = 4  # of a confidence in text
Ranked = list[tuple[str, float]]  # names with probabilities, the best first


@dataclass(frozen=True)
class Prediction:
    """The answer about [start_s, stop_s) of a video.

    segment_id  as the list of segments calls it, "" without one
    classes     names of each head
    logits      {head: float64 [K]}, mean over views and seeds, as the workflow would store them
    scaled      {head: float64 [K]}, the same with the scale of calibration; confidence is the softmax of these
    """

    video: str
    start_s: float
    stop_s: float
    segment_id: str
    classes: dict[str, list[str]] = field(repr=False)
    logits: dict[str, np.ndarray] = field(repr=False)
    scaled: dict[str, np.ndarray] = field(repr=False)

    @property
    def heads(self) -> list[str]:
        """Heads in the order in which a person reads them."""
        return sorted(self.classes, key=head_place)

    def probabilities(self, head: str) -> np.ndarray:
        """float64 [K]: the calibrated confidence in each class of a head."""
        return np.exp(log_softmax(self.scaled[head]))

    def top(self, head: str, count: int = 5) -> Ranked:
        """The best classes of a head; of `action`, where it is no head, the best combinations of all heads.

        Heads are predicted independently: the confidence in a combination is the product of theirs.
        """
        if head in self.classes:
            values = self.probabilities(head)
            order = np.argsort(-values, kind="stable")[:count].tolist()
            return [(self.classes[head][index], float(values[index])) for index in order]
        if head != ACTION:
            raise KeyError(f"{head!r}: there are {', '.join([*self.heads, ACTION])}")
        combined: Ranked = [("", 1.0)]
        for name in self.heads:
            best = self.top(name, count)  # a combination among the best `count` holds only such classes
            pairs = [(f"{left} {right}".strip(), p * q) for left, p in combined for right, q in best]
            combined = sorted(pairs, key=lambda pair: -pair[1])[:count]
        return combined

    @property
    def asked(self) -> list[str]:
        """What is listed: all heads, and the action where there are several."""
        return [*self.heads, *([ACTION] if len(self.heads) > 1 else [])]

    def as_dict(self, count: int = 5, with_logits: bool = False) -> dict:
        """Plain values, for JSON."""
        out: dict = {"video": self.video, "start_s": self.start_s, "stop_s": self.stop_s}
        if self.segment_id:
            out["segment_id"] = self.segment_id
        for name in self.asked:
            out[name] = [{"class": label, "confidence": round(p, DIGITS)} for label, p in self.top(name, count)]
        if with_logits:
            out["logits"] = {head: self.logits[head].tolist() for head in self.heads}
        return out


@dataclass(frozen=True)
class Skipped:
    """A video, or a part of one (start_s and stop_s are not None then), that there is no answer about."""

    video: str
    reason: str
    segment_id: str = ""
    start_s: float | None = None
    stop_s: float | None = None

    def as_dict(self) -> dict:
        """Plain values, for JSON."""
        out: dict = {"video": self.video, "skipped": self.reason}
        out |= {"segment_id": self.segment_id} if self.segment_id else {}
        return out | ({} if self.start_s is None else {"start_s": self.start_s, "stop_s": self.stop_s})


Answer = Prediction | Skipped


def json_line(answer: Answer, count: int, with_logits: bool) -> str:
    """One line of JSON."""
    plain = answer.as_dict(count, with_logits) if isinstance(answer, Prediction) else answer.as_dict()
    return json.dumps(plain, ensure_ascii=False)


def csv_lines(answers: Iterable[Answer], asked: Sequence[str], count: int) -> str:
    """A table with one row per segment and rank; what was skipped has a row with the reason."""
    columns = ["video", "segment_id", "start_s", "stop_s", "rank"]
    columns += [column for name in asked for column in (name, f"{name}_confidence")] + ["skipped"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for answer in answers:
        row = {key: getattr(answer, key) for key in columns[:4]}
        if isinstance(answer, Skipped):
            writer.writerow({**row, "skipped": answer.reason})
            continue
        best = {name: answer.top(name, count) for name in asked}
        for rank in range(max(map(len, best.values()))):
            cells = {name: ranked[rank] for name, ranked in best.items() if rank < len(ranked)}
            named = {name: label for name, (label, _) in cells.items()}
            sure = {f"{name}_confidence": round(p, DIGITS) for name, (_, p) in cells.items()}
            writer.writerow({**row, "rank": rank + 1, **named, **sure})
    return text.getvalue()
