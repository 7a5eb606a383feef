"""Write the result table of a dataset: metrics and costs -> CSV and Markdown."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.evaluation.tables import as_markdown, build_table
from egokd.io import atomic_path, read_json, write_text


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics, one file per model and seed")
    parser.add_argument("--cost", type=Path, required=True, help="cost of every net")
    parser.add_argument("--rows", type=json.loads, required=True, help="JSON of planning.slices.table_rows")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--md", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("tabulate", 1)

    table = build_table([read_json(path) for path in args.metrics], args.rows, read_json(args.cost))
    with atomic_path(args.csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
    text = as_markdown(table)
    write_text(args.md, text)
    print(text)


if __name__ == "__main__":
    runtime.run(main)
