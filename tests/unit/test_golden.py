"""What follows from seeds alone is what it was when tests/golden/pure.json was written, on every machine."""

import json
from pathlib import Path

from golden import pure_numbers

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "pure.json"


def test_views_orders_shards_folds_and_worlds_are_those_written_down():
    assert pure_numbers() == json.loads(GOLDEN.read_text())
