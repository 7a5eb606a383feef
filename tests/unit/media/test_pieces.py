"""A video in pieces is read as one: the same frames and sound, wherever they are; holes cost what they touch."""

import numpy as np
import pandas as pd
import pytest

from egokd.media.audio import add_video, read_audio, read_pieces
from egokd.media.audio_store import AudioStore
from egokd.media.audio_writer import audio_writer
from egokd.media.errors import MediaError
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.frames import FrameExtractor
from egokd.media.header import read_header, whole_source
from egokd.media.images import decode_rgb, encode_rgb
from egokd.media.pieces import find_holes
from egokd.media.sources import FrameFiles, Pieces, VideoFile, moving
from media_files import barcode, make_video, read_barcode

RATE, FRAMES, STEP, SOUND = 25, 120, 2, 16000
CLICKS = (0.5, 1.95, 2.4, 3.9, 4.3)  # seconds; the video is 4.8 s long
ROWS = {"inside": (0.2, 1.5), "first border": (1.4, 2.6), "second border": (3.0, 4.5), "all": (0.1, 4.7)}


def sound():
    """int16: silence with loud 5 ms tones at `CLICKS`."""
    samples = np.zeros(int(FRAMES / RATE * SOUND), np.int16)
    for second in CLICKS:
        at = round(second * SOUND)
        samples[at : at + 80] = (20000 * np.sin(np.arange(80) * 0.8)).astype(np.int16)
    return samples


def cut(folder, silent=(), step=STEP):
    """The barcode video in pieces of `step` s; those that begin at a second in `silent` have no sound."""
    folder.mkdir()
    for start in range(0, 5, step):
        first, samples = start * RATE, sound()[start * SOUND : (start + step) * SOUND]
        make_video(
            folder / f"{start}.MP4", frames=min(step * RATE, FRAMES - first), first=first,
            audio=None if start in silent else samples,
        )  # fmt: skip
    return folder


@pytest.fixture
def folder(tmp_path):
    """Frames 0 to 49, 50 to 99, and 100 to 119, in three files."""
    return cut(tmp_path / "P01_01.MP4")


def rows(spans=ROWS):
    table = pd.DataFrame(spans.values(), columns=["start_s", "stop_s"])
    return table.assign(segment_id=list(spans), video_id="v")


def frames(tmp_path, source, frame_rate=10.0, reader="decord", spans=ROWS):
    """(time -> number on the stored frame, info, {segment: reason} of the skipped)."""
    with StoreWriter(tmp_path / "frames.arrow", ("image",), {"frame_rate": frame_rate}) as writer:
        extractor = FrameExtractor(writer, reader, frame_rate, 64, 92, 1)
        given = list(extractor.add_video("v", source, rows(spans)))
    skips = {skip.segment_id: skip.reason for skip in extractor.skips}
    store = FrameStore([tmp_path / "frames.arrow"])
    if "v" not in store.videos:
        return {}, {}, skips
    times = store.times("v").tolist()
    assert times == given
    pictures = {time: read_barcode(decode_rgb(store.read(row))) for row, time in enumerate(times)}
    return pictures, store.info("v"), skips


def audio(tmp_path, path, spans=ROWS):
    """(store, {segment: reason} of the skipped, whether there was sound)."""
    with audio_writer(tmp_path / "sound.arrow", SOUND, 0.25) as add:
        skips, heard = add_video(add, "v", path, rows(spans), SOUND, 0.25)
    return AudioStore([tmp_path / "sound.arrow"]), {skip.segment_id: skip.reason for skip in skips}, heard


