"""A first config for own videos, proposed from the files themselves.

Nothing here is clever: a column of few values is a head, sizes follow from the pictures, a modality that most videos
lack is left out. The config says why each line is there, and is the user's to change.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import yaml

from egokd.datasets import folder as own_videos
from egokd.datasets.annotation_files import read_csv
from egokd.errors import UserError
from egokd.io import write_text
from egokd.machine.gpus import visible_gpus
from egokd.media.header import Header, read_headers
from egokd.media.sources import VIDEO_SUFFIXES
from egokd.planning.code import SOURCE_ROOT
from egokd.planning.reading import read_config

CSV_NAME = "annotations.csv"
NO_HEADS = ("file", "start", "stop", "split", "group", "segment_id")
LOOKED_AT = 400  # files whose headers are read: sizes and rates of the others are taken to be alike
FEWEST = 8  # segments that a config is proposed for; the least that can be split into train, held-out and validation
LEAST_SHARE, MOST_SHARE = 0.02, 0.2  # of segments that may be skipped
USUAL_SEGMENTS, USUAL_EPOCHS, FEWEST_EPOCHS = 1000, 60, 10
CPU_SIDE, GPU_SIDE = 96, 128
WORKFLOW = SOURCE_ROOT.parent  # where this package lies in a clone
RECIPES = WORKFLOW / "workflow" / "recipes"


@dataclass(frozen=True)
class Proposal:
    """The text of a config, and what was found."""

    text: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Looks:
    """What the files look like: counts, and medians over those that can be read."""

    videos: int
    unreadable: int
    short_side: int
    hours: float
    sound: float  # share of the videos


def propose(folder: Path, name: str, heads: list[str] | None) -> Proposal:
    """A config for the videos in `folder`, as the dataset `name`. Writes annotations.csv where subfolders are classes.

    Raises UserError, one sentence about what is missing, where the files do not suffice.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the one that holds the videos")
    annotations = _annotations(folder)
    heads = heads or _heads(annotations)
    segments = own_videos.read(folder, annotations.name, heads, val_share=0.25, split_seed=0)
    table = segments.table
    if len(table) < FEWEST:
        raise UserError(f"{annotations}: lists {len(table)} segments, the least that can be learned from is {FEWEST}")
    for head, names in segments.heads.items():
        if len(names) < 2:
            raise UserError(f"{annotations}: all of the column {head!r} is {names}; there is nothing to tell apart")
    looks = _look(folder, sorted(set(table["video_id"])))
    split = read_csv(annotations, ["file"]).columns
    by = "as the CSV says" if "split" in split else "whole groups" if "group" in split else "whole files"
    text = _text(folder, name, annotations.name, segments.heads, len(table), looks, by)
    _check(text)
    facts = {"segments": len(table), "heads": {head: len(names) for head, names in segments.heads.items()}}
    return Proposal(text, {**facts, **looks.__dict__, "split": by})


def _annotations(folder: Path) -> Path:
    """The CSV of the folder, made where there is none and each subfolder is a class."""
    found = sorted(folder.glob("*.csv"))
    named = [path for path in found if path.name == CSV_NAME] or [path for path in found if "file" in _columns(path)]
    if len(named) == 1:
        return named[0]
    if len(named) > 1:
        names = ", ".join(path.name for path in named)
        raise UserError(f"{folder}: {names} all have a column `file`; call the right one {CSV_NAME}")
    if found:
        raise UserError(f"{found[0]}: has no column `file`; name the column of the videos' files so (docs/datasets.md)")
    videos = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise UserError(f"{folder}: there are no videos in it")
    classes = {path.parts[0] for path in videos if len(path.parts) == 2}
    if len(classes) < 2 or any(len(path.parts) != 2 for path in videos):
        raise UserError(
            f"{folder}: {len(videos)} videos, and nothing says what they show; put {CSV_NAME} beside them, with the "
            f"columns file and action (its first row could be: {videos[0]},CLASS), or sort them into one subfolder per "
            "class"
        )
    path = folder / CSV_NAME
    table = pd.DataFrame({"file": map(str, videos), "action": [video.parts[0] for video in videos]})
    try:
        write_text(path, table.to_csv(index=False))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); copy the videos to a folder of yours") from None
    return path


def _columns(path: Path) -> list[str]:
    return list(read_csv(path, []).columns)


