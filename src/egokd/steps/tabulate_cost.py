"""Write the table of cost, and draw it: metrics, costs and what jobs took -> two CSV, Markdown, SVG, PNG."""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.evaluation.benchmarks import by_stage, read_benchmarks, training_hours
from egokd.evaluation.cost_figure import cost
from egokd.evaluation.cost_table import as_markdown, build_cost_table
from egokd.evaluation.figures import save
from egokd.io import read_json, write_csv, write_text


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics, one file per model and seed")
    parser.add_argument("--cost", type=Path, required=True, help="size of every net")
    parser.add_argument("--pipeline", type=Path, required=True, help="written by measure_pipeline")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder of Snakemake's benchmark files")
    parser.add_argument("--rows", type=json.loads, required=True, help="roles of the rows, JSON")
    parser.add_argument("--models", nargs="+", required=True, help="models to draw")
    parser.add_argument("--stages", type=Path, required=True, help="the CSV of hours by stage")
    for kind in ("csv", "md", "svg", "png"):
        parser.add_argument(f"--{kind}", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("tabulate_cost", 1)

    metrics = [read_json(path) for path in args.metrics]
    jobs = read_benchmarks(args.benchmarks, metrics[0]["dataset"])
    hours = training_hours(jobs, args.rows, len({entry["seed"] for entry in metrics}))
    table = build_cost_table(metrics, args.rows, read_json(args.cost), read_json(args.pipeline), hours)
    stages = by_stage(jobs)
    write_csv(args.csv, table)
    write_csv(args.stages, stages.reset_index())
    write_text(args.md, as_markdown(table, stages))
    save(cost(table, args.models), args.svg, args.png)


if __name__ == "__main__":
    runtime.run(main)