def heard_at(store, segment_id):
    """Video times of the clicks in a stored waveform."""
    samples, start_s, rate = store.waveform(segment_id)
    loud = np.flatnonzero(np.abs(samples) > 0.15)
    begins = loud[np.diff(loud, prepend=-rate) > rate // 10]
    return (start_s + begins / rate).tolist()


def test_a_folder_of_pieces_is_found_by_its_files(folder, tmp_path):
    (folder / "thumbnail.jpg").touch()
    (folder / "._2.MP4").touch()
    found = moving(folder)
    assert isinstance(found, Pieces)
    assert [(start, file.name) for start, file in found.files] == [(0, "0.MP4"), (2, "2.MP4"), (4, "4.MP4")]
    assert moving(folder / "0.MP4") == VideoFile(folder / "0.MP4")
    assert moving(tmp_path / "nothing") is None and moving(tmp_path) is None and moving(None) is None


@pytest.mark.parametrize(("frame_rate", "reader"), [(12.5, "decord"), (25.0, "decord"), (10.0, "pyav"), (60.0, "pyav")])
def test_the_same_frames_as_in_one_file(folder, tmp_path, frame_rate, reader):
    whole = make_video(tmp_path / "whole.mp4", frames=FRAMES)
    expected, _, _ = frames(tmp_path, VideoFile(whole), frame_rate, reader)
    pictures, info, skips = frames(tmp_path, moving(folder), frame_rate, reader)
    assert pictures == expected and not skips and len(pictures) > 4.6 * frame_rate
    assert (info["reader"], info["reader_reason"], info["width"], info["height"]) == (
        "pieces", f"pieces read with: {reader} 3", 128, 64
    )  # fmt: skip
    assert info["duration_s"] == pytest.approx(4.8)


def test_pieces_of_another_rate_give_the_frame_nearest_in_time(tmp_path):
    (tmp_path / "v").mkdir()
    make_video(tmp_path / "v" / "0.mp4", frames=60, rate=30)
    make_video(tmp_path / "v" / "2.mp4", frames=30, rate=30, first=60)
    pictures, _, _ = frames(tmp_path, moving(tmp_path / "v"), 25.0, spans={"all": (0.0, 3.0)})
    assert list(pictures.values()) == [int(np.ceil(k * 30 / 25 - 0.5)) for k in range(75)]


def test_what_a_piece_holds_beyond_the_start_of_the_next_is_not_used(tmp_path):
    (tmp_path / "v").mkdir()
    make_video(tmp_path / "v" / "0.mp4", frames=60, audio=sound()[: int(2.4 * SOUND)])  # 2.4 s in place of 2
    make_video(tmp_path / "v" / "2.mp4", frames=50, first=500, audio=sound()[2 * SOUND : 4 * SOUND])
    pictures, _, skips = frames(tmp_path, moving(tmp_path / "v"), 25.0, spans={"all": (0.0, 4.0)})
    assert list(pictures.values()) == [*range(50), *range(500, 550)] and not skips
    store, skips, _ = audio(tmp_path, tmp_path / "v", {"all": (0.0, 4.0)})
    assert heard_at(store, "all") == pytest.approx([0.5, 1.95, 2.4, 3.9], abs=0.004) and not skips


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        ("0.MP4", {"inside", "first border", "all"}),
        ("2.MP4", {"first border", "second border", "all"}),
        ("4.MP4", {"second border", "all"}),
    ],
)
def test_a_missing_piece_is_a_recorded_skip_of_the_segments_that_touch_it(folder, tmp_path, missing, lost):
    (folder / missing).unlink()
    begin = int(missing[0]) * RATE
    pictures, _, skips = frames(tmp_path, moving(folder), 25.0)
    assert set(skips) == lost
    assert list(pictures.values()) == [n for n in range(2, 119) if not begin <= n < begin + STEP * RATE]
    store, skips, heard = audio(tmp_path, folder)
    assert heard and set(skips) == lost
    for name, (start, stop) in ROWS.items():
        assert store.has(name) == (name not in lost)
        if name not in lost:
            around = [click for click in CLICKS if start - 0.25 <= click < stop + 0.25]
            wanted = [click for click in around if not begin / RATE <= click < begin / RATE + STEP]
            assert heard_at(store, name) == pytest.approx(wanted, abs=0.004)


def test_the_reason_says_what_is_missing(folder, tmp_path):
    (folder / "2.MP4").unlink()
    _, _, skips = frames(tmp_path, moving(folder))
    assert skips["all"] == f"{folder}: no piece holds 2.00 to 4 s"
    (folder / "4.MP4").unlink()
    _, _, skips = frames(tmp_path, moving(folder))
    assert skips["all"] == f"{folder}: the last piece ends at 2.00 s"
    assert set(skips) == {"first border", "second border", "all"}


