"""Banks and predictions in parts: the same logits, to the bit, whatever the number of parts."""

from argparse import ArgumentTypeError

import numpy as np
import pandas as pd
import pytest
import torch

from egokd.evaluation.inference import BATCH, logits_of
from egokd.machine.placement import placement_of
from egokd.models.build import build_model
from egokd.sampling.rows import part_of
from egokd.steps._view_arguments import numbered_part

CPU = placement_of(torch.device("cpu"))
ROWS = 70


def logits_in_parts(model, pixels, parts):
    table, found = pd.DataFrame({"row": np.arange(ROWS)}), []
    for part in range(parts):
        rows = part_of(table, part, parts)["row"].to_numpy(copy=True)
        chunks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        batches = ((chunk, np.zeros_like(chunk), {"pixels": pixels[chunk]}) for chunk in chunks)
        found += [(chunk, logits["verb"]) for chunk, _, logits in logits_of(model, batches, CPU, BATCH)]
    rows = np.concatenate([rows for rows, _ in found])
    assert rows.tolist() == list(range(ROWS))  # each once, in order
    return np.concatenate([logits for _, logits in found])


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_logits_do_not_depend_on_the_number_of_parts(parts):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = build_model("small", "rgb", {"verb": 8}, 4, 32, width=8)
    pixels = torch.randn(ROWS, 3, 4, 32, 32)
    whole = logits_in_parts(model, pixels, 1)
    assert np.array_equal(logits_in_parts(model, pixels, parts), whole)
    assert np.ptp(whole, axis=0).min() > 0


def test_there_may_be_more_parts_than_rows():
    table = pd.DataFrame({"row": [5, 6]})
    assert [part_of(table, part, 3)["row"].tolist() for part in range(3)] == [[5], [6], []]
    for text in ("3-of-3", "1", "-1-of-2", "a-of-b"):
        with pytest.raises(ArgumentTypeError, match="expected I-of-N"):
            numbered_part(text)
    assert numbered_part("2-of-3") == (2, 3)
