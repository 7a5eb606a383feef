"""A sample of flipped bits in every kind of artefact: each is named, or changes nothing that is read.

The whole harness, with a process for each flip and the artefacts of a real run, is `make bitflips`.
"""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch

import flip_bits
from egokd.datasets.segments import Segments, write_segments
from egokd.distillation.logit_files import write_logits
from egokd.io import write_json
from egokd.media.audio_writer import audio_writer
from egokd.media.object_writer import write_boxes
from egokd.media.objects import BOX_COLUMNS
from egokd.media.skipped import Skip, write_skipped
from egokd.models.files import save_model
from egokd.steps.index_stores import main as index_stores
from stores import write_frames

IDS = ["v1_0", "v1_1", "v2_0"]
FLIPS = 450


def write_data(data):
    """Segments, stores of each modality, what was skipped and the lists of shards."""
    table = pd.DataFrame({"segment_id": IDS, "video_id": ["v1", "v1", "v2"], "label": [0, 1, 0], "start_s": 0.5})
    for name in ("annotations", "segments"):
        write_segments(data / f"{name}.parquet", Segments(table, {"label": ["take", "put"]}, "demo"))
    write_frames(data / "rgb/0.arrow", {"v1": [0.0, 0.1], "v2": [0.0]}, metadata={"kind": "rgb", "frame_rate": 10.0})
    write_frames(data / "flow/0.arrow", {"v1": [0.0, 0.1]}, ("u", "v"), {"kind": "flow", "frame_rate": 10.0})
    with audio_writer(data / "audio/0.arrow", 100, 0.5) as add:
        add(IDS[0], 1.25, np.arange(50, dtype=np.int16))
        add(IDS[1], 0.0, None)
    box = {**dict.fromkeys(BOX_COLUMNS, 1), "segment_id": IDS[2], "category": "hand"}
    write_boxes(data / "obj/0.parquet", [pd.DataFrame([box])])
    write_skipped(data / "skipped.csv", [Skip("v2", IDS[2], "extract_frames", "cut off, really")])
    for store in ("rgb/0.arrow", "audio/0.arrow"):
        index_stores(["--stores", str(data / store), "--out", str((data / store).with_name("shards.json"))])


def write_models(results):
    """Weights and what is made with them."""
    torch.manual_seed(0)
    description = {"net": "small", "modality": "rgb", "heads": {}, "num_frames": 1, "size": 1, "options": {}}
    save_model(results / "models/x/baseline_rgb/seed0/model.safetensors", torch.nn.Linear(3, 2), description)
    random = np.random.default_rng(0)
    for place, dtype in (("bank/x/rgb/seed0/0-1.0-of-1", "float16"), ("predictions/x/rgb/seed0/val-1x1", "float32")):
        chunks = [(np.array([0, 2]), np.array([v, v]), {"label": random.normal(size=(2, 2))}) for v in (0, 1)]
        available = np.array([True, False, True])
        write_logits(results / f"{place}.safetensors", IDS, [0, 1], {"label": 2}, available, chunks, {}, dtype)
    for place in ("ensembles/x/heldout/seed0", "metrics/x/baseline_rgb/seed0/1x1", "cost/x"):
        write_json(results / f"{place}.json", {"weights": {"rgb": 0.625, "flow": 0.375}}, sealed=True)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """One small artefact of each kind."""
    monkeypatch.chdir(tmp_path)
    results = flip_bits.Path("results")
    write_data(results / "data/x")
    write_models(results)
    flip_bits.add_state(results)
    return results


def test_every_flip_is_named_or_changes_nothing(results):
    entries = flip_bits.flip_all(results, FLIPS, 0, flip_bits.outcome)
    assert [entry for entry in entries if entry["class"] not in flip_bits.GOOD] == []
    counts = Counter((entry["kind"], entry["class"]) for entry in entries)
    assert {kind for kind, _ in counts} == set(flip_bits.KINDS)
    named = {kind for kind, found in counts if found == "named"}
    assert named == set(flip_bits.KINDS)  # of every kind, some are
    # files that carry the sum of all of their bytes
    for kind in ("boxes", "segments", "weights", "description", "ensemble", "metrics", "cost"):
        assert counts[kind, "named"] >= 0.8 * FLIPS / len(flip_bits.KINDS)


def test_a_file_that_ends_early_is_named(results):
    for name, kind in flip_bits.KINDS.items():
        if name == "skipped":
            continue  # one that ends after a row looks whole: Snakemake's record of its output is what remains
        path = sorted(results.glob(kind.pattern))[0]
        content = path.read_bytes()
        expected = flip_bits.digest_of(kind.read(path))
        for length in (0, 1, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:length])
            found, message = flip_bits.outcome(kind, path, expected)
            assert found == "named" or (found == "harmless" and length == len(content) - 1), (name, length, message)
            path.write_bytes(content)


@pytest.mark.parametrize("how", ["signal", "hang", "traceback", "silent", "named", "harmless"])
def test_the_harness_sees_what_happens_in_a_process_of_its_own(tmp_path, monkeypatch, how):
    monkeypatch.setattr(flip_bits, "PATIENCE_S", 1)

    def read(path):
        if how == "signal":
            flip_bits.os.kill(flip_bits.os.getpid(), flip_bits.signal.SIGKILL)
        if how == "hang":
            flip_bits.signal.pause()
        if how == "traceback":
            raise KeyError("x")
        if how == "named":
            raise flip_bits.UserError(f"{path}: damaged")
        return "other" if how == "silent" else "content"

    kind = flip_bits.Kind("*", read)
    found, message = flip_bits.outcome_apart(kind, tmp_path / "a", flip_bits.digest_of("content"))
    assert found == how and (how != "signal" or message == "SIGKILL")


def test_a_flip_changes_one_bit_and_ends_are_hit_more_often():
    assert flip_bits.flipped(b"\x00\x01", 8) == b"\x00\x00"
    draw = flip_bits.random.Random(0)
    bits = [flip_bits.choose_bit(10**6, draw) for _ in range(400)]
    ends = [bit for bit in bits if not 8 * 4096 <= bit < 8 * (10**6 - 4096)]
    assert 150 < len(ends) < 260 and max(bits) < 8 * 10**6
