"""Something-Else: compositional splits of Something-Something V2 with boxes of hands and objects.

Files: the split in train.json and validation.json, in `root`, `root/dataset_splits/compositional` or one of the other
folders named below. Labels: the official labels.json of Something-Something V2 (`root/labels/labels.json` or
`something-something-v2-labels.json`) where it is there, so that classes have the same numbers in both datasets, else
the split's own labels.json. The two number the same 174 templates differently, so a class is always looked up by
template.

Boxes are in one file or in several (the official four parts), `bounding_box*.json` or `annotations*.json`: {id: [frame,
...]}, a frame being {"name": "2/0001.jpg", "labels": [{"box2d": {x1, y1, x2, y2}, "standard_category": "hand" or
"0000", ...}], ...}, in pixels of the frame, which is 240 high, at 12 frames per second. Together they have several GB:
`egokd.media.json_boxes` finds the place of each video once and reads single videos after that. A video may have more
frames than annotated ones.

Videos or frames are found as for Something-Something V2.
"""

from pathlib import Path

from egokd.datasets import something_something as ssv2
from egokd.datasets.annotation_files import find_file
from egokd.datasets.segments import Segments
from egokd.datasets.something_something import TYPICAL_S, boxes, boxes_path, flow_source, rgb_source, sound_path
from egokd.errors import UserError

__all__ = ["TYPICAL_S", "boxes", "boxes_path", "flow_source", "read", "rgb_source", "sound_path"]

SOURCE = "Something-Else"
SPLIT_FOLDERS = ("dataset_splits/compositional", "compositional", ".", "annotations")


def _split_folder(root: Path) -> Path:
    for folder in SPLIT_FOLDERS:
        if (root / folder / "train.json").is_file() and (root / folder / "validation.json").is_file():
            return root / folder
    raise UserError(
        f"{root / SPLIT_FOLDERS[0]}: train.json and validation.json not found, nor in {', '.join(SPLIT_FOLDERS[1:])} "
        "under the root. Put the split files of Something-Else there (docs/datasets.md)."
    )


def read(root: str | Path) -> Segments:
    """The segment table of the compositional split under `root`, without fold and shard; stop times are NaN."""
    root = Path(root)
    folder = _split_folder(root)
    own = folder / "labels.json"
    labels = find_file(root, ssv2.PREFIX + "labels.json") or (root / "labels" / "labels.json")
    labels = labels if labels.is_file() else own
    if not labels.is_file():
        raise UserError(f"{own}: no labels file; it gives the classes their names (docs/datasets.md)")
    files = {split: folder / name for split, name in ssv2.SPLITS.items() if split != "test"}
    return ssv2.segments_of(files, ssv2.class_names(labels), SOURCE)
