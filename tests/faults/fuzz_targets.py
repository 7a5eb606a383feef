"""The parsers written here, each as a function of bytes that may end in a UserError and in nothing else."""

import json
import pickle
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from egokd.datasets import epic100, folder, something_something
from egokd.errors import UserError
from egokd.media import json_boxes
from egokd.media.hand_object import segment_boxes
from egokd.media.hand_object_proto import detections_class
from egokd.media.objects import BOX_COLUMNS
from egokd.media.sources import NumberedFiles
from egokd.planning.reading import read_config
from paths import REPOSITORY

ROWS = pd.DataFrame({"segment_id": ["s"], "video_id": ["1"], "start_s": [0.0], "stop_s": [0.5], "fps": [60.0]})
OWN = {"annotations": "a.csv", "heads": ["action"], "val_share": 0.25, "split_seed": 0}


@cache
def _place() -> Path:
    """A folder for the file that a parser reads; it goes with the process."""
    holder = tempfile.TemporaryDirectory(prefix="fuzz-")
    _HELD.append(holder)
    return Path(holder.name)


_HELD: list[tempfile.TemporaryDirectory] = []


def _file(name: str, data: bytes) -> Path:
    path = _place() / name
    path.write_bytes(data)
    return path


def _sane_boxes(table: pd.DataFrame) -> None:
    """Whatever was in the file, boxes are finite, and their categories are those that nets know."""
    assert list(table.columns) == list(BOX_COLUMNS)
    assert np.isfinite(table[["time_s", "x1", "y1", "x2", "y2"]].to_numpy(np.float64)).all()
    assert table["category"].isin(["hand", "object"]).all()
    assert table["state"].between(-1, 4).all() and table["side"].between(-1, 1).all()


def detections(data: bytes) -> None:
    """The container of the official detections: a pickle of messages."""
    _sane_boxes(segment_boxes(_file("d.pkl", data), ROWS, 12.5))


def message(data: bytes) -> None:
    """One message inside a sound container."""
    detections(pickle.dumps([data] * 4, protocol=4))


def boxes(data: bytes) -> None:
    """The large JSON of boxes: its index, and the boxes of a video by it."""
    path = _file("boxes.json", data)
    json_boxes.check_file(path)
    index = path.with_suffix(".parquet")
    json_boxes.index_boxes([path], index)
    json_boxes._index.cache_clear()
    for video in pd.read_parquet(index)["video_id"][:3]:
        _sane_boxes(json_boxes.video_boxes(index, video, ROWS.assign(aspect=1.5), 12.0, 12.0, 240))


def own_csv(data: bytes) -> None:
    """The CSV of own videos."""
    _file("a.csv", data)
    table = folder.read(_place(), **OWN).table
    assert table["segment_id"].is_unique and (table["start_s"] >= 0).all()
    assert not set(table["video_id"][table["split"] == "train"]) - set(table["video_id"])


def epic_csv(data: bytes) -> None:
    """A split of EPIC-KITCHENS-100."""
    table = epic100._read_split(_file("e.csv", data), "train", {"verb": ["a", "b"], "noun": ["c", "d"]})
    assert (table["stop_s"] > table["start_s"]).all() and table["verb"].between(0, 1).all()


def split_json(data: bytes) -> None:
    """A split of Something-Something."""
    table = something_something.split_rows(_file("s.json", data), "train", ["Pushing something"])
    assert table["segment_id"].is_unique and (table["action"] == 0).all()


def labels_json(data: bytes) -> None:
    """The classes of Something-Something."""
    names = something_something.class_names(_file("l.json", data))
    assert all(isinstance(name, str) for name in names)


def tar(data: bytes) -> None:
    """A tar of frames."""
    files = NumberedFiles(_file("f.tar", data))
    for column in files.columns:
        for number in files.numbers(column)[:3]:
            files.read(int(number), column)


def config(data: bytes) -> None:
    """A config, from the values that YAML gives."""
    with suppress(yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):  # Snakemake's part
        values = yaml.safe_load(data.decode())
        if isinstance(values, dict):
            _config(values)


def _config(values: dict) -> None:
    try:
        read_config(values, REPOSITORY)
    except UserError:
        return
    except (ValueError, RecursionError) as error:  # not hidden by the caller, who allows them to YAML
        raise AssertionError(f"a config ended in {error!r}") from error


def _detection() -> bytes:
    found = detections_class()(video_id="P01_01", frame_number=1)
    hand = found.hands.add(score=0.9, state=3, side=1)
    hand.bbox.left, hand.bbox.top, hand.bbox.right, hand.bbox.bottom = 0.1, 0.2, 0.4, 0.5
    thing = found.objects.add(score=0.8)
    thing.bbox.right = 1.0
    return found.SerializeToString()


def _tar() -> bytes:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for number in range(1, 4):
            info = tarfile.TarInfo(f"frame_{number:010d}.jpg")
            info.size = 5
            made.addfile(info, io.BytesIO(b"hello"))
    return out.getvalue()


def _boxes() -> bytes:
    side = {"x1": 1.0, "y1": 2.5, "x2": 30, "y2": 40}
    labels = [{"box2d": side, "standard_category": "hand"}, {"box2d": side, "category": "0000"}]
    return json.dumps({str(n): [{"name": f"{n}/0001.jpg", "labels": labels}] for n in (1, 2)}).encode()


EPIC = (
    "narration_id,participant_id,video_id,start_frame,stop_frame,verb_class,noun_class\nP01_01_0,P01,P01_01,1,30,0,1\n"
)
CSV = "file,start,stop,action,split\nv0.mp4,0,1.5,a,train\nv1.mp4,,,b,val\n"
CONFIG = "seeds: [0]\ndatasets:\n  mine:\n    recipe: own_videos\n    data: {root: x, folder: {heads: [a]}}\n"
# target -> a whole input
TARGETS: dict[str, tuple[Callable[[bytes], None], bytes]] = {
    "detections": (detections, pickle.dumps([_detection()] * 4, protocol=4)),
    "message": (message, _detection()),
    "boxes": (boxes, _boxes()),
    "own_csv": (own_csv, CSV.encode()),
    "epic_csv": (epic_csv, EPIC.encode()),
    "split_json": (split_json, b'[{"id": "1", "template": "Pushing [something]"}]'),
    "labels_json": (labels_json, b'{"Pushing something": "0", "Pulling something": 1}'),
    "tar": (tar, _tar()),
    "config": (config, CONFIG.encode()),
}


def survives(name: str, data: bytes) -> None:
    """Run a target; a UserError is a good end, any other exception is a fault."""
    with suppress(UserError):
        TARGETS[name][0](data)
