"""A made-up segment table for tests of what reads one."""

import pandas as pd


def segment_rows(n_train: int = 60, n_val: int = 10) -> pd.DataFrame:
    n = n_train + n_val
    return pd.DataFrame(
        {
            "segment_id": [f"P01_101_{i}" for i in range(n)],
            "video_id": [f"P01_10{i % 5}" for i in range(n)],
            "group": "P01",
            "start_frame": range(n),
            "stop_frame": range(100, 100 + n),
            "fps": 50.0,
            "start_s": [i / 50 for i in range(n)],
            "stop_s": [(100 + i) / 50 for i in range(n)],
            "verb": [i % 2 for i in range(n)],
            "noun": [0 if i < n - 1 else 2 for i in range(n)],
            "split": ["train"] * n_train + ["val"] * n_val,
            "unseen": False,
            "tail_verb": False,
            "tail_noun": False,
            "aspect": 1.78,
            "shard": 0,
        }
    )
