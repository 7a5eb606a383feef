"""Write one page with all results of a dataset: tables, figures, config -> HTML that opens without a network."""

import argparse
import json
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.datasets.segments import Segments, read_segments
from egokd.evaluation.page import Part, blocks_of, figure_of, page
from egokd.io import write_text
from egokd.media.skipped import read_skipped

# by the name of the table or figure: title of its section, then of what the figure shows
TITLES = {
    "views": "Test views",
    "calibration": "Calibration",
    "cost": "Cost",
    "gains": "Where the gain comes from",
}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped.csv")
    parser.add_argument("--table", type=Path, required=True, help="the result table, .md")
    parser.add_argument("--analyses", nargs="*", default=[], choices=list(TITLES), help="further tables")
    parser.add_argument(
        "--figures", type=Path, nargs="+", required=True, help="SVG of the result table; those of analyses lie beside"
    )
    parser.add_argument("--template", type=Path, required=True, help="the page, as Jinja2, with captions beside it")
    parser.add_argument("--facts", type=json.loads, required=True, help="JSON: dataset, seeds, root, stages, config")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("write_page", 1)

    segments, skipped = read_segments(args.segments), read_skipped(args.skipped)
    parts = [Part("results", "Results", blocks_of(args.table.read_text()), drawn(args.figures, args.template))]
    for name in args.analyses:
        text = args.table.with_name(f"{args.table.stem}_{name}.md").read_text()
        parts.append(
            Part(name, TITLES[name], blocks_of(text), drawn([args.figures[0].with_name(f"{name}.svg")], args.template))
        )
    html = page(
        args.template.read_text(),
        parts,
        source=segments.source,
        counts=counts_of(segments),
        skipped=skipped.fillna("").astype(str).values.tolist(),
        **args.facts,
    )
    write_text(args.out, html)
    runtime.log.info("%s: %.1f MB, %d parts", args.out, len(html.encode()) / 1e6, len(parts))


def drawn(figures: list[Path], template: Path) -> list[dict[str, str]]:
    """The figures, each with the caption that Snakemake's own report has too: {figure}.rst beside the template."""
    captions = [template.with_name(f"{path.stem}.rst").read_text() for path in figures]
    return [figure_of(path, " ".join(text.split())) for path, text in zip(figures, captions, strict=True)]


def counts_of(segments: Segments) -> str:
    """Numbers of segments and classes, for people."""
    table: pd.DataFrame = segments.table
    splits = ", ".join(f"{count} {split}" for split, count in table["split"].value_counts().items())
    heads = ", ".join(f"{count} {head} classes" for head, count in segments.num_classes.items())
    heldout = int((table["fold"] == "heldout").sum())
    return f"{splits} segments ({heldout} of train held out) in {table['video_id'].nunique()} videos; {heads}"


if __name__ == "__main__":
    runtime.run(main)
