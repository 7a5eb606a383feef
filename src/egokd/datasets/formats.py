"""Dataset adapters, by the names that the config uses (`data.format`). The rest of the workflow knows none of them.

Each module offers

- `SOURCE`: name of the dataset;
- `read(root, **options) -> Segments`: the segment table without fold and shard; `options` is the config's section of
  the same name as the format, where there is one. A NaN in `stop_s` means the end of the video, in `aspect` unknown:
  the step index_segments fills both in from the videos' headers. UserError names file and line of whatever is wrong;
- `rgb_source(root, video_id) -> VideoFile | FrameFiles`: where the pictures are, or should be;
- `flow_source(root, video_id) -> FlowFiles | None`: published flow, if there is any;
- `sound_path(root, video_id) -> Path | None`: the file with the sound, or None for a dataset without;
- `boxes(root, video_id, rows, frame_rate, index) -> DataFrame` with the columns of `egokd.media.objects.DTYPES`, for
  the segments `rows` of the video, thinned out to `frame_rate`; MediaError without boxes. `index` is what the step
  index_boxes wrote, for adapters that offer `box_files(root)`: few large files instead of one per video.

Strings, so that planning a workflow imports no adapter.
"""

from importlib import import_module
from types import ModuleType

ADAPTERS: dict[str, str] = {
    "epic100": "egokd.datasets.epic100",
    "epic55": "egokd.datasets.epic55",
    "something_something": "egokd.datasets.something_something",
    "something_else": "egokd.datasets.something_else",
    "folder": "egokd.datasets.folder",
}
# the files that a segment table is made of, below the root: what makes index_segments run again when it changes
ANNOTATIONS: dict[str, tuple[str, ...]] = {
    "epic100": ("EPIC_100_*.csv", "annotations/EPIC_100_*.csv"),
    "epic55": ("EPIC_*.csv", "annotations/EPIC_*.csv"),
    "something_something": tuple(
        f"{folder}{prefix}{name}.json"
        for folder in ("", "labels/", "annotations/")
        for prefix in ("", "something-something-v2-")
        for name in ("train", "validation", "test", "labels")
    ),
    "something_else": tuple(
        f"{folder}{name}.json"
        for folder in ("", "labels/", "annotations/", "compositional/", "dataset_splits/compositional/")
        for name in ("train", "validation", "labels", "something-something-v2-labels")
    ),
    "folder": ("*.csv", "annotations/*.csv"),
}
# formats whose boxes lie in few large files below the root; index_boxes finds each video in them
_JSON_BOXES = tuple(
    f"{folder}{name}.json"
    for folder in ("", "annotations/", "boxes/", "bounding_boxes/")
    for name in ("bounding_box*", "annotations*")
)
BOX_FILES: dict[str, tuple[str, ...]] = {"something_something": _JSON_BOXES, "something_else": _JSON_BOXES}


def adapter(name: str) -> ModuleType:
    """The adapter module of a format (names are checked by the config)."""
    return import_module(ADAPTERS[name])
