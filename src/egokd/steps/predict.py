"""Run a trained model on the test views (clips x crops) of a split: logits per segment and view.

Segments without the model's modality are in the file too, marked as not available, with logits of zero.
"""

import argparse

import numpy as np

from egokd import runtime
from egokd.config.validation import parse_settings
from egokd.distillation.logit_files import write_logits
from egokd.machine.placement import placement_of
from egokd.machine.processes import one_device
from egokd.models.build import load_model
from egokd.models.files import was_trained
from egokd.sampling.loading import ViewDataset
from egokd.sampling.segments import read_segments
from egokd.steps._model_io import (
    ViewSlice,
    add_view_arguments,
    check_model,
    input_spec,
    open_inputs,
    part_of,
    readable,
    run_over_views,
    shard_paths,
    split_available,
    view_spec,
)


def clips_and_crops(text: str) -> tuple[int, int]:
    """argparse type of CLIPSxCROPS."""
    clips, _, crops = text.partition("x")
    if not clips.isdecimal() or int(clips) < 1 or crops not in ("1", "3"):
        raise argparse.ArgumentTypeError(f"expected CLIPSxCROPS with 1 or 3 crops, got {text!r}")
    return int(clips), int(crops)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_view_arguments(parser)
    parser.add_argument("--split", required=True, choices=["heldout", "val", "test"])
    parser.add_argument("--views", type=clips_and_crops, required=True, help="CLIPSxCROPS, for example 2x1")
    args = parser.parse_args(argv)
    runtime.start("predict", 1)
    clips, crops = args.views

    settings = parse_settings(ViewSlice, args.settings)
    segments = read_segments(args.segments)
    model, description = load_model(args.model)
    check_model(description, args.model, segments, args.input, settings)
    trained = was_trained(description)  # else no training segment had this modality, and the teacher is left out
    rows = part_of(readable(segments, args.split, args.skipped), *args.part)
    stores = open_inputs(args.input, {args.input: shard_paths(args.stores)}, [args.input])
    present, available = split_available(rows, args.input, stores, args.split, trained)
    dataset = ViewDataset(
        present,
        args.input,
        stores,
        view_spec(settings.views),
        input_spec(settings.inputs),
        args.seed,
        train=False,
        labels=list(segments.heads),
        clips=clips,
        crops=crops,
    )
    views = list(range(clips * crops))
    name = f"predict {args.split}"
    with one_device(args.gpus) as device:
        placement = placement_of(device)
        write_logits(
            args.out,
            rows["segment_id"].tolist(),
            views,
            segments.num_classes,
            available,
            run_over_views(model, dataset, np.flatnonzero(available), views, args.threads, placement, name),
            {"part": args.split, "clips": clips, "crops": crops, "input": args.input, "seed": args.seed}
            | {"trained": int(trained)},
            dtype="float32",
        )


if __name__ == "__main__":
    runtime.run(main)
