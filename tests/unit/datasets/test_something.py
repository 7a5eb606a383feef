"""Something-Something V2 and Something-Else: classes by template, boxes from large files, generated and real data."""

import json
import re

import cv2
import numpy as np
import pandas as pd
import pytest
import simplejpeg

from egokd.datasets import something_else, something_something
from egokd.datasets.segments import check_segments, read_segments
from egokd.errors import UserError
from egokd.media.errors import MediaError
from egokd.media.frame_store import FrameStore
from egokd.media.json_boxes import index_boxes
from egokd.media.sources import FrameFiles, VideoFile
from egokd.steps import extract_flow, extract_frames, extract_objects, index_segments
from egokd.steps import index_boxes as index_boxes_step
from media_files import make_video

LABELS = {"Pushing something": "0", "Something falling like a feather": "1", "Tearing [something] into two": "2"}
SPLIT = {
    "train": [("7", "Pushing [something]"), ("8", "[Something] falling like a feather")],
    "validation": [("9", "Pushing [something]")],
}


def entries(split: str) -> list[dict]:
    return [
        {"id": name, "label": "x", "template": template, "placeholders": ["cup"]} for name, template in SPLIT[split]
    ]


def annotated(name: str, count: int, x: float = 40.0) -> list[dict]:
    """`count` frames with a hand and an object that moves by 2 pixels a frame."""
    frames = []
    for number in range(1, count + 1):
        left = x + 2 * number
        thing = {"box2d": {"x1": left, "x2": left + 60, "y1": 24, "y2": 120}, "category": "cup"}
        hand = {"box2d": {"x1": 0, "x2": 48, "y1": 120.5, "y2": 240}, "category": "hand", "standard_category": "hand"}
        labels = [thing | {"standard_category": "0000"}, hand]
        frames.append({"name": f"{name}/{number:04d}.jpg", "labels": labels, "gt_placeholders": ['a "[cup]": [']})
    return frames


@pytest.fixture
def root(tmp_path):
    labels = {key.replace("[", "").replace("]", ""): number for key, number in LABELS.items()}
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "labels.json").write_text(json.dumps(labels))
    compositional = tmp_path / "dataset_splits" / "compositional"
    compositional.mkdir(parents=True)
    (compositional / "labels.json").write_text(json.dumps({key: 2 - int(number) for key, number in labels.items()}))
    for split in SPLIT:
        for folder in (tmp_path / "labels", compositional):
            (folder / f"{split}.json").write_text(json.dumps(entries(split)))
    for name in "789":
        make_video(tmp_path / f"{name}.webm", codec="libvpx", frames=24, rate=12)
    (tmp_path / "bounding_box_smthsmth_part1.json").write_text(json.dumps({"7": annotated("7", 20)}))
    (tmp_path / "bounding_box_smthsmth_part2.json").write_text(
        json.dumps({"9": annotated("9", 24), "100": []}, indent=2)
    )
    return tmp_path


def test_classes_go_through_the_template(root):
    for adapter in (something_something, something_else):
        segments = adapter.read(root)
        table = segments.table.set_index("segment_id")
        assert table["action"].to_dict() == {"7": 0, "8": 1, "9": 0}
        assert table["split"].to_dict() == {"7": "train", "8": "train", "9": "val"}
        assert segments.heads["action"][2] == "Tearing something into two"
    (root / "labels" / "labels.json").unlink()  # only the other numbering is left: same names, other numbers
    segments = something_else.read(root)
    assert [segments.heads["action"][number] for number in segments.table["action"]] == [
        "Pushing something",
        "Something falling like a feather",
        "Pushing something",
    ]


def test_names_of_the_first_release(root):
    for path in list((root / "labels").iterdir()):
        path.rename(root / f"something-something-v2-{path.name}")
    assert len(something_something.read(root).table) == 3


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "train.json",
            '[{"id": "7", "template": "Eating [something]"}]',
            "template 'Eating something', which",
        ),
        ("train.json", '[{"id": "9", "template": "Pushing [something]"}]', "id '9' is in two splits"),
        ("train.json", '{"7": 1}', "expected a JSON list"),
        ("train.json", '[{"id": ', "not valid JSON"),
        ("labels.json", '{"Pushing something": "1"}', "not numbered 0 to 0"),
    ],
)
def test_mistakes(root, file, text, message):
    (root / "labels" / file).write_text(text)
    with pytest.raises(UserError, match=message):
        something_something.read(root)


def test_sources(root):
    assert something_something.rgb_source(root, "7") == VideoFile(root / "7.webm")
    (root / "frames" / "7").mkdir(parents=True)
    (root / "7.webm").unlink()
    assert something_something.rgb_source(root, "7") == FrameFiles(root / "frames" / "7", 12.0)
    assert something_something.sound_path(root, "7") is None