def _heads(annotations: Path) -> list[str]:
    """Columns that look like classes: text with at least two values, each of them seen twice on average."""
    table = read_csv(annotations, ["file"])
    found = []
    for column in table.columns:
        values = table[column].str.strip()
        known = values[values != ""]
        numbers = pd.to_numeric(known, errors="coerce").notna().all()
        if column not in NO_HEADS and not numbers and 2 <= known.nunique() <= len(known) / 2:
            found.append(column)
    if not found:
        raise UserError(
            f"{annotations}: no column looks like classes (two or more names, each used again); name them with --heads"
        )
    return found


def _look(folder: Path, videos: Sequence[str]) -> Looks:
    step = max(1, len(videos) // LOOKED_AT)
    asked = [own_videos.rgb_source(folder, video) for video in videos[::step]]
    headers = [header for header in read_headers(asked, 4) if isinstance(header, Header)]
    if not headers:
        raise UserError(f"{folder}: none of the {len(asked)} listed files can be read as a video")
    return Looks(
        videos=len(videos),
        unreadable=(len(asked) - len(headers)) * step,
        short_side=round(median(min(header.width, header.height) for header in headers)),
        hours=sum(header.duration_s for header in headers) * step / 3600,
        sound=sum(header.has_audio for header in headers) / len(headers),
    )


def _text(folder: Path, name: str, csv: str, heads: dict[str, list[str]], segments: int, looks: Looks, by: str) -> str:
    gpus = visible_gpus()
    side = max(32, min(GPU_SIDE if gpus else CPU_SIDE, looks.short_side))
    size = max(16, 8 * math.floor(side * 2 / 3 / 8))
    share = max(LEAST_SHARE, math.ceil(100 * looks.unreadable / looks.videos + 1) / 100) if looks.unreadable else 0.02
    if share > MOST_SHARE:
        raise UserError(
            f"{folder}: {looks.unreadable} of {looks.videos} files cannot be read as videos; mend them first"
        )
    epochs = max(FEWEST_EPOCHS, min(USUAL_EPOCHS, round(USUAL_EPOCHS * USUAL_SEGMENTS / segments)))
    train = f"{{epochs: {epochs}, warmup_epochs: {max(1, epochs // 15)}}}"
    counts = ", ".join(f"{len(names)} {head}s" for head, names in heads.items())
    shards = max(1, min(looks.videos, 4 if looks.hours < 2 else 16))
    where = yaml.safe_dump(str(folder.absolute()), width=10**6).removesuffix("...\n").strip()
    sound = "" if looks.sound >= 0.5 else "      audio: null  # most videos are silent\n"
    teachers = ["rgb", "flow", *([] if sound else ["audio"])]
    return (
        f"# Proposed by `egokd init`: {segments} segments of {looks.videos} videos ({looks.hours:.2f} h), {counts}.\n"
        "# All other values come from workflow/recipes/own_videos.yaml; every key may be set here.\n"
        "seeds: [0]  # add more for mean and spread\n"
        "datasets:\n"
        f"  {name}:\n"
        "    recipe: own_videos\n"
        f"    source: own videos, {folder.absolute().name}\n"
        "    data:\n"
        f"      root: {where}\n"
        f"      folder: {{annotations: {csv}, heads: [{', '.join(heads)}]}}  # split into train and validation: {by}\n"
        f"      shards: {shards}  # jobs that read the videos side by side\n"
        f"      video_hours: {max(0.01, round(looks.hours, 2))}\n"
        f"      max_skipped_share: {share}  # {looks.unreadable} files cannot be read\n"
        f"    media: {{short_side: {side}}}  # pixels of stored frames; the videos have {looks.short_side}\n"
        f"    inputs: {{size: {size}}}  # pixels that the nets see; more needs more time\n"
        "    teachers:\n"
        + "".join(f"      {teacher}: {{train: {train}}}\n" for teacher in teachers)
        + sound
        + f"    students: {{heldout: {{train: {train}}}}}\n"
        f"    compute: {{gpus: {min(1, gpus)}}}  # {'a GPU was found' if gpus else 'no GPU was found'}\n"
    )


def _check(text: str) -> None:
    """UserError if the proposal is no valid config: then a file has a name that needs care."""
    if RECIPES.is_dir():
        read_config(yaml.safe_load(text), WORKFLOW)
