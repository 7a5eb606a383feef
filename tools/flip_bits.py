"""Flip single bits in the artefacts of a finished run and read each damaged file as the workflow does: who notices?

    python tools/flip_bits.py results --flips 300

Works on a copy. Every flip is read in a process of its own and ends in one of these classes:

named      one sentence with the file's name (a training state: set aside, and the log says so)
harmless   what the reader hands on is what was written: the bit is padding, or text that nobody reads
silent     other content, and no word
traceback, signal, hang, other    an error without the file's name is `other`

The exit code is 1 if any flip ended in another class than the first two. Half of the flips fall on any bit of a file,
half on the first and last 4 kB, where formats keep what tells them where everything lies.
"""

import argparse
import hashlib
import json
import logging
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egokd.datasets.segments import read_segments
from egokd.distillation.logit_files import LogitFile
from egokd.errors import UserError
from egokd.io import read_json
from egokd.media.audio_store import AudioStore
from egokd.media.frame_store import FrameStore
from egokd.media.objects import ObjectStore
from egokd.media.skipped import check_skipped, read_skipped
from egokd.models.files import read_description, read_weights
from egokd.sampling.rows import FRAMES_STEP, shard_paths
from egokd.training.state import StateFile

GOOD = ("named", "harmless")
CLASSES = (*GOOD, "silent", "traceback", "signal", "hang", "other")
ENDS = 4096  # bytes at both ends that get half of the flips
PATIENCE_S = 60


def frames(path: Path) -> object:
    store = FrameStore([path])
    columns = ["u", "v"] if store.metadata["kind"] == "flow" else ["image"]
    videos = {video: (store.info(video), store.times(video).tolist()) for video in store.videos}
    total = sum(info["rows"] for info, _ in videos.values())
    return store.metadata, videos, [store.read(row, column) for row in range(total) for column in columns]


def all_segments(path: Path) -> list[str]:
    """Ids of the segments that a store may be asked for."""
    return list(read_segments(path.parents[1] / "annotations.parquet").table["segment_id"])


def audio(path: Path) -> object:
    store = AudioStore([path])
    found = {name: store.waveform(name) for name in all_segments(path) if store.has(name)}
    return {name: (samples.tobytes(), start_s, rate) for name, (samples, start_s, rate) in found.items()}


def boxes(path: Path) -> object:
    store = ObjectStore([path])
    found = {name: store.rows(name) for name in all_segments(path) if store.has(name)}
    return {name: [column.tolist() for column in rows.values()] for name, rows in found.items()}


def segments(path: Path) -> object:
    found = read_segments(path)
    return found.heads, found.source, found.table.to_csv()


def weights(path: Path) -> object:
    return [(name, str(tensor.dtype), tensor.numpy().tobytes()) for name, tensor in sorted(read_weights(path).items())]


def logits(path: Path) -> object:
    file = LogitFile([path])
    ids, every = file.segment_ids, file.all_logits(file.segment_ids)
    single = [file.logits(segment_id, file.views[0]) for segment_id in ids]
    return (
        ids,
        file.views,
        file.metadata,
        file.availability(ids).tolist(),
        _plain(every),
        [_plain(one) for one in single],
    )


def _plain(arrays: dict[str, np.ndarray] | None) -> object:
    return arrays and {name: values.tobytes() for name, values in arrays.items()}


def state(path: Path) -> object:
    found = StateFile(path.parent, json.dumps({"settings": {}})).load()
    if found is None:
        raise UserError(f"{path}: set aside as {[other.name for other in path.parent.glob('*.pt')]}")
    return [(name, value.numpy().tobytes()) for name, value in found["model"].items()], found["step"]


def skipped(path: Path) -> object:
    table = read_skipped(path)
    check_skipped(path, table, read_segments(path.with_name("segments.parquet")).table, (FRAMES_STEP,))
    return table[table["step"] == FRAMES_STEP][["video_id", "segment_id"]].to_csv()


def named_stores(path: Path) -> object:
    """The shards that a list names, opened, as whoever reads the list does."""
    stores = shard_paths([path])
    for store in stores:
        if not store.is_file():
            raise UserError(f"{path}: names {store}, which is not there")
    return [str(store) for store in stores]


@dataclass(frozen=True)
class Kind:
    """A kind of artefact: where its files lie below the results, and what the workflow reads from one of them."""

    pattern: str
    read: Callable[[Path], object]


