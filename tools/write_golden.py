"""Write the golden numbers of this machine into tests/golden: only where numbers change on purpose.

    snakemake --cores all --configfile workflow/configs/smoke.yaml   # a smoke run first
    python tools/write_golden.py results

`git diff tests/golden` then shows what changed, and the commit says why.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from golden import pure_numbers, smoke_numbers  # noqa: E402


def main() -> None:
    folder = ROOT / "tests" / "golden"
    numbers = {"pure": pure_numbers()}
    if len(sys.argv) > 1:
        numbers["smoke"] = smoke_numbers(Path(sys.argv[1]))
    for name, values in numbers.items():
        (folder / f"{name}.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
