"""How many test clips of EPIC-KITCHENS-100 show a stored frame twice, by the rate at which frames are stored.

PYTHONPATH=src python tests/benchmarks/measure_repeats.py FOLDER_WITH_THE_ANNOTATIONS
"""

import argparse
from pathlib import Path

import yaml

from egokd.config.views import ViewSettings
from egokd.datasets import epic100
from egokd.sampling.repeated_frames import share_of_repeats

RECIPE = Path(__file__).parents[2] / "workflow" / "recipes" / "epic_kitchens.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder with the official annotations")
    table = epic100.read(parser.parse_args().root).table
    rows = table[table["split"] == "val"]
    recipe = yaml.safe_load(RECIPE.read_text())
    spec, (clips, _) = ViewSettings(**recipe["views"]), recipe["evaluation"]["views"][0]
    print(f"{len(rows)} validation segments, {clips} clips each, {spec.num_frames} frames a clip, {spec.sampling}")
    for frame_rate in (10.0, 25.0, 30.0, 50.0, 60.0):
        print(f"{frame_rate:g} frames per second: {share_of_repeats(rows, spec, clips, frame_rate):.2%}")


if __name__ == "__main__":
    main()
