"""Damage costs what it touches: one packet, one picture, one time stamp, one codec; the rest of the shard is read."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import simplejpeg

from egokd.datasets import epic_files, folder
from egokd.errors import UserError
from egokd.media.audio import read_audio
from egokd.media.decode import Damage, by_order, numbers_at, read_frames, too_damaged
from egokd.media.errors import MediaError
from egokd.media.flow import encode_grey, extract_flow
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.frames import FrameExtractor, encode_rgb, expected_frames
from egokd.media.header import read_header
from egokd.media.images import image_size, is_whole
from egokd.media.official_flow import add_video
from egokd.media.probe import choose_reader, probe_video
from egokd.media.skipped import read_skipped
from egokd.media.sources import FlowFiles, FrameFiles, NumberedFiles, VideoFile
from egokd.steps import check, extract_audio, extract_frames, index_segments
from egokd.steps import extract_flow as flow_step
from media_files import barcode, make_video, read_barcode
from view_settings import PLAIN

ALL = np.array([[0.0, 1e6]])
OPTIONS = {"annotations": "clips.csv", "heads": ["action"], "val_share": 0.25, "split_seed": 0}


def without_decoder(path: Path) -> Path:
    """Rename the codec of an MP4 to one that nobody knows, in both places where it stands."""
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    return path


def spoil_packet(source: Path, target: Path, number: int) -> Path:
    """The same file with one packet, counted in decoding order, full of what no decoder takes."""
    with av.open(str(source)) as given:
        packet = [packet for packet in given.demux(video=0) if packet.size][number]
        content = bytes(packet)
    data = bytearray(source.read_bytes())
    begin = data.index(content)
    data[begin : begin + len(content)] = b"\xff" * len(content)
    target.write_bytes(data)
    return target


def extract(path: Path, sources: dict, segments: dict[str, tuple[str, float, float]], rate: float = 12.5):
    """Frames of segments {id: (video, start, stop)} of the sources -> (store, skips)."""
    rows = pd.DataFrame(
        [(s, *what) for s, what in segments.items()], columns=["segment_id", "video_id", "start_s", "stop_s"]
    )
    with StoreWriter(path, ("image",), {"kind": "rgb", "frame_rate": rate}) as writer:
        extractor = FrameExtractor(writer, "decord", rate, 64, 92, 1)
        for video_id, group in rows.groupby("video_id"):
            list(extractor.add_video(video_id, sources[video_id], group))
    return FrameStore([path]), extractor.skips


def steps(root: Path, out: Path, csv: str) -> dict[str, pd.DataFrame]:
    """index_segments, check, extract_frames, _audio, _flow on own videos; the tables of skipped."""
    (root / "clips.csv").write_text(csv)
    common = ["--root", str(root), "--format", "folder"]
    options = ["--options", json.dumps(OPTIONS), "--dataset", "mine"]
    index_segments.main([*common, *options, "--source", "x", "--shards", "1", "--out", str(out / "a.parquet")])
    settings = {"modalities": ["rgb", "flow", "audio"], "flow": "computed", "frame_rate": 12.5, "short_side": 64}
    settings |= {"sample_rate": 8000, "max_share": 0.9, "jobs": {}, "views": PLAIN, "clips": [1]}
    check.main([*common, *options, "--settings", json.dumps(settings), "--out", str(out / "check")])
    shard = ["--segments", str(out / "a.parquet"), "--shard", "0", *common, "--threads", "1"]
    for step, name, settings in (
        (extract_frames, "rgb", {"reader": "decord", "frame_rate": 12.5, "short_side": 64, "jpeg_quality": 90}),
        (extract_audio, "audio", {"sample_rate": 8000, "margin_s": 0.5}),
    ):
        files = ["--out", str(out / f"{name}.arrow"), "--skipped", str(out / f"{name}.csv")]
        step.main([*shard, "--settings", json.dumps(settings), *files])
    settings = json.dumps({"source": "computed", "preset": "fast", "bound": 8.0})
    files = ["--out", str(out / "flow.arrow"), "--skipped", str(out / "flow.csv")]
    flow_step.main(["--frames", str(out / "rgb.arrow"), "--settings", settings, "--threads", "1", *files])
    return {name: read_skipped(out / f"{name}.csv") for name in ("rgb", "audio", "flow")}


def test_a_codec_without_decoder_and_a_tiny_picture_are_skipped_and_the_others_read(tmp_path):
    make_video(tmp_path / "a.mp4")
    make_video(tmp_path / "b.mp4", audio=np.zeros(38400, np.int16))
    without_decoder(make_video(tmp_path / "c.mp4"))
    with av.open(str(tmp_path / "d.mp4"), "w") as made:
        stream = made.add_stream("libx264", rate=25)
        stream.width = stream.height = 2
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((2, 2, 3), np.uint8), format="rgb24")))
        made.mux(stream.encode())
    csv = "file,stop,action,split\na.mp4,1,x,train\nb.mp4,1,x,val\nc.mp4,,x,train\nd.mp4,,x,train\n"
    skipped = steps(tmp_path, tmp_path / "out", csv)["rgb"]
    assert skipped["video_id"].tolist() == ["c.mp4", "d.mp4"]
    assert "no decoder" in skipped["reason"][0] and "2 x 2 pixels" in skipped["reason"][1]
    for store in ("rgb", "flow"):
        assert FrameStore([tmp_path / "out" / f"{store}.arrow"]).videos == ["a.mp4", "b.mp4"]
    problems = pd.read_csv(tmp_path / "out" / "check" / "problems.csv")
    assert (problems["kind"] == "unreadable file").sum() == 2


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv"])
def test_one_bad_packet_costs_the_segments_that_touch_it(tmp_path, name):
    """Packet 30 of 60 lies in the group that begins with frame 24; frame 36 needs none of it."""
    options = {"codec": "mpeg4", "options": {"g": "12", "bf": "0"}}
    if name == "a.avi":
        whole = make_video(tmp_path / name, **options)
    else:
        whole = make_video(tmp_path / name, options={"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=0"})
    path = spoil_packet(whole, tmp_path / f"bad_{name}", 30)
    segments = {"early": ("v", 0.0, 1.0), "touching": ("v", 1.0, 1.4), "late": ("v", 1.6, 2.3)}
    store, skips = extract(tmp_path / "rgb.arrow", {"v": VideoFile(path)}, segments, 25.0)
    assert [skip.segment_id for skip in skips] == ["touching"] and "does not decode from 1.20" in skips[0].reason
    times = store.times("v")
    seen = [read_barcode(simplejpeg.decode_jpeg(store.read(row), "RGB")) for row in range(len(times))]
    assert seen == np.rint(times * 25).astype(int).tolist()
    assert {*range(26), *range(40, 58)} <= set(seen) and not set(seen) & set(range(30, 36))
    assert store.info("v")["damaged_frames"] == 1


def test_how_much_damage_is_too_much():
    assert not too_damaged(0, 0) and not too_damaged(1, 2) and too_damaged(2, 2)
    assert not too_damaged(3, 30) and too_damaged(4, 30) and not too_damaged(50, 1000) and too_damaged(51, 1000)


def test_an_avi_with_dropped_frames_is_whole_and_shows_the_one_before(tmp_path):
    pts = [n for n in range(60) if n not in (10, 11, 40)]
    with av.open(str(tmp_path / "a.avi"), "w") as made:
        stream = made.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in pts:
            frame = av.VideoFrame.from_ndarray(barcode(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
    probe = probe_video(tmp_path / "a.avi")
    assert len(probe.times_s) == 57
    seen = [read_barcode(image) for _, image in read_frames(probe, ALL, 25.0, "pyav")]
    assert seen == [9 if n in (10, 11) else 39 if n == 40 else n for n in range(60)]
    assert numbers_at(probe, np.array([0.4, 0.44, 0.48])).tolist() == [9, 9, 10]


def test_of_two_frames_with_one_time_stamp_one_is_dropped(tmp_path):
    """In Matroska a frame's time stands in the two bytes before the last one before its data."""
    path = make_video(tmp_path / "a.mkv", codec="mpeg4", frames=20)
    with av.open(str(path)) as given:
        places = [path.read_bytes().index(bytes(packet)) for packet in given.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[places[8] - 3 : places[8] - 1] = data[places[7] - 3 : places[7] - 1]
    path.write_bytes(data)
    probe = probe_video(path)
    assert probe.doubled == 1 and choose_reader(probe, "decord") == ("pyav", "codec mpeg4")
    store, skips = extract(tmp_path / "rgb.arrow", {"v": VideoFile(path)}, {"s": ("v", 0.0, 0.8)}, 25.0)
    assert skips == []
    seen = [read_barcode(simplejpeg.decode_jpeg(store.read(row), "RGB")) for row in range(20)]
    assert seen == [*range(8), 7, *range(9, 20)]  # of the two, the first; it also stands where the other was


def test_frames_whose_stamps_go_back_are_counted(tmp_path):
    """Stamps say when frames are shown, decoders in which order: trusted only if as many decode as there are stamps."""
    probe = probe_video(make_video(tmp_path / "a.mp4"))
    counted = [read_barcode(image) for _, image in read_frames(by_order(probe), ALL, 25.0, "pyav")]
    assert counted == list(range(60))
    longer = replace(probe, pts=np.append(probe.pts, probe.pts[-1] + 512), times_s=np.append(probe.times_s, 2.4))
    with pytest.raises(MediaError, match="only 60 of 61 frames decode"):
        list(read_frames(by_order(longer), ALL, 25.0, "pyav"))


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as made:
        stream = made.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 72, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for number in range(10):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(barcode(number, 72, 64), format="rgb24")))
        made.mux(stream.encode())
    store, skips = extract(tmp_path / "rgb.arrow", {"v": VideoFile(tmp_path / "a.mp4")}, {"s": ("v", 0.0, 0.3)})
    assert skips == [] and (store.info("v")["width"], store.info("v")["height"]) == (96, 64)
    assert (read_header(VideoFile(tmp_path / "a.mp4")).width, probe_video(tmp_path / "a.mp4").pixel_aspect) == (
        96,
        4 / 3,
    )