@pytest.mark.parametrize("damage", ["empty", "cut off", "noise"])
def test_a_damaged_piece_costs_the_segments_that_touch_it(folder, tmp_path, damage):
    path = folder / "2.MP4"
    data = path.read_bytes()
    noise = np.random.default_rng(0).bytes(len(data))
    path.write_bytes({"empty": b"", "cut off": data[: len(data) // 2], "noise": noise}[damage])
    pictures, _, skips = frames(tmp_path, moving(folder), 25.0)
    assert set(skips) == {"first border", "second border", "all"} and str(path) in skips["all"]
    assert list(pictures.values()) == [*range(2, 50), *range(100, 119)]
    store, skips, _ = audio(tmp_path, folder)
    assert store.has("inside") and set(skips) == {"first border", "second border", "all"}
    assert [hole.start_s for hole in read_header(moving(folder)).holes] == pytest.approx([2.0, 4.9])


def test_packets_that_do_not_decode_cost_less_than_their_piece(folder, tmp_path):
    """The header is whole and the packets are there; some of the second piece are zeroed."""
    path = folder / "2.MP4"
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + len(data) // 3
    data[begin : begin + 400] = bytes(400)
    path.write_bytes(data)
    pictures, _, skips = frames(tmp_path, moving(folder), 25.0, "pyav", ROWS | {"late": (4.1, 4.6)})
    assert "inside" not in skips and "late" not in skips
    assert set(range(2, 50)) | set(range(100, 119)) <= set(pictures.values())


def test_nothing_readable(folder, tmp_path):
    for path in folder.iterdir():
        path.write_bytes(b"")
    pictures, _, skips = frames(tmp_path, moving(folder))
    assert not pictures and list(skips) == [""] and "0.MP4" in skips[""]
    store, skips, heard = audio(tmp_path, folder)
    assert not heard and list(skips) == [""] and not store.has("inside")


def test_clicks_land_on_their_seconds_on_both_sides_of_a_border(folder, tmp_path):
    store, skips, heard = audio(tmp_path, folder)
    assert heard and not skips
    assert heard_at(store, "all") == pytest.approx(CLICKS, abs=0.004)
    assert heard_at(store, "first border") == pytest.approx([1.95, 2.4], abs=0.004)
    whole = make_video(tmp_path / "whole.mp4", frames=FRAMES, audio=sound())
    intervals = np.array([[0.3, 2.5], [1.99, 4.7], [4.0, 6.0]])
    (joined, end_s, _), (cuts, whole_end_s) = (
        read_pieces(moving(folder), intervals, 24000), read_audio(whole, intervals, 24000)
    )  # fmt: skip
    assert [len(wave) for wave in joined] == [len(wave) for wave in cuts]
    assert end_s == pytest.approx(whole_end_s, abs=0.08)


def test_sound_in_some_pieces_or_in_none(tmp_path):
    store, skips, heard = audio(tmp_path, cut(tmp_path / "some", silent=(2,)))
    assert heard and set(skips) == {"first border", "second border", "all"} and store.has("inside")
    assert skips["all"] == f"{tmp_path / 'some' / '2.MP4'}: has no sound, other pieces do"
    store, skips, heard = audio(tmp_path, cut(tmp_path / "none", silent=(0, 2, 4)))
    assert not heard and not skips and not store.has("inside")


def test_header_of_the_whole(folder):
    header = read_header(moving(folder))
    assert (header.width, header.height, header.has_audio, header.frames) == (128, 64, True, FRAMES)
    assert header.duration_s == pytest.approx(4.8)
    assert [(hole.start_s, hole.stop_s) for hole in header.holes] == [(pytest.approx(4.9), np.inf)]


def test_holes_by_hand(tmp_path):
    source = Pieces(tmp_path, tuple((start, tmp_path / f"{start}.MP4") for start in (15, 30, 60, 75)))
    bad = MediaError("unreadable")
    holes, end_s = find_holes(source, [15.0, 15.2, bad, 7.0])
    assert end_s == 82.0
    assert [(hole.start_s, hole.stop_s) for hole in holes] == [(0, 15), (45.2, 60), (60, 75), (82.1, np.inf)]
    holes, end_s = find_holes(source, [14.8, 15.0, 15.0, bad])
    assert (end_s, holes[-2].reason, holes[-2].start_s, holes[-2].stop_s) == (75.0, "unreadable", 75, np.inf)
    with pytest.raises(MediaError, match="unreadable"):
        find_holes(source, [bad] * 4)


def test_half_unpacked_frames_do_not_hide_the_pieces_beside_them(folder, tmp_path):
    images = tmp_path / "rgb_frames"
    images.mkdir()
    for number in range(1, 31):
        (images / f"frame_{number:010d}.jpg").write_bytes(encode_rgb(barcode(number - 1), (128, 64), 95))
    source = FrameFiles(images, 25.0, video=folder)
    assert whole_source(source)[0] == moving(folder)
    pictures, _, skips = frames(tmp_path, source, 25.0)
    assert list(pictures.values()) == list(range(2, 119)) and not skips
    for number in range(31, FRAMES + 1):
        (images / f"frame_{number:010d}.jpg").write_bytes(encode_rgb(barcode(number - 1), (128, 64), 95))
    (folder / "4.MP4").unlink()  # the frames are whole, the pieces are not
    assert whole_source(source)[0] == source
