"""The annotation tables, with the official file names, columns and conventions."""

from pathlib import Path

import pandas as pd

from egokd.datasets.demos.kitchen.script import NOUN_CATEGORY, NOUNS, PHRASES, VERB_CATEGORY, VERBS, VideoPlan
from egokd.io import atomic_path

COLUMNS = [
    *("narration_id", "participant_id", "video_id", "narration_timestamp", "start_timestamp", "stop_timestamp"),
    *("start_frame", "stop_frame", "narration", "verb", "verb_class", "noun", "noun_class"),
    *("all_nouns", "all_noun_classes"),
]
TAIL_SHARE = 0.2  # tail classes are the rarest ones that together hold at most this share of the training labels


def write_annotations(root: Path, plans: list[VideoPlan], frame_rate: float, size: tuple[int, int]) -> None:
    """Write all CSV files of the dataset into `root`."""
    tables = {split: segment_table([p for p in plans if p.split == split]) for split in ("train", "val")}
    save(root / "EPIC_100_train.csv", tables["train"])
    save(root / "EPIC_100_validation.csv", tables["val"])
    for kind, names, categories in (("verb", VERBS, VERB_CATEGORY), ("noun", NOUNS, NOUN_CATEGORY)):
        classes = pd.DataFrame(
            {
                "id": range(len(names)),
                "key": names,
                "instances": [str([name]) for name in names],
                "category": [categories[name] for name in names],
            }
        )
        save(root / f"EPIC_100_{kind}_classes.csv", classes)
        tail = tail_classes(tables["train"][f"{kind}_class"], len(names))
        save(root / f"EPIC_100_tail_{kind}s.csv", pd.DataFrame({kind: tail}))
    seen = {p.participant for p in plans if p.split == "train"}
    unseen = sorted({p.participant for p in plans} - seen)
    save(root / "EPIC_100_unseen_participant_ids_validation.csv", pd.DataFrame({"participant_id": unseen}))
    info = pd.DataFrame(
        {
            "video_id": [p.video_id for p in plans],
            "duration": [p.duration_s for p in plans],
            "fps": float(frame_rate),
            "resolution": f"{size[0]}x{size[1]}",
        }
    )
    save(root / "EPIC_100_video_info.csv", info.sort_values("video_id"))


def segment_table(plans: list[VideoPlan]) -> pd.DataFrame:
    """One row per segment. Frames are 1-based on the video's fixed clock: seconds times the clock's rate."""
    rows = []
    for plan in sorted(plans, key=lambda p: p.video_id):
        for number, segment in enumerate(plan.segments):
            verb, noun = segment.label_verb, segment.label_noun
            noun_class = NOUNS.index(noun)
            rows.append(
                (
                    f"{plan.video_id}_{number}",
                    plan.participant,
                    plan.video_id,
                    timestamp(max(segment.start_s - 0.2, 0.0), 3),
                    timestamp(segment.start_s, 2),
                    timestamp(segment.stop_s, 2),
                    max(1, int(segment.start_s * plan.clock + 1e-6)),
                    int(segment.stop_s * plan.clock + 1e-6),
                    PHRASES[verb].format(noun),
                    verb,
                    VERBS.index(verb),
                    noun,
                    noun_class,
                    str([noun]),
                    str([noun_class]),
                )
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def tail_classes(labels: pd.Series, count: int) -> list[int]:
    """The rarest classes, together at most TAIL_SHARE of all labels (at least one class), ascending."""
    sizes = labels.value_counts().reindex(range(count), fill_value=0).sort_values(kind="stable")
    chosen = sizes.index[sizes.cumsum() <= TAIL_SHARE * len(labels)]
    return sorted(int(k) for k in (chosen if len(chosen) else sizes.index[:1]))


def timestamp(seconds: float, digits: int) -> str:
    """HH:MM:SS with `digits` decimals."""
    units = round(seconds * 10**digits)
    whole, part = divmod(units, 10**digits)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:0{digits}d}"


def save(path: Path, table: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)
