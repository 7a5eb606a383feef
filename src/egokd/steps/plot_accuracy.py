"""Draw the accuracy of every row of the result table: metrics -> SVG and PNG."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.evaluation import figures
from egokd.evaluation.tables import build_table
from egokd.io import read_json


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics, one file per model and seed")
    parser.add_argument("--rows", type=json.loads, required=True, help="JSON of planning.slices.table_rows")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("plot_accuracy", 1)

    table = build_table([read_json(path) for path in args.metrics], args.rows)
    figures.save(figures.accuracy(table), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
