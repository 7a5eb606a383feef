"""Render the demo kitchen in the layout of EPIC-KITCHENS-100: settings -> videos, annotations, detections.

The manifest is written last, so that its presence means that everything else is there.
"""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.config.demo_kitchen import DemoSettings
from egokd.config.validation import parse_settings
from egokd.datasets.demos.kitchen.generate import generate
from egokd.datasets.demos.kitchen.script import World


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON of egokd.config.demo_kitchen.DemoSettings")
    parser.add_argument("--threads", type=int, required=True, help="processes that render")
    parser.add_argument("--manifest", type=Path, required=True, help="written last; its folder becomes the root")
    args = parser.parse_args(argv)
    runtime.start("generate_demo", 1)

    settings = parse_settings(DemoSettings, args.settings)
    generate(args.manifest.parent, World(**settings.model_dump()), args.threads)


if __name__ == "__main__":
    runtime.run(main)
