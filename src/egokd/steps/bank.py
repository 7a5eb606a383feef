"""Write one part of a teacher's logit bank: its logits on every training view of the segments of fold `fit`."""

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


def view_range(text: str) -> range:
    """argparse type of FIRST-LAST."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"expected FIRST-LAST, got {text!r}")
    return range(int(first), int(last) + 1)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_view_arguments(parser)
    parser.add_argument("--views", type=view_range, required=True, help="FIRST-LAST: numbers of training views")
    args = parser.parse_args(argv)
    runtime.start("bank", 1)

    settings = parse_settings(ViewSlice, args.settings)
    segments = read_segments(args.segments)
    model, description = load_model(args.model)
    check_model(description, args.model, segments, args.input, settings)
    trained = was_trained(description)  # else no training segment had this modality, and the teacher is left out
    rows = part_of(readable(segments, "fit", args.skipped), *args.part)
    stores = open_inputs(args.input, {args.input: shard_paths(args.stores)}, [args.input])
    what = "part {} of {}".format(*args.part)
    present, available = split_available(rows, args.input, stores, what, trained)
    dataset = ViewDataset(
        present,
        args.input,
        stores,
        view_spec(settings.views),
        input_spec(settings.inputs),
        args.seed,
        train=True,
        labels=list(segments.heads),
    )
    views = list(args.views)
    name = f"bank {args.input}"
    with one_device(args.gpus) as device:
        placement = placement_of(device)
        write_logits(
            args.out,
            rows["segment_id"].tolist(),
            views,
            segments.num_classes,
            available,
            run_over_views(model, dataset, np.flatnonzero(available), views, args.threads, placement, name),
            {
                "teacher": args.input,
                "source": segments.source,
                "seed": args.seed,
                "part": what,
            },
        )


if __name__ == "__main__":
    runtime.run(main)
