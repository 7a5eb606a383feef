"""Write workflow/schemas/config.schema.json from `egokd.config.experiment`: `python tools/write_schema.py`."""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.config.experiment import schema_text
from egokd.io import write_text

SCHEMA = Path(__file__).resolve().parents[1] / "workflow" / "schemas" / "config.schema.json"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SCHEMA, help="file to write")
    args = parser.parse_args(argv)
    write_text(args.out, schema_text())


if __name__ == "__main__":
    runtime.run(main)
