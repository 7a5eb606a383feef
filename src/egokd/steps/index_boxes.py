"""Find each video's boxes in annotation files of several GB: files -> table of places."""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.datasets.formats import FORMATS
from egokd.errors import UserError
from egokd.media.json_boxes import index_boxes


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files")
    parser.add_argument("--out", type=Path, required=True, help="the table, .parquet")
    args = parser.parse_args(argv)
    runtime.start("index_boxes", 1)

    patterns = FORMATS[args.format].box_files
    files = sorted({path for pattern in patterns for path in args.root.glob(pattern)})
    if not files:
        raise UserError(f"{args.root}: no files with boxes, {' or '.join(patterns)}")
    count = index_boxes(files, args.out)
    runtime.log.info("boxes of %d videos in %d files", count, len(files))


if __name__ == "__main__":
    runtime.run(main)