KINDS = {
    "frames": Kind("data/*/rgb/*.arrow", frames),
    "flow": Kind("data/*/flow/*.arrow", frames),
    "sound": Kind("data/*/audio/*.arrow", audio),
    "boxes": Kind("data/*/obj/*.parquet", boxes),
    "segments": Kind("data/*/*s.parquet", segments),
    "skipped": Kind("data/*/skipped.csv", skipped),
    "shards": Kind("data/*/*/shards.json", named_stores),
    "weights": Kind("models/*/*/*/model.safetensors", weights),
    "description": Kind("models/*/*/*/config.json", lambda path: read_description(path)),
    "state": Kind("state/**/last.pt", state),
    "bank": Kind("bank/**/*.safetensors", logits),
    "predictions": Kind("predictions/**/*.safetensors", logits),
    "ensemble": Kind("ensembles/**/*.json", read_json),
    "metrics": Kind("metrics/**/*.json", read_json),
    "cost": Kind("cost/*.json", read_json),
}


def digest_of(content: object) -> str:
    """A digest of what a reader returned."""
    return hashlib.sha256(pickle.dumps(content)).hexdigest()


def outcome(kind: Kind, path: Path, expected: str) -> tuple[str, str]:
    """(class, message) of reading a file in this process."""
    try:
        same = digest_of(kind.read(path)) == expected
    except UserError as error:
        return ("named" if path.name in str(error) else "other"), str(error)
    except Exception:
        return "traceback", traceback.format_exc()
    return ("harmless" if same else "silent"), ""


def outcome_apart(kind: Kind, path: Path, expected: str) -> tuple[str, str]:
    """The same in a process of its own, which may end by a signal or never."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        with os.fdopen(writer, "w") as out:
            json.dump(outcome(kind, path, expected), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        found, message = json.loads(text)
        return found, message
    number = os.WTERMSIG(status)
    return ("hang" if number == signal.SIGALRM else "signal"), signal.Signals(number).name


def choose_bit(size: int, draw: random.Random) -> int:
    """A bit of a file of `size` bytes."""
    byte = draw.randrange(size)
    if size > 2 * ENDS and draw.random() < 0.5:
        byte = draw.randrange(2 * ENDS)
        byte = byte if byte < ENDS else size - 2 * ENDS + byte
    return 8 * byte + draw.randrange(8)


def flipped(content: bytes, bit: int) -> bytes:
    """The bytes with one bit the other way round."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def add_state(results: Path) -> None:
    """A training state, as training writes it: a finished run has none left."""
    model = next(iter(sorted(results.glob(KINDS["weights"].pattern))))
    folder = results / "state" / "flips"
    StateFile(folder, json.dumps({"settings": {}})).save({"model": read_weights(model), "step": 3})


def flip_all(results: Path, flips: int, seed: int, judge: Callable[..., tuple[str, str]]) -> list[dict]:
    """Flip bits in the files of `results`, which are put back each time, kind after kind; one entry for each flip.

    Kinds without a file are left out.
    """
    draw = random.Random(seed)
    files = {name: sorted(results.glob(kind.pattern)) for name, kind in KINDS.items()}
    present = [name for name, found in files.items() if found]
    expected = {path: digest_of(KINDS[name].read(path)) for name in present for path in files[name]}
    entries = []
    for number in range(flips):
        name = present[number % len(present)]
        path = draw.choice(files[name])
        content = path.read_bytes()
        bit = choose_bit(len(content), draw)
        path.write_bytes(flipped(content, bit))
        found, message = judge(KINDS[name], path, expected[path])
        path.write_bytes(content)
        entries.append({"kind": name, "file": str(path), "bit": bit, "class": found, "message": message})
    return entries


def as_markdown(entries: list[dict]) -> str:
    """Counts of classes by kind, and of all kinds."""
    rows = {name: Counter(entry["class"] for entry in entries if entry["kind"] == name) for name in KINDS}
    rows = {name: counts for name, counts in rows.items() if counts}
    rows["all"] = sum(rows.values(), Counter())
    lines = [f"| kind | flips | {' | '.join(CLASSES)} |", "|---" + "|---:" * (1 + len(CLASSES)) + "|"]
    for name, counts in rows.items():
        lines.append(f"| {name} | {counts.total()} | {' | '.join(str(counts[each]) for each in CLASSES)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="of a finished run; it is copied")
    parser.add_argument("--flips", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="write every flip as JSON")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "results"
        shutil.copytree(args.results, copy)
        add_state(copy)
        os.chdir(folder)  # lists of shards name them from here
        entries = flip_all(Path("results"), args.flips, args.seed, outcome_apart)
    if args.log:
        args.log.write_text(json.dumps(entries, indent=1))
    print(as_markdown(entries))
    bad = [entry for entry in entries if entry["class"] not in GOOD]
    for entry in bad[:10]:
        print(f"{entry['class']}: bit {entry['bit']} of {entry['file']}: {entry['message']}", file=sys.stderr)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
