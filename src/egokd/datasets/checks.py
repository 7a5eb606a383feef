"""What can be known about a dataset before hours of work: which files are there, how long they are, what will be made.

Problems are rows with a kind, the video, the segment ('' for the whole video) and a sentence. `error`: the segments
concerned cannot be used. `warning`: they can, but a modality is missing or a class cannot be learned.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.segments import SPLITS, Segments
from egokd.errors import UserError
from egokd.media.errors import MediaError
from egokd.media.frames import expected_frames, stored_size
from egokd.media.header import Header
from egokd.media.pieces import length_of, touching
from egokd.media.skipped import MIN_COVERED_SHARE
from egokd.media.sources import FrameFiles, Pieces, Source

# bytes per pixel of JPEG at quality 90 and about; first-person video is neither flat nor noisy
RGB_BYTES_PER_PIXEL = 0.25
FLOW_BYTES_PER_PIXEL = 0.1  # both planes
FEW_CLIPS = 5  # of fewer, the median says little
AUDIO_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True)
class Problem:
    """One row of the report."""

    level: str  # error, warning
    kind: str
    video_id: str
    segment_id: str
    message: str


def full_source(source: str, part: str) -> str:
    """What tables print: the config's `source`, and which part of the dataset the files are, if not all of it."""
    return source if not part or source.endswith(part) else f"{source} {part}"


def layouts(sources: dict[str, Source], headers: dict[str, Header | MediaError]) -> list[str]:
    """How many videos come in which layout, one sentence for each."""
    counts: dict[str, int] = {}
    steps = [length_of(source) for source in sources.values() if isinstance(source, Pieces) and length_of(source)]
    step = max(sorted(set(steps)), key=steps.count, default=0)  # a missing piece makes a step longer
    for video_id, source in sources.items():
        header = headers[video_id]
        if isinstance(source, Pieces):
            layout = f"in pieces of {step} s" if step else "in a single piece each"
        elif isinstance(header, MediaError) and "no such file" in str(header):
            layout = "without a file"
        else:
            layout = "as frames" if isinstance(source, FrameFiles) else "in one file each"
        counts[layout] = counts.get(layout, 0) + 1
    return [f"{count} of {len(sources)} videos {layout}" for layout, count in sorted(counts.items())]


def coverage(table: pd.DataFrame, problems: list[Problem]) -> list[str]:
    """For each split, how many segments have all of their pictures; `problems` are those of `check_videos`."""
    bad, lines = unusable(table, problems), []
    for split in SPLITS:
        rows = table["split"] == split
        if count := int(rows.sum()):
            good = count - int(bad[rows].sum())
            lines.append(f"{good} of {count} {split} segments have their pictures ({100 * good / count:.2f} %)")
    return lines


def check_splits(segments: Segments, where: str) -> None:
    """UserError without training or validation segments: nothing could be trained, or nothing reported."""
    counts = segments.table["split"].value_counts()
    for split, purpose in (("train", "train on"), ("val", "report results of")):
        if not counts.get(split):
            raise UserError(f"{where}: there are no {split} segments to {purpose}; there are {counts.to_dict()}")


def check_lengths(table: pd.DataFrame, module: object, sources: dict[str, Source], where: str) -> None:
    """UserError if clips of extracted frames have another length than the dataset's: they have another rate.

    `table` has all stop times; `module` may know what is usual (`TYPICAL_S`, of whole videos).
    """
    usual = getattr(module, "TYPICAL_S", None)
    frames = {video_id: source for video_id, source in sources.items() if isinstance(source, FrameFiles)}
    if not usual or not frames:
        return
    rows = table[table["video_id"].isin(set(frames))]
    median = float((rows["stop_s"] - rows["start_s"]).median())
    if len(rows) >= FEW_CLIPS and not usual[0] <= median <= usual[1]:
        rate = next(iter(frames.values())).rate
        raise UserError(
            f"{where}: at {rate:g} frames per second, half of the clips are longer than {median:.1f} s, where "
            f"{usual[0]:g} to {usual[1]:g} s are usual; say how many frames per second were extracted (data.frames_fps)"
        )


def check_shared(table: pd.DataFrame) -> list[Problem]:
    """Videos of which parts are in train and in another split."""
    train = set(table.loc[table["split"] == "train", "video_id"])
    shared = sorted(train & set(table.loc[table["split"] != "train", "video_id"]))
    text = "parts of this video are in train and in another split, which then share a source"
    return [Problem("warning", "video in two splits", video_id, "", f"{video_id}: {text}") for video_id in shared]


def check_shapes(table: pd.DataFrame, readable: set[str]) -> list[Problem]:
    """Readable videos whose shape is not known although that of others is."""
    if table["aspect"].isna().all():
        return []
    table = table[table["video_id"].isin(readable)]
    unknown = sorted(set(table.loc[table["aspect"].isna(), "video_id"]))
    return [Problem("warning", "no shape", v, "", f"{v}: its width and height are not known") for v in unknown]