@pytest.mark.parametrize("change", ["rate", "layout"])
def test_sound_that_changes_inside_the_file_is_read_whole(tmp_path, change):
    """Two seconds as concatenated transport streams: a tone in each of them."""
    second = {"rate": 44100 if change == "rate" else 48000, "layout": "stereo" if change == "layout" else "mono"}
    parts = []
    for number, (rate, layout) in enumerate(((48000, "mono"), (second["rate"], second["layout"]))):
        path = tmp_path / f"{number}.ts"
        with av.open(str(path), "w", options={"mpegts_copyts": "1"}) as made:
            video = made.add_stream("mpeg2video", rate=25)
            video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
            sound = made.add_stream("mp2", rate=rate, layout=layout)
            for n in range(25):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
                frame.pts, frame.time_base = n + 25 * number, Fraction(1, 25)
                made.mux(video.encode(frame))
            made.mux(video.encode())
            channels = 2 if layout == "stereo" else 1
            tone = (12000 * np.sin(np.arange(rate) * 2 * np.pi * 440 / rate)).astype(np.int16)
            for begin in range(0, rate, 1152):
                piece = np.repeat(tone[begin : begin + 1152], channels)[None]
                chunk = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="s16", layout=layout)
                chunk.sample_rate, chunk.time_base, chunk.pts = rate, Fraction(1, rate), begin + rate * number
                made.mux(sound.encode(chunk))
            made.mux(sound.encode())
        parts.append(path.read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    (wave,), end_s = read_audio(tmp_path / "both.ts", np.array([[0.0, 2.0]]), 16000)
    assert len(wave) == 32000 and end_s == pytest.approx(2.0, abs=0.15)
    level = np.abs(wave.astype(int)).reshape(20, -1).mean(axis=1)
    assert (level[1:9] > 4000).all() and (level[11:18] > 4000).all()


# --- numbered files -------------------------------------------------------------------------------------------------


def jpeg(number: int) -> bytes:
    return encode_rgb(barcode(number), (128, 64), 95)


def frames_in(path: Path, count: int, name: str = "frame_{:010d}.jpg") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        (path / name.format(number)).write_bytes(jpeg(number))
    return path


def test_a_damaged_jpeg_is_replaced_by_its_neighbour_wherever_the_damage_is(tmp_path):
    path = frames_in(tmp_path / "v", 100)
    for number, damage in ((1, slice(300, 700)), (51, slice(len(jpeg(51)) * 3 // 4, None))):
        data = bytearray(jpeg(number))
        data[damage] = bytes(len(data[damage]))
        (path / f"frame_{number:010d}.jpg").write_bytes(data[:-2] + b"\xff\xd9")
    assert not is_whole((path / "frame_0000000051.jpg").read_bytes()) and is_whole(jpeg(51))
    store, skips = extract(tmp_path / "rgb.arrow", {"v": FrameFiles(path, 50.0)}, {"s": ("v", 0.0, 2.0)}, 10.0)
    assert skips == [] and store.info("v")["damaged_frames"] == 2
    images = [read_barcode(store.decoded(row, "image", "RGB")) for row in range(20)]
    assert (images[0], images[10]) == (2, 50) and images[1:10] == list(range(6, 47, 5))


def test_headers_that_claim_the_memory_are_refused(tmp_path):
    data = bytearray(jpeg(1))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = (65000).to_bytes(2, "big") * 2
    with pytest.raises(ValueError, match="65000 x 65000"):
        image_size(bytes(data))
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "000001.jpg").write_bytes(data)
    with pytest.raises(MediaError, match="frame 1 is not a readable image"):
        read_header(FrameFiles(tmp_path / "v", 12.0))


def test_computed_flow_goes_on_over_a_damaged_stored_picture(tmp_path):
    with StoreWriter(tmp_path / "rgb.arrow", ("image",), {"kind": "rgb", "frame_rate": 10.0}) as writer:
        for video_id, bad in (("a", {3}), ("b", set(range(8))), ("c", set())):
            writer.begin(video_id)
            for number in range(10):
                writer.add(number / 10, image=jpeg(number)[:200] if number in bad else jpeg(number))
            writer.end({"width": 128, "height": 64})
        writer.begin("tiny")
        writer.add(0.0, image=jpeg(1))
        writer.end({"width": 8, "height": 8})
    skips = []
    with StoreWriter(tmp_path / "flow.arrow", ("u", "v"), {"kind": "flow"}) as writer:
        list(extract_flow(FrameStore([tmp_path / "rgb.arrow"]), writer, "fast", 8.0, 1, skips))
    assert FrameStore([tmp_path / "flow.arrow"]).videos == ["a", "c"]
    assert [skip.video_id for skip in skips] == ["b", "tiny"]


def test_one_bad_image_does_not_cost_the_published_flow_of_a_video(tmp_path):
    grey = np.full((64, 128), 128, np.uint8)
    for column in "uv":
        (tmp_path / "flow" / column).mkdir(parents=True)
        for number in range(1, 61):
            data = encode_grey(grey + np.uint8(number))
            data = data[:100] if (column, number) == ("v", 16) else data
            (tmp_path / "flow" / column / f"frame_{number:010d}.jpg").write_bytes(data)
    frames, _ = extract(
        tmp_path / "rgb.arrow", {"v": FrameFiles(frames_in(tmp_path / "v", 120), 60.0)}, {"s": ("v", 0.0, 2.0)}, 10.0
    )
    source = FlowFiles(FrameFiles(tmp_path / "flow", 60.0), 2, 3, 25.0)
    with StoreWriter(tmp_path / "flow.arrow", ("u", "v"), {"kind": "flow"}) as writer:
        list(add_video("v", source, frames, writer, 50.0))
    store = FrameStore([tmp_path / "flow.arrow"])
    np.testing.assert_array_equal(store.times("v"), frames.times("v"))
    assert abs(np.median(simplejpeg.decode_jpeg(store.read(5, "u"), "GRAY")) - (128 + 15)) <= 1  # of file 15


@pytest.mark.parametrize(
    "name",
    ["78687_{:06d}.jpg", "img_{:05d}.jpg", "image_{:05d}.jpg", "frame{:05d}.jpg", "{:06d}.jpg", "frame-{:06d}.png"],
)
def test_frames_as_others_name_them(tmp_path, name):
    path = frames_in(tmp_path / "v", 3, name)
    if name.endswith("png"):
        for file in path.iterdir():
            image = simplejpeg.decode_jpeg(file.read_bytes(), "BGR")
            cv2.imwrite(str(file), image)
    store, skips = extract(tmp_path / "rgb.arrow", {"v": FrameFiles(path, 10.0)}, {"s": ("v", 0.0, 0.3)}, 10.0)
    assert skips == []
    assert [read_barcode(store.decoded(row, "image", "RGB")) for row in range(3)] == [1, 2, 3]


def test_files_of_two_videos_and_absurd_numbers_are_refused(tmp_path):
    frames_in(tmp_path / "a" / "x", 2)
    frames_in(tmp_path / "a" / "y", 2)
    with pytest.raises(MediaError, match="frames of two kinds"):
        NumberedFiles(tmp_path / "a")
    (frames_in(tmp_path / "b", 2) / f"frame_{'9' * 20}.jpg").touch()
    with pytest.raises(MediaError, match="with 20 digits"):
        NumberedFiles(tmp_path / "b")
    (frames_in(tmp_path / "c", 2) / "frame_1.jpg").touch()
    with pytest.raises(MediaError, match="the same number"):
        NumberedFiles(tmp_path / "c")
    frames_in(tmp_path / "d", 2, "img_{:05d}.jpg")
    frames_in(tmp_path / "d", 2, "flow_x_{:05d}.jpg")
    assert NumberedFiles(tmp_path / "d").numbers().tolist() == [1, 2]  # those with a usual name


@pytest.mark.parametrize("count", [0, 60])
def test_frames_that_are_not_whole_do_not_hide_the_video(tmp_path, count):
    """The video has 2.4 s: 144 frames on the clock of 2018."""
    (tmp_path / "P01" / "videos").mkdir(parents=True)
    make_video(tmp_path / "P01" / "videos" / "P01_01.MP4.mp4").rename(tmp_path / "P01" / "videos" / "P01_01.MP4")
    frames_in(tmp_path / "P01" / "rgb_frames" / "P01_01", count)
    source = epic_files.rgb_source(tmp_path, "P01_01")
    assert read_header(source).duration_s == pytest.approx(2.4)
    store, skips = extract(tmp_path / "rgb.arrow", {"v": source}, {"s": ("v", 1.5, 2.3)})
    assert skips == [] and store.info("v")["codec"] == "h264"
    frames_in(tmp_path / "P01" / "rgb_frames" / "P01_01", 144)
    assert extract(tmp_path / "b.arrow", {"v": source}, {"s": ("v", 1.5, 2.3)})[0].info("v")["reader"] == "files"


def test_own_videos_as_folders_of_frames(tmp_path):
    frames_in(tmp_path / "monday", 60)
    with pytest.raises(UserError, match=r"data\.frames_fps"):
        folder.rgb_source(tmp_path, "monday")
    assert read_header(folder.rgb_source(tmp_path, "monday", 30.0)).duration_s == 2.0


# --- lengths that nobody filmed -------------------------------------------------------------------------------------


def test_any_length_may_be_claimed(tmp_path):
    path = make_video(tmp_path / "a.mp4", audio=np.ones(38400, np.int16))
    rows = pd.DataFrame([("s", "v", 0.0, 1e12)], columns=["segment_id", "video_id", "start_s", "stop_s"])
    assert expected_frames(rows, 25.0) == 25 * 10**12 + 1
    _, skips = extract(tmp_path / "rgb.arrow", {"v": VideoFile(path)}, {"s": ("v", 0.0, 1e12)})
    assert [skip.segment_id for skip in skips] == ["s"] and "ends at 2.40 s" in skips[0].reason
    (wave,), _ = read_audio(path, np.array([[0.0, 1e12]]), 8000)
    assert 2.4 * 8000 < len(wave) <= 603 * 8000


@pytest.mark.parametrize(
    ("name", "frames"),
    [("unknown_video.mp4", 0), ("one_bad_packet.mp4", 98), ("vfr_to.avi", 50), ("frag_every.mp4", 48)],
)
def test_cases_of_video(cases, name, frames):
    path = cases / "media" / name
    if not frames:
        with pytest.raises(MediaError, match="no decoder"):
            probe_video(path)
        return
    probe, damage = probe_video(path), Damage()
    probe = by_order(probe) if probe.doubled else probe
    assert len(list(read_frames(probe, ALL, 25.0, "pyav", damage=damage))) == frames
    if name == "one_bad_packet.mp4":
        assert damage.holes[0][0] == pytest.approx(1.6) and damage.holes[-1][1] < 3


@pytest.mark.parametrize("name", ["layout_change.ts", "rate_change.ts"])
def test_cases_of_sound(cases, name):
    (wave,), end_s = read_audio(cases / "media" / name, np.array([[0.0, 2.0]]), 16000)
    assert end_s == pytest.approx(2.0, abs=0.2) and wave[:16000].any() and wave[18000:30000].any()
