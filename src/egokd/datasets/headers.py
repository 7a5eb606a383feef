"""What annotations leave open and the videos' headers know: where a video ends, and its shape."""

import numpy as np
import pandas as pd

from egokd.media.header import Header

UNREADABLE_S = 1.0  # length given to a video whose header cannot be read; extraction records it as skipped


def fill_in(table: pd.DataFrame, headers: dict[str, Header]) -> pd.DataFrame:
    """The segment table with NaN `stop_s` and `aspect` taken from headers (by video id), where there is one."""
    ends = table["video_id"].map({video_id: header.duration_s for video_id, header in headers.items()})
    shapes = table["video_id"].map({video_id: header.width / header.height for video_id, header in headers.items()})
    ends = ends.where(ends > table["start_s"], table["start_s"] + UNREADABLE_S)
    return table.assign(
        stop_s=table["stop_s"].where(table["stop_s"].notna(), ends).astype(np.float64),
        aspect=table["aspect"].where(table["aspect"].notna(), shapes).astype(np.float64),
    )
