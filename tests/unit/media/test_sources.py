"""Extracted frames and published flow in tars and folders: found, timed, fitted, and what happens where files miss."""

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import simplejpeg

from egokd.datasets import epic100, epic_files
from egokd.datasets.segments import Segments, write_segments
from egokd.media.errors import MediaError
from egokd.media.flow import encode_grey
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.frames import FrameExtractor, encode_rgb
from egokd.media.header import read_header
from egokd.media.official_flow import add_video, code_table, flow_numbers
from egokd.media.skipped import read_skipped
from egokd.media.sources import FlowFiles, FrameFiles, NumberedFiles, VideoFile
from egokd.steps import extract_flow, extract_frames
from media_files import WIDTH, barcode, read_barcode

GREY = np.full((64, 128), 128, np.uint8)


def frame(number: int) -> bytes:
    return encode_rgb(barcode(number), (WIDTH, 64), 95)


def make_tar(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def frames_tar(path: Path, numbers: range) -> Path:
    return make_tar(path, {f"./frame_{number:010d}.jpg": frame(number) for number in numbers})


def extract(path: Path, source: FrameFiles, start_s: float, stop_s: float, rate: float = 10.0, short_side: int = 64):
    rows = pd.DataFrame([("s", "v", start_s, stop_s)], columns=["segment_id", "video_id", "start_s", "stop_s"])
    with StoreWriter(path, ("image",), {"kind": "rgb", "frame_rate": rate}) as writer:
        extractor = FrameExtractor(writer, "decord", rate, short_side, 92, 1)
        list(extractor.add_video("v", source, rows))
    return FrameStore([path]), extractor.skips


@pytest.mark.parametrize("kind", ["tar", "folder"])
def test_numbered_files(tmp_path, kind):
    if kind == "tar":
        path = frames_tar(tmp_path / "v.tar", range(1, 6))
    else:
        path = tmp_path / "v"
        path.mkdir()
        for number in range(5):  # counted from 0: becomes 1 to 5
            (path / f"img_{number:05d}.jpg").write_bytes(frame(number + 1))
        (path / "notes.txt").touch()
    files = NumberedFiles(path)
    assert files.numbers().tolist() == [1, 2, 3, 4, 5]
    assert read_barcode(simplejpeg.decode_jpeg(files.read(3), "RGB")) == 3
    with pytest.raises(MediaError, match="has no files for 'u'"):
        files.numbers("u")


def test_damaged_tars_are_refused(tmp_path):
    whole = frames_tar(tmp_path / "v.tar", range(1, 30)).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2 + 100])
    (tmp_path / "text.tar").write_bytes(b"not a tar" * 200)
    with pytest.raises(MediaError, match=r"cut off|whole tar"):
        NumberedFiles(tmp_path / "cut.tar")
    with pytest.raises(MediaError, match="not a plain, whole tar file"):
        NumberedFiles(tmp_path / "text.tar")
    with pytest.raises(MediaError, match="no such file"):
        NumberedFiles(tmp_path / "gone.tar")
    with pytest.raises(MediaError, match="no numbered JPEG files"):
        NumberedFiles(make_tar(tmp_path / "other.tar", {"readme.txt": b"x"}))


def test_frames_by_their_clock_are_copied(tmp_path):
    """At 50 per second, frame 26 is on show at 0.5 s; every fifth is taken for 10 per second, as it is."""
    source = FrameFiles(frames_tar(tmp_path / "v.tar", range(1, 101)), 50.0)
    store, skips = extract(tmp_path / "rgb.arrow", source, 0.5, 1.0)
    assert skips == []
    np.testing.assert_allclose(store.times("v"), np.arange(4, 11) / 10)
    images = [store.read(row) for row in range(7)]
    assert [read_barcode(simplejpeg.decode_jpeg(image, "RGB")) for image in images] == [21, 26, 31, 36, 41, 46, 51]
    assert images[0] == frame(21)  # the published bytes
    assert store.info("v")["reader"] == "files"
    smaller, _ = extract(tmp_path / "small.arrow", source, 0.5, 1.0, short_side=32)
    assert (smaller.info("v")["width"], smaller.info("v")["height"]) == (64, 32)


