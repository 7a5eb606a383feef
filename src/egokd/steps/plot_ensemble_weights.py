"""Draw the teachers' weights in every ensemble: weight files -> SVG and PNG.

The path gives the name of the ensemble and the seed: `.../{ensemble}/seed{seed}.json`.
"""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.datasets.segments import read_segments
from egokd.evaluation import figures
from egokd.io import read_json


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="files written by fit_ensemble")
    parser.add_argument("--dataset", required=True, help="name in the config, for the caption")
    parser.add_argument("--segments", type=Path, required=True, help="segment table; it knows the source of the data")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("plot_ensemble_weights", 1)

    data = f"{args.dataset} (source: {read_segments(args.segments).source})"
    weights = [{**read_json(path), "ensemble": path.parent.name, "seed": path.stem} for path in args.weights]
    figures.save(figures.ensemble_weights(weights, data), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
