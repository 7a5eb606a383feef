"""The card of a dataset holds what the check found, and the hub's own client reads its head."""

import pandas as pd
from huggingface_hub import DatasetCard

from egokd.portable.data_card import LISTED, data_card

REPORT = """# mine: own videos in /data

- train: 9 segments in 3 videos

## Problems

none

## What a complete run makes

- rgb: about 0.018 GB
"""


def test_a_card_has_licence_findings_and_the_largest_classes():
    count = LISTED + 3
    rows = {"head": "action", "class": range(count), "name": [f"act|{n}" for n in range(count)], "train": range(count)}
    text = data_card("mine", "my kitchen", ("other", "Ask me."), REPORT, pd.DataFrame({**rows, "val": 1}))
    card = DatasetCard(text)
    assert card.data.license == "other" and card.data.task_categories == ["video-classification"]
    assert "Source: **my kitchen**. Ask me." in text
    assert "- train: 9 segments" in text and "### Problems" in text and "GB" not in text
    assert text.count("\n| act\\|") == LISTED and "and 3 smaller classes" in text
    assert text.index(f"| act\\|{count - 1} | {count - 1} | 1 |") < text.index("| act\\|4 | 4 | 1 |")
