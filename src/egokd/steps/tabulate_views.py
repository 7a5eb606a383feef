"""Write the table of test views, and draw it: metrics at several view settings and costs -> CSV, Markdown, SVG, PNG."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.evaluation.figures import save
from egokd.evaluation.view_figure import views
from egokd.evaluation.view_table import as_markdown, build_view_table
from egokd.io import read_json, write_csv, write_text


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="one file per model, seed and setting")
    parser.add_argument("--cost", type=Path, required=True, help="cost of every net")
    parser.add_argument(
        "--rows", type=json.loads, required=True, help="roles of the rows, JSON of egokd.planning.models.table_rows"
    )
    parser.add_argument("--models", nargs="+", required=True, help="models to draw")
    for kind in ("csv", "md", "svg", "png"):
        parser.add_argument(f"--{kind}", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("tabulate_views", 1)

    table = build_view_table([read_json(path) for path in args.metrics], args.rows, read_json(args.cost))
    write_csv(args.csv, table)
    write_text(args.md, as_markdown(table))
    save(views(table, args.models), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
