"""All hostile inputs, and the whole files that they are made from."""

import json
import pickle
import shutil
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import simplejpeg

import inputs_boxes
import inputs_config
import inputs_epic
import inputs_folder
import inputs_json
import inputs_media
import inputs_models
import inputs_places
import inputs_workflow
import inputs_yaml
from egokd.media.hand_object_proto import detections_class
from hostile import Case
from media_files import barcode, make_video

FRAMES, RATE = 50, 25


def tone(seconds: float, rate: int = 16000) -> np.ndarray:
    """int16 [n]: a sound that is never silent."""
    return (8000 * np.sin(np.arange(round(seconds * rate)) * 0.2)).astype(np.int16)


def make_templates(folder: Path) -> None:
    """Data folders in which nothing is wrong, one for each layout, and lone files."""
    folder.mkdir(parents=True)
    video = make_video(folder / "video.mp4", frames=FRAMES, rate=RATE, audio=tone(2.0))
    make_video(folder / "silent.mp4", frames=FRAMES, rate=RATE)
    make_video(folder / "video.mkv", frames=FRAMES, rate=RATE, audio=tone(2.0))
    make_video(folder / "video.webm", codec="libvpx", frames=FRAMES, rate=RATE, options={"deadline": "realtime"})
    make_video(folder / "video.avi", codec="mpeg4", frames=FRAMES, rate=RATE)
    make_video(folder / "video.ts", frames=FRAMES, rate=RATE, audio=tone(2.0))
    _own(folder / "own", video)
    _something(folder / "something", folder / "silent.mp4")
    _epic(folder / "epic")


def _own(root: Path, video: Path) -> None:
    root.mkdir()
    for number in range(4):
        shutil.copy(video, root / f"v{number}.mp4")
    rows = "".join(f"v{n}.mp4,{'ab'[n % 2]},{'val' if n == 3 else 'train'}\n" for n in range(4))
    (root / "annotations.csv").write_text("file,action,split\n" + rows)


def _something(root: Path, video: Path) -> None:
    (root / "labels").mkdir(parents=True)
    names = ["Pushing something", "Pulling something"]
    ids = {"train": range(4), "validation": range(4, 6)}
    for split, numbers in ids.items():
        rows = [
            {"id": str(n), "label": "x", "template": names[n % 2].replace("something", "[something]")} for n in numbers
        ]
        (root / "labels" / f"{split}.json").write_text(json.dumps(rows))
    (root / "labels" / "labels.json").write_text(json.dumps({name: str(i) for i, name in enumerate(names)}))
    for number in range(6):
        shutil.copy(video, root / f"{number}.mp4")
    (root / "bounding_box_smthsmth_part1.json").write_text(json.dumps({str(n): box_frames(n) for n in range(5)}))


def box_frames(video: int, frames: int = 20) -> list[dict]:
    """Boxes of a video in the layout of Something-Else: one hand, one object in every frame."""
    box = {"x1": 10.0, "y1": 20.0, "x2": 110.0, "y2": 120.0}
    labels = [{"box2d": box, "standard_category": name, "category": name} for name in ("hand", "0000")]
    return [{"name": f"{video}/{n + 1:04d}.jpg", "labels": labels, "gt_placeholders": ["x"]} for n in range(frames)]


def picture(number: int) -> bytes:
    """JPEG of a barcode."""
    return simplejpeg.encode_jpeg(np.ascontiguousarray(barcode(number)), quality=92)


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    """A plain tar of `files`."""
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return path


def message(hands: int = 1, objects: int = 1, state: int = 3, side: int = 1) -> bytes:
    """One frame's detections in the official format."""
    found = detections_class()()
    for _ in range(hands):
        hand = found.hands.add(score=0.9, state=state, side=side)
        hand.bbox.left, hand.bbox.top, hand.bbox.right, hand.bbox.bottom = 0.1, 0.2, 0.4, 0.5
    for _ in range(objects):
        thing = found.objects.add(score=0.8)
        thing.bbox.left, thing.bbox.top, thing.bbox.right, thing.bbox.bottom = 0.3, 0.3, 0.6, 0.7
    return found.SerializeToString()


def _epic(root: Path) -> None:
    (root / "P01" / "rgb_frames").mkdir(parents=True)
    (root / "P01" / "hand-objects").mkdir()
    pictures = {f"frame_{n + 1:010d}.jpg": picture(n) for n in range(60)}
    for video in ("P01_01", "P01_02", "P01_03"):
        write_tar(root / "P01" / "rgb_frames" / f"{video}.tar", pictures)
        (root / "P01" / "hand-objects" / f"{video}.pkl").write_bytes(pickle.dumps([message()] * 60, protocol=4))
    header = "narration_id,participant_id,video_id,start_frame,stop_frame,verb_class,noun_class\n"
    (root / "EPIC_100_train.csv").write_text(header + "P01_01_0,P01,P01_01,1,30,0,0\nP01_02_0,P01,P01_02,1,50,1,1\n")
    (root / "EPIC_100_validation.csv").write_text(header + "P01_03_0,P01,P01_03,5,40,1,0\n")
    for head, names in (("verb", "take put"), ("noun", "cup pan")):
        rows = "".join(f"{i},{name},\"['{name}']\"\n" for i, name in enumerate(names.split()))
        (root / f"EPIC_100_{head}_classes.csv").write_text("id,key,instances\n" + rows)
        (root / f"EPIC_100_tail_{head}s.csv").write_text(f"{head}\n1\n")
    (root / "EPIC_100_unseen_participant_ids_validation.csv").write_text("participant_id\nP09\n")
    (root / "EPIC_100_video_info.csv").write_text(
        "video_id,duration,fps,resolution\n" + "".join(f"P01_0{n},1.0,60,128x64\n" for n in (1, 2, 3))
    )


def cases() -> list[Case]:
    """The corpus, in a fixed order."""
    modules = (
        inputs_folder,
        inputs_json,
        inputs_boxes,
        inputs_epic,
        inputs_media,
        inputs_config,
        inputs_yaml,
        inputs_models,
    )
    tables: list[Callable[[], list[Case]]] = [module.cases for module in (*modules, inputs_places, inputs_workflow)]
    found = [case for make in tables for case in make()]
    assert len({case.id for case in found}) == len(found), "two cases have one name"
    return found
