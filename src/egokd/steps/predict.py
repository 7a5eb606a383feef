"""Run a trained model on the test views (clips x crops) of a split: logits per segment and view.

Segments without the model's modality are in the file too, marked as not available, with logits of zero.
"""

import argparse

from egokd import runtime
from egokd.evaluation.inference import write_views
from egokd.steps._logit_arguments import clips_and_crops
from egokd.steps._view_arguments import add_view_arguments, run_of


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_view_arguments(parser)
    parser.add_argument("--split", required=True, choices=["heldout", "val", "test"])
    parser.add_argument("--views", type=clips_and_crops, required=True, help="CLIPSxCROPS, for example 2x1")
    args = parser.parse_args(argv)
    runtime.start("predict", 1)

    clips, crops = args.views
    metadata = {"split": args.split, "clips": clips, "crops": crops, "input": args.input}
    views = list(range(clips * crops))
    write_views(run_of(args, args.split), args.out, views, metadata, "float32", train=False, clips=clips, crops=crops)


if __name__ == "__main__":
    runtime.run(main)
