"""Predictions meet their labels by the segments' ids."""

import pandas as pd
import pytest

from egokd.datasets.joining import rows_of
from egokd.errors import UserError

TABLE = pd.DataFrame({"segment_id": ["a", "b", "c"], "verb": [0, 1, 2]})


def test_rows_come_in_the_order_of_the_predictions():
    assert rows_of(TABLE, ["c", "a"], "p", "t")["verb"].tolist() == [2, 0]


def test_an_unknown_segment_is_refused():
    with pytest.raises(UserError, match="p: segment 'x' is not in t"):
        rows_of(TABLE, ["a", "x"], "p", "t")


def test_a_segment_that_is_there_twice_is_refused():
    with pytest.raises(UserError, match="t: segment 'b' is there twice"):
        rows_of(pd.concat([TABLE, TABLE.iloc[1:2]]), ["a", "b"], "p", "t")
