"""What follows from seeds alone is what it was when tests/golden/pure.json was written, on every machine."""

import json

from golden import pure_numbers
from paths import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden" / "pure.json"


def test_views_orders_shards_folds_and_worlds_are_those_written_down():
    assert pure_numbers() == json.loads(GOLDEN.read_text())