def test_missing_files_skip_the_segment_not_the_video(tmp_path):
    files = {f"frame_{number:010d}.jpg": frame(number) for number in [*range(1, 30), *range(80, 101)]}
    source = FrameFiles(make_tar(tmp_path / "v.tar", files), 50.0)
    store, skips = extract(tmp_path / "a.arrow", source, 0.6, 1.6)
    assert "files are missing" in skips[0].reason and skips[0].segment_id == "s"
    assert (np.diff(store.times("v")) > 0.5).sum() == 1  # nothing stands in for the hole
    _, skips = extract(tmp_path / "b.arrow", source, 1.9, 9.0)
    assert "ends at 2.00 s" in skips[0].reason


def test_damaged_frames(tmp_path):
    files = {f"frame_{number:010d}.jpg": frame(number) for number in range(1, 501)}
    files["frame_0000000101.jpg"] = files["frame_0000000101.jpg"][:200]
    store, skips = extract(tmp_path / "a.arrow", FrameFiles(make_tar(tmp_path / "v.tar", files), 50.0), 0.0, 10.0)
    assert skips == [] and store.info("v")["damaged_frames"] == 1
    assert read_barcode(simplejpeg.decode_jpeg(store.read(20), "RGB")) == 100  # the nearest file stands in
    files = {name: data[:200] for name, data in files.items()}
    store, skips = extract(tmp_path / "b.arrow", FrameFiles(make_tar(tmp_path / "w.tar", files), 50.0), 0.0, 10.0)
    assert store.videos == [] and "not readable image" in skips[0].reason


def test_headers(tmp_path):
    header = read_header(FrameFiles(frames_tar(tmp_path / "v.tar", range(1, 101)), 50.0))
    assert (header.duration_s, header.width, header.height, header.frames) == (2.0, 128, 64, 100)
    with pytest.raises(MediaError, match="no such file"):
        read_header(VideoFile(tmp_path / "gone.mp4"))


def test_flow_index_by_hand():
    # 2018: 60 per second, every second frame; rgb frames 1, 2, 3, 4, 5 -> flow 1, 1, 2, 2, 3
    np.testing.assert_array_equal(flow_numbers(np.arange(5) / 60, 60.0, 2), [1, 1, 2, 2, 3])
    np.testing.assert_array_equal(flow_numbers([0.0, 0.1, 1.0], 50.0, 1), [1, 6, 51])


def test_codes_by_hand():
    # 25 pixels in code 255; the same displacement in a store with bound 50 is half as far from 128
    table = code_table(1.0, 25.0, 50.0)
    assert table[128] == 128 and table[255] == 192 and table[0] == 64
    assert code_table(1.0, 8.0, 8.0).tolist() == list(range(256))
    assert code_table(4.0, 25.0, 50.0)[255] == 255  # clipped


def test_published_layout_of_2018_and_2020(tmp_path):
    for video_id in ("P01_01", "P01_101"):
        frames_tar(tmp_path / f"P01/rgb_frames/{video_id}.tar", range(1, 4))
        make_tar(tmp_path / f"P01/flow_frames/{video_id}.tar", {"u/frame_0000000001.jpg": b""})
    old, new = (epic100.flow_source(tmp_path, video_id) for video_id in ("P01_01", "P01_101"))
    assert (old.files.rate, old.stride, old.dilation, old.bound) == (60.0, 2, 3, 25.0)
    assert (new.files.rate, new.stride, new.dilation, new.bound) == (50.0, 1, 1, 8.0)
    assert epic100.rgb_source(tmp_path, "P01_01") == FrameFiles(tmp_path / "P01/rgb_frames/P01_01.tar", 60.0)
    assert epic100.flow_source(tmp_path, "P01_02") is None
    first_release = frames_tar(tmp_path / "frames_rgb_flow/rgb/train/P02/P02_01.tar", range(1, 3))
    assert epic100.rgb_source(tmp_path, "P02_01").path == first_release


