"""Every returned frame is the right one, whatever the container; damaged files are refused where that can be told."""

import av
import numpy as np
import pytest

from egokd.media.decode import Damage, grid_indices, merge_intervals, read_frames, source_frames
from egokd.media.errors import MediaError
from egokd.media.frames import stored_size
from egokd.media.probe import choose_reader, probe_video
from media_files import cut_without_encoding, make_sound, make_video, read_barcode

ALL = np.array([[0.0, 1e6]])
UNEVEN = [40 * i + (i * 7919) % 17 for i in range(60)]  # milliseconds, variable frame rate


def x264(text):
    return {"x264-params": text}


# name: (arguments of make_video, reader that must be chosen, part of the reason)
FILES = {
    "closed.mp4": ({}, "decord", "agree"),
    "closed.mkv": ({}, "decord", "agree"),
    "faststart.mp4": ({"file_options": {"movflags": "faststart"}}, "decord", "agree"),
    "uneven.mp4": ({"pts": UNEVEN}, "decord", "agree"),
    "uneven.mkv": ({"pts": UNEVEN}, "decord", "agree"),
    "open.mp4": ({"options": x264("keyint=12:min-keyint=12:scenecut=0:bframes=3:open-gop=1")}, "pyav", "open groups"),
    "open.mkv": ({"options": x264("keyint=12:min-keyint=12:scenecut=0:bframes=3:open-gop=1")}, "pyav", "open groups"),
    "late.mp4": ({"pts": [500 + 40 * i for i in range(60)]}, "pyav", "time stamps"),
    "fragments.mp4": ({"file_options": {"movflags": "frag_keyframe+empty_moov"}}, "pyav", "time stamps"),
    "hevc.mp4": ({"codec": "libx265", "options": {"x265-params": "keyint=12:log-level=none"}}, "pyav", "hevc"),
    "stream.ts": ({}, "pyav", "mpegts"),
    "vp9.webm": ({"codec": "libvpx-vp9"}, "pyav", "vp9"),
    "vp8.webm": (
        {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "10"}},
        "pyav",
        "vp8",
    ),
    "av1.mkv": ({"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "lp=1"}}, "pyav", "av1"),
    "mpeg4.avi": ({"codec": "mpeg4", "options": {"bf": "2"}}, "pyav", "avi"),
    "h264.avi": ({}, "pyav", "avi"),
    "mpeg1.mpg": ({"codec": "mpeg1video", "options": {"bf": "2"}}, "pyav", "container mpeg"),
}


def frames_of(path, rate=25.0, intervals=ALL, preferred="decord"):
    """(times, barcodes) of all grid frames, and the reader."""
    probe = probe_video(path)
    reader, _ = choose_reader(probe, preferred)
    got = [(time_s, read_barcode(image)) for time_s, image in read_frames(probe, intervals, rate, reader)]
    return [time_s for time_s, _ in got], [number for _, number in got], reader


@pytest.mark.parametrize("name", FILES)
def test_every_frame_of_every_container(tmp_path, name):
    arguments, reader, reason = FILES[name]
    probe = probe_video(make_video(tmp_path / name, **arguments))
    assert len(probe.times_s) == 60
    stamps = np.array(arguments.get("pts", np.arange(60) * 40)) / 1000
    np.testing.assert_allclose(probe.times_s, stamps - stamps[0], atol=6e-4)
    chosen, why = choose_reader(probe, "decord")
    assert chosen == reader and reason in why
    assert choose_reader(probe, "pyav")[0] == "pyav"
    # half, same and double rate; a part of the video; each against the time stamps
    for rate, part in ((12.5, ALL), (25.0, ALL), (50.0, ALL), (25.0, np.array([[1.1, 1.5], [0.3, 0.4], [1.4, 1.7]]))):
        times, numbers, _ = frames_of(probe.path, rate, part)
        assert times == [k / rate for k in grid_indices(part, rate, probe.duration_s)]
        assert numbers == source_frames(probe.times_s, np.array(times)).tolist()
    assert frames_of(probe.path)[1][:60] == source_frames(probe.times_s, np.arange(60) / 25).tolist()


def test_first_grid_frames_by_hand(tmp_path):
    path = make_video(tmp_path / "a.mp4", frames=10, rate=25)
    assert frames_of(path, 25.0)[1] == list(range(10))
    assert frames_of(path, 12.5)[1] == [0, 2, 4, 6, 8]
    # at 50 per second each second instant lies in the middle of two frames: the earlier is taken
    assert frames_of(path, 50.0)[1] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    # 10 per second: 0, 100, 200, 300 ms; frames every 40 ms; 100 is halfway between 80 and 120
    assert frames_of(path, 10.0)[1] == [0, 2, 5, 7]
    assert frames_of(path, 25.0, np.array([[0.08, 0.2]]))[0] == [0.08, 0.12, 0.16]


def test_edit_list_hides_frames(tmp_path):
    source = make_video(tmp_path / "whole.mp4")
    cut = cut_without_encoding(source, tmp_path / "cut.mp4", 0.8)
    probe = probe_video(cut)
    assert probe.edited and len(probe.times_s) == 40
    assert choose_reader(probe, "decord") == ("pyav", "edit list")
    assert frames_of(cut)[1] == list(range(20, 60))


def test_cut_inside_an_open_group(tmp_path):
    """Frames shown before the first key frame refer to what was cut away: the next frame stands in for them."""
    source = make_video(tmp_path / "open.mkv", **FILES["open.mkv"][0])
    with av.open(str(source)) as given:
        packets = [packet for packet in given.demux(video=0) if packet.size]
        begin = [i for i, packet in enumerate(packets) if packet.is_keyframe][2]
        with av.open(str(tmp_path / "cut.mkv"), "w") as made:
            out = made.add_stream_from_template(given.streams.video[0])
            for packet in packets[begin:]:
                packet.stream = out
                made.mux(packet)
    probe = probe_video(tmp_path / "cut.mkv")
    assert len(probe.optional) > 0 and choose_reader(probe, "decord")[0] == "pyav"
    _, numbers, _ = frames_of(tmp_path / "cut.mkv")
    first, lost = 60 - len(numbers), len(probe.optional)
    assert numbers[lost:] == list(range(first + lost, 60))
    assert set(numbers[:lost]) <= set(range(first, first + lost + 1))


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_is_applied(tmp_path, rotation):
    path = make_video(tmp_path / "turned.mp4", frames=5, rotation=rotation)
    probe = probe_video(path)
    for reader in {choose_reader(probe, "decord")[0], "pyav"}:
        images = [image for _, image in read_frames(probe, ALL, 25.0, reader)]
        assert [read_barcode(np.rot90(image, -rotation // 90)) for image in images] == list(range(5))
        assert images[0].shape == ((64, 128, 3) if rotation == 180 else (128, 64, 3))


def test_video_without_and_with_sound(tmp_path):
    sound = np.zeros(16000, np.int16)
    assert not probe_video(make_video(tmp_path / "silent.mp4")).has_audio
    with_sound = make_video(tmp_path / "sound.mp4", audio=sound)
    assert probe_video(with_sound).has_audio
    assert frames_of(with_sound) == frames_of(tmp_path / "silent.mp4")


@pytest.mark.parametrize("name", ["faststart.mp4", "closed.mkv", "vp9.webm", "closed.mp4", "mpeg4.avi"])
def test_truncated_files_are_refused(tmp_path, name):
    data = make_video(tmp_path / name, **FILES[name][0]).read_bytes()
    (tmp_path / f"cut_{name}").write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(MediaError, match=f"cut_{name}: .*(cut off|do not decode|damaged|not a readable)"):
        frames_of(tmp_path / f"cut_{name}")


def test_truncated_stream_without_a_length_is_a_shorter_video(tmp_path):
    """An MPEG program stream announces no length: only what lies past the end is missed, by the segments there."""
    data = make_video(tmp_path / "whole.mpg", **FILES["mpeg1.mpg"][0]).read_bytes()
    (tmp_path / "cut.mpg").write_bytes(data[: len(data) * 45 // 100])
    _, numbers, _ = frames_of(tmp_path / "cut.mpg")
    assert 20 < len(numbers) < 60
    assert numbers[:-3] == list(range(len(numbers) - 3))  # the last picture may be cut, and those between wait for it


@pytest.mark.parametrize("preferred", ["decord", "pyav"])
def test_hole_in_a_file(tmp_path, preferred):
    data = bytearray(make_video(tmp_path / "a.mp4", file_options={"movflags": "faststart"}).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = bytes(1500)
    (tmp_path / "hole.mp4").write_bytes(data)
    with pytest.raises(MediaError, match=r"hole\.mp4"):
        frames_of(tmp_path / "hole.mp4", preferred=preferred)


def test_what_is_no_video(tmp_path):
    make_sound(tmp_path / "sound.m4a", np.zeros(4096, np.int16))
    (tmp_path / "text.mp4").write_text("not a video" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    for name, reason in {
        "sound.m4a": "no video stream",
        "text.mp4": "not a readable video",
        "empty.mp4": "not a readable video",
        "missing.mp4": "no such file",
    }.items():
        with pytest.raises(MediaError, match=f"{name}: {reason}"):
            probe_video(tmp_path / name)


def test_intervals_and_sizes():
    np.testing.assert_array_equal(merge_intervals([[3, 4], [0, 1], [0.5, 2], [2, 2.5]]), [[0, 2.5], [3, 4]])
    assert grid_indices(np.zeros((0, 2)), 10, 5).tolist() == []
    assert grid_indices([[-1, 0.3]], 10, 5).tolist() == [0, 1, 2]  # half-open, also where 0.3 * 10 is not exactly 3
    assert grid_indices([[4.75, 9]], 10, 5).tolist() == [48, 49]
    assert stored_size(1920, 1080, 256) == (456, 256)  # the official size
    assert stored_size(1080, 1920, 256) == (256, 456)
    assert stored_size(100, 64, 64) == (100, 64)
    assert stored_size(100, 50, 64) == (100, 50)


DAMAGED = {"decord_corrupted.mp4": (2.9, 5.0)}  # one packet; all that follows refers to it
TURNED = {"decord_rot_90.mov", "decord_rot_180.mov", "decord_rot_270.mov"}


def test_real_videos(realdata):
    """Every real file is read in full, alike by both readers, or up to its damage."""
    for path in sorted((realdata / "videos").iterdir()):
        probe = probe_video(path)
        reader, reason = choose_reader(probe, "decord")
        rate = len(probe.times_s) / probe.duration_s
        if path.name in DAMAGED:
            damage = Damage()
            assert len(list(read_frames(probe, ALL, rate, "pyav", damage=damage))) == 30
            assert damage.lost == [30] and damage.holes == [pytest.approx(DAMAGED[path.name])]
            continue
        with av.open(str(path)) as container:  # an independent count
            decoded = sum(1 for _ in container.decode(container.streams.video[0]))
        assert decoded == len(probe.times_s), path.name
        images = [image.mean() for _, image in read_frames(probe, ALL, rate, reader)]
        assert abs(len(images) - decoded) <= 1, f"{path.name}: {len(images)} frames of {decoded} ({reader}: {reason})"
        assert (np.diff(probe.times_s) > 0).all()
        if reader == "decord":
            some = np.array([[probe.duration_s / 2, probe.duration_s / 2 + 0.5], [0, 0.2]])
            pairs = zip(read_frames(probe, some, 10, "decord"), read_frames(probe, some, 10, "pyav"), strict=True)
            for (time_a, a), (time_b, b) in pairs:
                assert time_a == time_b
                np.testing.assert_allclose(a.astype(int), b, atol=2, err_msg=path.name)


def test_real_rotations_stand_upright(realdata):
    """The camera was turned; the file says how, and both readers must agree on it."""
    for name in TURNED:
        probe = probe_video(realdata / "videos" / name)
        image = next(read_frames(probe, ALL, 1.0, "pyav"))[1]
        assert image.shape[:2] == ((568, 320) if "180" not in name else (320, 568))
    probe = probe_video(realdata / "videos" / "decord_rot_180.mov")
    for (_, a), (_, b) in zip(read_frames(probe, ALL, 30, "decord"), read_frames(probe, ALL, 30, "pyav"), strict=True):
        np.testing.assert_allclose(a.astype(int), b, atol=2)


def test_real_damaged_slice_is_reported(realdata):
    probe = probe_video(realdata / "grid_s1" / "videos" / "sgib8n.mpg")
    damage = Damage()
    assert len(list(read_frames(probe, ALL, 25.0, "pyav", damage=damage))) == 75
    assert damage.concealed_s == pytest.approx([1.84]) and not damage.holes


def test_real_webm_matches_its_frames(realdata):
    """Frames of Something-Something at 12 per second are the frames of the clips."""
    for path in sorted((realdata / "something_else" / "webm").iterdir())[:3]:
        stored = len(list((realdata / "something_else" / "frames_12fps" / path.stem).iterdir()))
        probe = probe_video(path)
        assert abs(len(list(read_frames(probe, ALL, 12.0, choose_reader(probe, "decord")[0]))) - stored) <= 1
