"""Render the compositional demo in the layout of Something-Else: settings -> clips, labels, split, boxes.

The manifest is written last, so that its presence means that everything else is there.
"""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.config.demo_compositional import CompositionalSettings
from egokd.config.validation import parse_settings
from egokd.datasets.demos.compositional.generate import generate
from egokd.datasets.demos.compositional.script import World


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON: the section `compositional_demo`")
    parser.add_argument("--threads", type=int, required=True, help="processes that render")
    parser.add_argument("--manifest", type=Path, required=True, help="written last; its folder becomes the root")
    args = parser.parse_args(argv)
    runtime.start("generate_compositional", 1)

    settings = parse_settings(CompositionalSettings, args.settings)
    generate(args.manifest.parent, World(**settings.model_dump()), args.threads)


if __name__ == "__main__":
    runtime.run(main)