def above_limit(shares: dict[str, float], limit: float) -> dict[str, float]:
    """Splits, with their share, that stop a run: it needs no test segment, except for a submission."""
    return {split: share for split, share in shares.items() if split != "test" and share > limit}


def check_left(table: pd.DataFrame, problems: list[Problem]) -> list[str]:
    """Splits (of train and val) of which errors leave nothing."""
    bad = unusable(table, problems)
    return [split for split in ("train", "val") if bad[table["split"] == split].all()]


def check_videos(table: pd.DataFrame, headers: dict[str, Header | MediaError]) -> list[Problem]:
    """Missing or unreadable sources and pieces of them, and segments beyond the end."""
    problems = []
    for video_id, rows in table.groupby("video_id", sort=True):
        header = headers[video_id]
        if isinstance(header, MediaError):
            kind = "missing file" if "no such file" in str(header) else "unreadable file"
            problems.append(Problem("error", kind, video_id, "", str(header)))
            continue
        if header.numbered > header.frames:
            level = "error" if header.frames < MIN_COVERED_SHARE * header.numbered else "warning"
            text = f"{video_id}: {header.frames} of {header.numbered} frames are there"
            problems.append(Problem(level, "frames missing", video_id, "", text))
        kind = "missing or unreadable piece" if header.holes else "video too short"
        problems += [
            Problem("error", kind, video_id, skip.segment_id, skip.reason)
            for skip in touching(rows, header.holes, header.duration_s, "check", "video")
        ]
    return problems


def check_files(video_ids: Iterable[str], kind: str, find: Callable[[str], Path | None]) -> list[Problem]:
    """Videos whose further file (boxes, flow, the video for its sound), as `find` gives it, is not there."""
    problems = []
    for video_id in video_ids:
        path = find(video_id)
        if path is None or not path.exists():
            problems.append(
                Problem("warning", kind, video_id, "", f"{path}: no such file" if path else "no file found")
            )
    return problems


def check_classes(segments: Segments) -> list[Problem]:
    """Classes that are evaluated but never trained on."""
    table, problems = segments.table, []
    for head, names in segments.heads.items():
        trained = set(table.loc[table["split"] == "train", head])
        for number, count in table.loc[table["split"] == "val", head].value_counts().sort_index().items():
            if number not in trained:
                text = f"{head} {names[number]!r} has {count} validation segments and no training segment"
                problems.append(Problem("warning", "class without training", "", "", text))
    return problems


def affected_shares(table: pd.DataFrame, problems: list[Problem]) -> dict[str, float]:
    """Share of the segments that errors make unusable, of each split that is there."""
    shares = unusable(table, problems).groupby(table["split"]).mean()
    return {split: float(shares[split]) for split in SPLITS if split in shares}


def unusable(table: pd.DataFrame, problems: list[Problem]) -> pd.Series:
    """bool: the segments that errors make unusable."""
    errors = [problem for problem in problems if problem.level == "error"]
    videos = {problem.video_id for problem in errors if not problem.segment_id}
    ids = {problem.segment_id for problem in errors if problem.segment_id}
    return table["video_id"].isin(videos) | table["segment_id"].isin(ids)


def histogram(segments: Segments) -> pd.DataFrame:
    """Columns head, class, name, train, val: segments per class."""
    tables = []
    for head, names in segments.heads.items():
        classes = pd.DataFrame({"head": head, "class": range(len(names)), "name": names})
        for split in ("train", "val"):
            labels = segments.table.loc[segments.table["split"] == split, head].to_numpy()
            classes[split] = np.bincount(labels[labels >= 0], minlength=len(names))
        tables.append(classes)
    return pd.concat(tables, ignore_index=True)


def expected_gb(
    table: pd.DataFrame, headers: dict[str, Header | MediaError], frame_rate: float, short_side: int, sample_rate: int
) -> dict[str, float]:
    """GB (10^9 bytes) that the stores will have, by modality: an estimate within a factor of two."""
    rgb = flow = 0.0
    for video_id, rows in table.groupby("video_id", sort=False):
        header = headers.get(video_id)
        shape = (header.width, header.height) if isinstance(header, Header) else (16 * short_side, 9 * short_side)
        width, height = stored_size(*shape, short_side)
        pixels = expected_frames(rows, frame_rate) * width * height
        rgb += pixels * RGB_BYTES_PER_PIXEL
        flow += pixels * FLOW_BYTES_PER_PIXEL
    audio = float((table["stop_s"] - table["start_s"]).sum()) * sample_rate * AUDIO_BYTES_PER_SAMPLE
    return {"rgb": rgb / 1e9, "flow": flow / 1e9, "audio": audio / 1e9}
