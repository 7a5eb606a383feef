"""Draw training curves: the history.csv of every model -> SVG and PNG.

The path gives the name of the model: `.../{model}/seed{seed}/history.csv`.
"""

import argparse
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.datasets.segments import read_segments
from egokd.evaluation import figures


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=Path, nargs="*", default=[], help="files written by train")
    parser.add_argument("--dataset", required=True, help="name in the config, for the caption")
    parser.add_argument("--segments", type=Path, required=True, help="segment table; it knows the source of the data")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("plot_training", 1)

    data = f"{args.dataset} (source: {read_segments(args.segments).source})"
    histories: dict[str, list[pd.DataFrame]] = {}
    for path in args.histories:
        histories.setdefault(path.parent.parent.name, []).append(pd.read_csv(path))
    figures.save(figures.training_curves(histories, data), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
