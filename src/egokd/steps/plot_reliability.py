"""Draw reliability diagrams of chosen models side by side: metrics -> SVG and PNG."""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.evaluation import figures
from egokd.io import read_json


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics, one file per model and seed")
    parser.add_argument("--models", nargs="+", required=True, help="models to draw, in the order of the columns")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("plot_reliability", 1)

    metrics = [read_json(path) for path in args.metrics]
    chosen = {model: [entry for entry in metrics if entry["model"] == model] for model in args.models}
    figures.save(figures.reliability(chosen), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
