"""Arguments of the steps that run a trained model on views: bank and predict."""

import argparse
from pathlib import Path

from egokd.config.validation import parse_settings
from egokd.config.views import ViewSlice
from egokd.evaluation.inference import ModelRun
from egokd.modalities import MODALITIES


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """All that the two have in common."""
    parser.add_argument("--name", required=True, help="of the model, in the log")
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="table of segments that could not be read")
    parser.add_argument("--model", type=Path, required=True, help="model.safetensors, with config.json beside it")
    parser.add_argument("--input", required=True, choices=list(MODALITIES), help="what the net sees")
    parser.add_argument("--stores", type=Path, nargs="+", required=True, help="shards of that modality, or their list")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--settings", required=True, help="JSON: views and inputs")
    parser.add_argument("--part", type=numbered_part, default=(0, 1), help="I-of-N: write part I, from 0, of N")
    parser.add_argument("--gpus", type=int, default=1, help="0: CPU; 1: GPU where there is one")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; those beyond the first load data")
    parser.add_argument("--out", type=Path, required=True)


def run_of(args: argparse.Namespace, split: str) -> ModelRun:
    """What the arguments ask to run, on one split or fold."""
    return ModelRun(
        name=args.name,
        model=args.model,
        segments=args.segments,
        skipped=args.skipped,
        split=split,
        modality=args.input,
        stores=args.stores,
        settings=parse_settings(ViewSlice, args.settings),
        seed=args.seed,
        part=args.part,
        gpus=args.gpus,
        threads=args.threads,
    )


def numbered_part(text: str) -> tuple[int, int]:
    """argparse type of I-of-N."""
    number, _, parts = text.partition("-of-")
    if not (number.isdecimal() and parts.isdecimal() and int(number) < int(parts)):
        raise argparse.ArgumentTypeError(f"expected I-of-N with I from 0 to N - 1, got {text!r}")
    return int(number), int(parts)
