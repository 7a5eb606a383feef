"""Write the result table of a dataset: metrics and costs -> CSV and Markdown, with notes where a number needs one."""

import argparse
import json
from pathlib import Path
from typing import Any

from egokd import runtime
from egokd.distillation.logit_files import LogitFile
from egokd.evaluation.agreement import agreement_of_files
from egokd.evaluation.notes import Followed, as_markdown_list, notes
from egokd.evaluation.provenance import provenance
from egokd.evaluation.tables import as_markdown, build_table
from egokd.io import read_json, write_csv, write_json, write_text
from egokd.steps._logit_arguments import labelled_paths


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics, one file per model and seed")
    parser.add_argument("--cost", type=Path, required=True, help="cost of every net")
    parser.add_argument(
        "--rows", type=json.loads, required=True, help="roles of the rows, JSON of egokd.planning.models.table_rows"
    )
    parser.add_argument(
        "--ensembles", type=labelled_paths, nargs="*", default=[], help="ENSEMBLE=FILE[,FILE...]: weights, one per seed"
    )
    parser.add_argument(
        "--followed", type=json.loads, default=[], help="predictions to compare, JSON of egokd.planning.comparisons"
    )
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--md", type=Path, required=True)
    parser.add_argument("--provenance", type=Path, required=True, help="JSON beside the table: where it comes from")
    parser.add_argument("--call", type=Path, required=True, help="JSON of the call that runs this, if there is one")
    parser.add_argument("--models", type=Path, required=True, help="folder of the dataset's models")
    args = parser.parse_args(argv)
    runtime.start("tabulate", 1)

    metrics = [read_json(path) for path in args.metrics]
    table = build_table(metrics, args.rows, read_json(args.cost))
    fitted = {name: [read_json(path) for path in paths] for name, paths in args.ensembles}
    sentences = notes(metrics, args.rows, fitted, compare(args.followed))
    write_csv(args.csv, table)
    text = as_markdown(table) + as_markdown_list(sentences)
    write_text(args.md, text)
    call = read_json(args.call) if args.call.exists() else {}
    write_json(args.provenance, provenance(call, metrics, args.models))
    print(text)


def compare(entries: list[dict[str, Any]]) -> dict[str, list[Followed]]:
    """How far every student follows its teacher, one pair per seed: its own agreement and that of its baseline."""
    found: dict[str, list[Followed]] = {}
    for entry in entries:
        teacher = LogitFile(entry["teacher"])
        own = agreement_of_files(teacher, LogitFile(entry["own"]))
        untaught = agreement_of_files(teacher, LogitFile(entry["untaught"]))
        if own and untaught:
            found.setdefault(entry["student"], []).append((own, untaught))
    return found


if __name__ == "__main__":
    runtime.run(main)
