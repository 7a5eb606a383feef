"""Damaged stores: opening touches no frame, a damaged row is named when it is read, and nothing ends by a signal."""

import json
import logging
import os
import signal

import numpy as np
import pyarrow as pa
import pytest

from egokd import checksums
from egokd.errors import UserError
from egokd.io import METADATA_KEY
from egokd.media.arrow_checks import SUFFIX
from egokd.media.audio_store import AudioStore
from egokd.media.audio_writer import audio_writer
from egokd.media.frame_store import FrameStore
from stores import write_frames

TIMES = [0.0, 0.1, 0.2]
FLIPS = 200


def write_sound(path):
    with audio_writer(path, 100, 0.5) as add:
        add("s0", 1.25, np.arange(500, dtype=np.int16))
        add("s1", 0.0, None)
        add("s2", 0.0, np.arange(500, 900, dtype=np.int16))


def as_before(path):
    """Write a store again as it was written before there were checksums."""
    table = pa.ipc.open_file(str(path)).read_all()
    metadata = json.loads(table.schema.metadata[METADATA_KEY])
    del metadata["checksum"]
    table = table.drop_columns([name for name in table.column_names if name.endswith(SUFFIX)])
    schema = table.schema.with_metadata({METADATA_KEY: json.dumps(metadata)})
    with pa.ipc.new_file(str(path), schema) as writer:
        writer.write_table(table.cast(schema))


def flip(path, place, bit=2):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_a_damaged_frame_is_named_when_it_is_read_and_the_others_are_read(tmp_path):
    path = write_frames(tmp_path / "results/data/epic/rgb/0.arrow", {"v1": TIMES, "v2": TIMES})
    flip(path, path.read_bytes().index(b"v2/image/0.1"))
    store = FrameStore([path])
    assert store.times("v2").tolist() == TIMES
    assert store.read(3) == b"v2/image/0" and store.read(5) == b"v2/image/0.2"
    with pytest.raises(
        UserError, match=r"rgb/0\.arrow: damaged \(row 4 of column image .*rule extract_frames makes it"
    ):
        store.read(4)


def test_damaged_times_are_named_before_they_choose_a_frame(tmp_path):
    path = write_frames(tmp_path / "0.arrow", {"v1": TIMES})
    flip(path, path.read_bytes().index(np.array(TIMES).tobytes()) + 14)
    with pytest.raises(UserError, match=r"0\.arrow: damaged \(times, ids or places in record batch 0"):
        FrameStore([path]).times("v1")


def test_damaged_metadata_is_named(tmp_path):
    path = write_frames(tmp_path / "0.arrow", {"v1": TIMES})
    flip(path, path.read_bytes().rindex(b'"width": 8') + 9)
    with pytest.raises(UserError, match=r"0\.arrow: damaged \(its content does not match its checksum"):
        FrameStore([path]).info("v1")


def test_damaged_sound_and_ids_are_named(tmp_path):
    write_sound(tmp_path / "0.arrow")
    whole = (tmp_path / "0.arrow").read_bytes()
    flip(tmp_path / "0.arrow", whole.index(np.arange(500, 520, dtype="<i2").tobytes()))
    store = AudioStore([tmp_path / "0.arrow"])
    assert store.has("s2") and len(store.waveform("s0")[0]) == 500
    with pytest.raises(UserError, match=r"0\.arrow: damaged \(the sound of segment 's2'"):
        store.waveform("s2")
    (tmp_path / "0.arrow").write_bytes(whole)
    flip(tmp_path / "0.arrow", whole.index(b"s0s1s2"))
    with pytest.raises(UserError, match="record batch 0 do not match"):  # and not: this segment has no sound
        AudioStore([tmp_path / "0.arrow"]).has("s0")


def test_stores_from_before_are_read_and_the_log_says_that_nothing_was_checked(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(checksums, "_unchecked", set())
    path = write_frames(tmp_path / "0.arrow", {"v1": TIMES})
    write_sound(tmp_path / "1.arrow")
    new = AudioStore([tmp_path / "1.arrow"]).waveform("s2")[0]
    as_before(path)
    as_before(tmp_path / "1.arrow")
    with caplog.at_level(logging.INFO, "egokd"):
        frames, sound = FrameStore([path]), AudioStore([tmp_path / "1.arrow"])
        assert frames.read(1) == b"v1/image/0.1" and frames.times("v1").tolist() == TIMES
        assert np.array_equal(sound.waveform("s2")[0], new) and not sound.has("s1")
    assert caplog.text.count("made before stores had checksums") == 1


def test_old_and_new_shards_are_one_store(tmp_path):
    paths = [write_frames(tmp_path / f"{name}.arrow", {name: TIMES}) for name in ("a", "b")]
    as_before(paths[0])
    assert FrameStore(paths).read(4) == b"b/image/0.1"


def test_a_store_without_videos_is_guarded_too(tmp_path):
    path = write_frames(tmp_path / "0.arrow", {})
    assert FrameStore([path]).videos == []


def test_the_same_frames_give_the_same_bytes(tmp_path):
    one, two = (write_frames(tmp_path / name, {"v1": TIMES}).read_bytes() for name in ("a", "b"))
    assert one == two


@pytest.mark.parametrize("before", [False, True])
def test_no_flip_ends_a_process_by_a_signal(tmp_path, before):
    """Of a store with checksums each flip also is named or changes nothing; one from before may be read wrong."""
    path = write_frames(tmp_path / "0.arrow", {"v1": TIMES, "v2": TIMES})
    if before:
        as_before(path)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(_wrong(path, whole, random, before))
    assert os.waitpid(child, 0)[1] == 0


def _wrong(path, whole, random, before):
    """How many flips (at most 100) were read wrong, or ended in an error that is no sentence."""
    wrong = 0
    for _ in range(FLIPS):
        path.write_bytes(whole)
        flip(path, int(random.integers(len(whole))), int(random.integers(8)))
        try:
            store = FrameStore([path])
            rows = [store.read(row) for row in range(sum(store.info(name)["rows"] for name in store.videos))]
            times = {name: store.times(name).tolist() for name in store.videos}
            same = b"".join(rows) == b"v1/image/0v1/image/0.1v1/image/0.2v2/image/0v2/image/0.1v2/image/0.2"
            wrong += not before and not (same and times == {"v1": TIMES, "v2": TIMES})
        except UserError:
            continue
        except Exception:
            wrong += not before
    return min(wrong, 100)


def test_the_store_that_ended_a_process_is_named(cases):
    store = FrameStore([cases / "faults" / "arrow_rgb_25.arrow"])
    with pytest.raises(UserError, match=r"arrow_rgb_25\.arrow: damaged \(record batch 1 cannot be read"):
        for name in store.videos:
            store.times(name)
