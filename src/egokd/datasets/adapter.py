"""What the adapter module of a dataset format offers; the rest of the workflow asks for nothing else."""

from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from egokd.datasets.segments import Segments
from egokd.media.sources import FlowFiles, Source


class Adapter(Protocol):
    """A module with these names. `root` is the folder with the official files, as the config gives it."""

    SOURCE: str  # name of the dataset

    def read(self, root: str | Path, **options: Any) -> Segments:
        """The segment table without fold and shard.

        options  the config's section of the same name as the format, where there is one

        A NaN in `stop_s` means the end of the video, in `aspect` unknown: both are filled in from the videos' headers
        (`egokd.datasets.headers`). UserError names file and line of whatever is missing or wrong.
        """
        ...

    def rgb_source(self, root: str | Path, video_id: str, frames_fps: float | None = None) -> Source:
        """Where the pictures of a video are, or should be.

        frames_fps  rate at which files of frames were extracted; None: the dataset's own
        """
        ...

    def flow_source(self, root: str | Path, video_id: str) -> FlowFiles | None:
        """Published flow of a video; None where there is none."""
        ...

    def sound_path(self, root: str | Path, video_id: str) -> Path | None:
        """The file with the sound of a video, or its folder of pieces, or where that should be; None without sound."""
        ...

    def boxes_path(self, root: str | Path, video_id: str) -> Path | None:
        """The file with the boxes of a video, or where it should be.

        None for a dataset without boxes, or with the boxes of all videos in few large files (`Format.box_files`).
        """
        ...

    def boxes(
        self, root: str | Path, video_id: str, rows: pd.DataFrame, frame_rate: float, index: Path | None
    ) -> pd.DataFrame:
        """Columns `egokd.media.objects.BOX_COLUMNS`: boxes of the segments `rows` of a video.

        frame_rate  boxes are thinned out to so many annotated frames per second
        index       table that the step index_boxes wrote, for formats with `box_files`; else None

        MediaError where the boxes are missing or damaged.
        """
        ...
