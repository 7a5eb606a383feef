"""What the steps that read files of logits share; nothing here needs a net, so a changed net re-runs none of them."""

import argparse
from pathlib import Path

from egokd.distillation.logit_files import LogitFile
from egokd.errors import UserError


def labelled_paths(text: str) -> tuple[str, list[Path]]:
    """argparse type of MODALITY=FILE,FILE,..."""
    name, _, paths = text.partition("=")
    if not paths:
        raise argparse.ArgumentTypeError(f"expected MODALITY=FILE[,FILE...], got {text!r}")
    return name, [Path(path) for path in paths.split(",")]


def read_teachers(predictions: list[tuple[str, list[Path]]]) -> dict[str, LogitFile]:
    """Predictions by modality, each from one or several files.

    Raises UserError unless all are of the same segments, views and classes.
    """
    files = {name: LogitFile(paths) for name, paths in predictions}
    first = next(iter(files.values()))
    for file in files.values():
        for what in ("segment_ids", "views", "num_classes"):
            if getattr(file, what) != getattr(first, what):
                raise UserError(f"{file.paths[0]} and {first.paths[0]} differ in their {what}; make both again")
    return files


def clips_and_crops(text: str) -> tuple[int, int]:
    """argparse type of CLIPSxCROPS."""
    clips, _, crops = text.partition("x")
    if not clips.isdecimal() or int(clips) < 1 or crops not in ("1", "3"):
        raise argparse.ArgumentTypeError(f"expected CLIPSxCROPS with 1 or 3 crops, got {text!r}")
    return int(clips), int(crops)