def test_faulty_release_is_told_by_its_number_of_frames(tmp_path):
    """P01_109 lasts 3708.04 s: 185,402 frames at 50 a second, 222,487 in the faulty release."""
    path = tmp_path / "P01/rgb_frames/P01_109.tar"
    path.parent.mkdir(parents=True)
    path.touch()
    source = epic_files.rgb_source(tmp_path, "P01_109")
    assert source.clock(222_487) == 60.0 and source.clock(185_402) == 50.0
    assert FrameFiles(path, 50.0).clock(222_487) == 50.0
    (tmp_path / "P27/rgb_frames/P27_103.tar").parent.mkdir(parents=True)
    (tmp_path / "P27/rgb_frames/P27_103.tar").touch()
    source = epic_files.rgb_source(tmp_path, "P27_103")
    assert source.clock(146_918) == 60.0 and source.clock(122_428) == 50.0


@pytest.fixture
def world(tmp_path):
    """A video of 2018 with frames 1..120 and flow 1..59 whose u tells its number, and one without flow."""
    frames_tar(tmp_path / "P01/rgb_frames/P01_01.tar", range(1, 121))
    frames_tar(tmp_path / "P01/rgb_frames/P01_02.tar", range(1, 121))
    files = {f"u/frame_{number:010d}.jpg": encode_grey(GREY + np.uint8(number)) for number in range(1, 60)}
    files |= {f"v/frame_{number:010d}.jpg": encode_grey(GREY) for number in range(1, 60)}
    make_tar(tmp_path / "P01/flow_frames/P01_01.tar", files)
    rows = [("a", "P01_01", 0.2, 1.9), ("b", "P01_02", 0.2, 1.0)]
    table = pd.DataFrame(rows, columns=["segment_id", "video_id", "start_s", "stop_s"]).assign(fps=60.0, shard=0)
    write_segments(tmp_path / "annotations.parquet", Segments(table, {"verb": ["take"]}, "test"))
    return tmp_path


def test_official_flow_step(world):
    settings = {"reader": "decord", "frame_rate": 10.0, "short_side": 64, "jpeg_quality": 92}
    common = ["--root", str(world), "--format", "epic100", "--threads", "1"]
    rgb, flow, skipped = world / "rgb.arrow", world / "flow.arrow", world / "skipped.csv"
    table = ["--segments", str(world / "annotations.parquet"), "--shard", "0", "--settings", json.dumps(settings)]
    extract_frames.main([*table, *common, "--out", str(rgb), "--skipped", str(skipped)])
    settings = json.dumps({"source": "official", "preset": "medium", "bound": 50.0})
    extract_flow.main(
        ["--frames", str(rgb), "--settings", settings, *common, "--out", str(flow), "--skipped", str(skipped)]
    )
    store = FrameStore([flow])
    assert store.videos == ["P01_01"] and store.metadata["bound"] == 50.0
    np.testing.assert_array_equal(store.times("P01_01"), FrameStore([rgb]).times("P01_01"))
    # at 0.5 s: rgb frame 31, flow file 16, code 128 + 16: 16 * 25 / 127.5 pixels over 3 / 60 s = 2 x that in 0.1 s;
    # with twice the bound that is the same code again
    row = store.nearest("P01_01", np.array([0.5]), 0.0, 2.0)[0]
    u = simplejpeg.decode_jpeg(store.read(row, "u"), "GRAY")
    assert u.shape[:2] == (64, 128) and abs(int(np.median(u)) - (128 + 16)) <= 1
    assert np.median(simplejpeg.decode_jpeg(store.read(row, "v"), "GRAY")) == 128
    reasons = read_skipped(skipped)
    assert reasons["video_id"].tolist() == ["P01_02"] and "no published flow" in reasons["reason"][0]


def test_flow_is_scaled_with_its_size(world):
    """Published at twice the stored size: displacements are halved."""
    files = {
        f"{column}/frame_{number:010d}.jpg": encode_grey(cv2.resize(GREY + np.uint8(40), (256, 128)))
        for column in "uv"
        for number in range(1, 60)
    }
    source = FlowFiles(FrameFiles(make_tar(world / "big.tar", files), 60.0), 2, 3, 25.0)
    store, _ = extract(world / "rgb.arrow", FrameFiles(world / "P01/rgb_frames/P01_01.tar", 60.0), 0.2, 1.0)
    with StoreWriter(world / "flow.arrow", ("u", "v"), {"kind": "flow"}) as writer:
        list(add_video("v", source, store, writer, 50.0))
    code = np.median(simplejpeg.decode_jpeg(FrameStore([world / "flow.arrow"]).read(0, "u"), "GRAY"))
    assert abs(code - (128 + 20)) <= 1
