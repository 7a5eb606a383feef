"""Write one part of a teacher's logit bank: its logits on every training view of the segments of fold `fit`."""

import argparse

from egokd import runtime
from egokd.evaluation.inference import write_views
from egokd.steps._view_arguments import add_view_arguments, run_of


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

    metadata = {"teacher": args.name, "part": "part {} of {}".format(*args.part)}
    write_views(run_of(args, "fit"), args.out, list(args.views), metadata, "float16", train=True)


if __name__ == "__main__":
    runtime.run(main)
