"""Write the table of calibration, and draw it: what calibrate measured -> CSV, Markdown, SVG, PNG."""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.evaluation.calibration_figure import calibration
from egokd.evaluation.calibration_table import as_markdown, build_calibration_table
from egokd.evaluation.figures import save
from egokd.io import read_json, write_csv, write_text


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, nargs="+", required=True, help="one file per model and seed")
    parser.add_argument("--models", nargs="+", required=True, help="rows, in their order")
    parser.add_argument("--drawn", nargs="+", required=True, help="models in the figure")
    for kind in ("csv", "md", "svg", "png"):
        parser.add_argument(f"--{kind}", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("tabulate_calibration", 1)

    measured = [read_json(path) for path in args.measured]
    table = build_calibration_table(measured, args.models)
    write_csv(args.csv, table)
    write_text(args.md, as_markdown(table))
    drawn = {model: [entry for entry in measured if entry["model"] == model] for model in args.drawn}
    save(calibration(drawn), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