def prepare(root, out, name="something_else", settings=None):
    """index_segments, index_boxes, extract_frames, _flow, _objects on everything under `root`."""
    files = {kind: str(out / kind) for kind in ("annotations.parquet", "index.parquet", "rgb.arrow", "obj.parquet")}
    common = ["--root", str(root), "--format", name]
    index_segments.main(
        [*common, "--dataset", "se", "--source", "test", "--shards", "1", "--out", files["annotations.parquet"]]
    )
    index_boxes_step.main([*common, "--out", files["index.parquet"]])
    settings = settings or {"reader": "decord", "frame_rate": 12.0, "short_side": 64, "jpeg_quality": 90}
    shard = ["--segments", files["annotations.parquet"], "--shard", "0", "--settings", json.dumps(settings), *common]
    shard += ["--threads", "1", "--skipped", str(out / "skipped.csv")]
    extract_frames.main([*shard, "--out", files["rgb.arrow"]])
    extract_objects.main([*shard, "--index", files["index.parquet"], "--out", files["obj.parquet"]])
    flow = json.dumps({"source": "computed", "preset": "fast", "bound": 8.0})
    arguments = ["--frames", files["rgb.arrow"], "--settings", flow, "--threads", "1"]
    extract_flow.main([*arguments, "--out", str(out / "flow.arrow"), "--skipped", str(out / "flow.csv")])
    return read_segments(files["annotations.parquet"]).table, pd.read_parquet(files["obj.parquet"])


def test_whole_route(root, tmp_path):
    table, boxes = prepare(root, tmp_path / "out")
    np.testing.assert_allclose(table["stop_s"], 2.0, atol=0.01)  # 24 frames at 12 per second, from the header
    np.testing.assert_allclose(table["aspect"], 2.0)
    assert FrameStore([tmp_path / "out" / "rgb.arrow"]).videos == ["7", "8", "9"]
    assert set(boxes["segment_id"]) == {"7", "9"}  # the one without boxes is not lost for the other modalities
    seven = boxes[boxes["segment_id"] == "7"]
    assert seven["frame"].max() == 20  # fewer annotated frames than frames
    thing = seven[(seven["category"] == "object") & (seven["frame"] == 10)].iloc[0]
    # left edge at 40 + 20 pixels of a frame 480 wide (twice 240), on show from 9 / 12 s on
    np.testing.assert_allclose([thing.x1, thing.y1, thing.x2, thing.y2], [60 / 480, 0.1, 120 / 480, 0.5], rtol=1e-6)
    assert thing.time_s == 0.75 and thing.score == 1 and thing.side == thing.state == -1
    assert set(seven["category"]) == {"hand", "object"}


def test_boxes_are_found_without_parsing_everything(tmp_path):
    big = {str(number): annotated(str(number), 3, number) for number in range(200)}
    (tmp_path / "a.json").write_text(json.dumps(big))
    index = tmp_path / "index.parquet"
    assert index_boxes([tmp_path / "a.json"], index) == 200
    rows = pd.DataFrame({"segment_id": ["150"], "start_s": [0.0], "stop_s": [0.25], "aspect": [2.0]})
    boxes = something_else.boxes(tmp_path, "150", rows, 12.0, index)
    np.testing.assert_allclose(
        boxes.loc[boxes["category"] == "object", "x1"], np.array([152, 154, 156]) / 480, rtol=1e-6
    )
    assert something_else.boxes(tmp_path, "999", rows, 12.0, index).empty


def test_damaged_and_doubled_boxes(tmp_path):
    text = json.dumps({"1": annotated("1", 2), "2": annotated("2", 2)})
    (tmp_path / "b.json").write_text(re.sub("box2d", "box", text))
    rows = pd.DataFrame({"segment_id": ["2"], "start_s": [0.0], "stop_s": [0.25], "aspect": [2.0]})
    index_boxes([tmp_path / "b.json"], tmp_path / "b.parquet")
    with pytest.raises(MediaError, match="not in the official layout"):
        something_else.boxes(tmp_path, "2", rows, 12.0, tmp_path / "b.parquet")
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(MediaError, match=r"a.json and .*b.json: boxes of video '1' are there twice"):
        index_boxes([tmp_path / "a.json", tmp_path / "b.json"], tmp_path / "c.parquet")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda text: text[:-30], r"a\.json: .*cut off"),
        (lambda text: text[: text.index('"2"')], r"a\.json: cut off"),
        (lambda text: text[: text.index("}") + 1], r"a\.json: .*video '1'.* damaged or cut off"),
        (lambda text: "", r"a\.json: empty"),
        (lambda text: "[" + text + "]", r"a\.json: expected a JSON object"),
        (lambda text: "{}", r"a\.json: holds no videos"),
        (lambda text: text.encode("utf-16"), r"a\.json: not UTF-8"),
        (lambda text: text.replace('"2": [', " " * 6), r"a\.json: .*video '1'.*followed by"),
    ],
)
def test_a_damaged_box_file_is_never_taken_for_videos_without_boxes(tmp_path, content, message):
    made = content(json.dumps({"1": annotated("1", 2), "2": annotated("2", 2)}))
    (tmp_path / "a.json").write_bytes(made if isinstance(made, bytes) else made.encode())
    with pytest.raises(UserError, match=message) as error:
        index_boxes([tmp_path / "a.json"], tmp_path / "index.parquet")
    assert "Delete" not in str(error.value) and not (tmp_path / "index.parquet").exists()


def test_step_without_box_files(tmp_path):
    with pytest.raises(UserError, match="no files with boxes"):
        index_boxes_step.main(["--root", str(tmp_path), "--format", "something_else", "--out", str(tmp_path / "x")])


# --- real files -----------------------------------------------------------------------------------------------------


def test_real_numbers_of_ssv2(realdata, tmp_path):
    """All ids and classes of the official lists, in the official layout."""
    labels = json.loads((realdata / "ssv2" / "something-something-v2-labels.json").read_text())
    template = {number: text for text, number in labels.items()}
    for split in ("train", "validation"):
        lines = (realdata / "ssv2" / f"something-something-v2-{split}-processed.txt").read_text().split("\n")
        rows = [line.split() for line in lines if line]
        entries = [{"id": row[0], "template": template[row[3]]} for row in rows]
        (tmp_path / f"{split}.json").write_text(json.dumps(entries))
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    segments = something_something.read(tmp_path)
    assert segments.table["split"].value_counts().to_dict() == {"train": 168_913, "val": 24_777}
    assert segments.num_classes == {"action": 174} and segments.table["action"].nunique() == 174


@pytest.fixture
def real(realdata, tmp_path):
    """The eight real videos as a small compositional split: six to train on, two to validate on."""
    root = tmp_path / "real"
    folder = root / "dataset_splits" / "compositional"
    folder.mkdir(parents=True)
    source = realdata / "something_else"
    rows = pd.read_csv(source / "labels.csv", dtype=str)
    for split, part in (("train", rows[:6]), ("validation", rows[6:])):
        entries = [{"id": row.id, "template": row.label} for row in part.itertuples()]
        (folder / f"{split}.json").write_text(json.dumps(entries))
    (folder / "labels.json").write_text((source / "dataset_splits/compositional/labels.json").read_text())
    (root / "annotations.json").symlink_to(source / "annotations.json")
    return root, source, rows


@pytest.mark.parametrize("kind", ["webm", "frames_12fps"])
def test_real_videos_with_boxes(real, tmp_path, kind):
    root, source, rows = real
    (root / {"webm": "webm", "frames_12fps": "frames"}[kind]).symlink_to(source / kind)
    settings = {"reader": "decord", "frame_rate": 12.0, "short_side": 240, "jpeg_quality": 92}
    _, boxes = prepare(root, tmp_path / "out", settings=settings)
    check_segments(read_segments(tmp_path / "out" / "annotations.parquet"), "real")
    frames, flow = FrameStore([tmp_path / "out" / "rgb.arrow"]), FrameStore([tmp_path / "out" / "flow.arrow"])
    assert sorted(frames.videos) == sorted(rows["id"]) == sorted(flow.videos)
    for row in rows.itertuples():
        assert abs(len(frames.times(row.id)) - int(row.n_frames)) <= 1
        own = boxes[boxes["segment_id"] == row.id]
        assert abs(own["frame"].max() - int(row.n_annotated)) <= 1  # 22983: 52 of 64 frames are annotated
        assert own["time_s"].max() <= frames.times(row.id)[-1] + 1e-6
    # the boxes sit on things that move: more flow inside hands than outside of all boxes
    inside, outside = [], []
    for (video_id, time_s), group in boxes.groupby(["segment_id", "time_s"]):
        row = flow.nearest(video_id, np.array([time_s]), 0.0, 99.0)[0]
        speed = np.hypot(*(simplejpeg.decode_jpeg(flow.read(row, c), "GRAY")[..., 0] - 128.0 for c in "uv"))
        height, width = speed.shape
        mask = np.zeros((height, width), bool)
        for box in group[group["category"] == "hand"].itertuples():
            mask[int(box.y1 * height) : int(box.y2 * height), int(box.x1 * width) : int(box.x2 * width)] = True
        if mask.any() and not mask.all():
            inside.append(speed[mask].mean())
            outside.append(speed[~mask].mean())
    assert np.mean(inside) > 1.5 * np.mean(outside)
    draw(frames, boxes, rows["id"], tmp_path / "boxes.png")


def draw(frames: FrameStore, boxes: pd.DataFrame, videos: pd.Series, path) -> None:
    """Three moments of every video with its boxes: hands blue, objects red."""
    pictures = []
    for video_id in videos:
        line, times = [], frames.times(video_id)
        for share in (0.2, 0.5, 0.8):
            time_s = times[int(share * len(times))]
            image = simplejpeg.decode_jpeg(frames.read(frames.nearest(video_id, [time_s], 0, 99)[0]), "BGR")
            height, width = image.shape[:2]
            near = boxes[(boxes["segment_id"] == video_id) & ((boxes["time_s"] - time_s).abs() < 0.01)]
            for box in near.itertuples():
                corners = [(int(box.x1 * width), int(box.y1 * height)), (int(box.x2 * width), int(box.y2 * height))]
                cv2.rectangle(image, *corners, (255, 0, 0) if box.category == "hand" else (0, 0, 255), 2)
            line.append(cv2.resize(image, (213, 120)))
        pictures.append(np.hstack(line))
    cv2.imwrite(str(path), np.vstack(pictures))
