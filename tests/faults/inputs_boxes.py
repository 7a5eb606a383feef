"""Boxes: hostile files of the layout of Something-Else, and of the official detections of EPIC-KITCHENS."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

from egokd.media.hand_object_proto import detections_class
from hostile import RIGHT, SENTENCE, SKIP, Case, Plan, Table, copy_templates, data_plan
from results_of import all_of, boxes_of, skipped_rows, stored

PART = "bounding_box_smthsmth_part1.json"
SIX = [str(n) for n in range(6)]
PER_VIDEO = 40  # rows of a whole video: two boxes in each of its 20 annotated frames


def large(text: bytes | str | Callable[[str], str | bytes], verify: Callable | None = None) -> Callable[[Path], Plan]:
    """Something-Else with its file of boxes made anew, or changed."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "something")
        path = root / PART
        new = text(path.read_text()) if callable(text) else text
        path.write_bytes(new if isinstance(new, bytes) else new.encode("utf-8", "surrogatepass"))
        return data_plan(root, "something_something", {}, verify or stored(SIX), boxes="index")

    return make


def lost(video: str, reason: str = "") -> Callable[[], str | None]:
    """A check that the boxes of `video` are recorded as skipped, and those of the others are there."""

    def verify() -> str | None:
        rows = skipped_rows("obj/0.skipped.csv")
        if rows["video_id"].tolist() != [video] or not rows["reason"].str.contains(reason).all():
            return f"skipped {rows.values.tolist()}, expected video {video} because of {reason!r}"
        return None

    return verify


def _whole_file(table: Table) -> None:
    def bad(name: str, text: bytes | str | Callable[[str], str | bytes], says: str = "") -> None:
        table.add(f"large file {name}", large(text), SENTENCE, rf"part1\.json: .*{says}")

    bad("empty", "", "empty")
    bad("of blanks", " \n\n", "empty|expected")
    bad("cut in the middle", lambda t: t[: len(t) // 2], "cut off|damaged")
    bad("cut behind a brace", lambda t: t[: t.rindex("}", 0, len(t) // 2) + 1], "cut off|damaged|followed")
    bad("cut behind a video", lambda t: t[: t.index(', "3"')], "cut off|damaged")
    bad("one byte short", lambda t: t[:-1], "cut off|damaged")
    bad("in UTF-16", lambda t: t.encode("utf-16"), "UTF-8")
    bad("in UTF-16 without mark", lambda t: t.encode("utf-16-be"), "UTF-8|expected")
    bad("that is a list", "[1, 2, 3]", "expected")
    bad("that is a list of objects", '[{"0": [1]}]', "expected")
    bad("without videos", "{}", "no videos")
    bad("with something else", '{"version": 2}', "no videos|expected")
    bad("with text behind", lambda t: t + " and more }", "followed|damaged")
    bad("with a stray comma", lambda t: t.replace("]}, {", "]},, {", 1), "damaged|followed")
    bad("with a bad key", lambda t: t.encode().replace(b'"3":', b'"\xff":', 1), "UTF-8")
    bad("that is a web page", "<html>404</html>", "expected")
    bad("of zeros", bytes(10000), "UTF-8|expected")
    bad("deeply nested", '{"0": ' + "[" * 100000 + "]" * 100000 + "}", "damaged|nested|expected")
    bad("never closed", '{"0": [' * 2000, "cut off|damaged")
    bad("with a video twice", lambda t: t[:-1] + ', "0": []}', "twice")
    right = all_of(stored(SIX), boxes_of(**dict.fromkeys("01234", PER_VIDEO)))
    table.add("large file with a mark", large(lambda t: "\ufeff" + t, right), RIGHT)
    table.add("large file on many lines", large(lambda t: json.dumps(json.loads(t), indent=3), right), RIGHT)
    table.add(
        "large file without blanks", large(lambda t: json.dumps(json.loads(t), separators=(",", ":")), right), RIGHT
    )


def _frames(table: Table) -> None:
    def frame(name: str, change: Callable[[dict], None], outcome: str, check: Callable[[], str | None]) -> None:
        def text(old: str) -> str:
            videos = json.loads(old)
            change(videos)
            return json.dumps(videos)

        table.add(f"boxes {name}", large(text, check), outcome)

    def box(**sides: object) -> Callable[[dict], None]:
        return lambda videos: videos["1"][2]["labels"][0]["box2d"].update(sides)

    damaged = lost("1", "layout")
    frame("with text for a number", box(x1="left"), SKIP, damaged)
    frame("with null for a number", box(x1=None), SKIP, damaged)
    frame("beyond floats", box(x1=10**400), SKIP, damaged)
    frame("infinite", box(x1=float("inf")), SKIP, damaged)
    frame("nan", box(y2=float("nan")), SKIP, damaged)
    frame("without a side", lambda v: v["1"][2]["labels"][0]["box2d"].pop("x1"), SKIP, damaged)
    frame("without box2d", lambda v: v["1"][2]["labels"][0].pop("box2d"), SKIP, damaged)
    frame("that are a list", lambda v: v["1"][2]["labels"].append([1, 2]), SKIP, damaged)
    frame("without labels", lambda v: v["1"][2].pop("labels"), SKIP, damaged)
    frame("without name", lambda v: v["1"][2].pop("name"), SKIP, damaged)
    frame("with a name that is a number", lambda v: v["1"][2].update(name=7), SKIP, damaged)
    frame("with a name without a number", lambda v: v["1"][2].update(name="1/first.jpg"), SKIP, damaged)
    frame("with a frame of null", lambda v: v["1"].append(None), SKIP, damaged)
    frame("of a video without any", lambda v: v.update({"5": []}), RIGHT, stored(SIX))
    far = {"1": PER_VIDEO}
    frame(
        "with frame 10^12",
        lambda v: v["1"].append({**v["1"][0], "name": "1/1000000000000.jpg"}),
        RIGHT,
        boxes_of(**far),
    )
    frame(
        "with a frame of 400 digits",
        lambda v: v["1"].append({**v["1"][0], "name": f"1/{'9' * 400}.jpg"}),
        SKIP,
        lost("1"),
    )
    frame("outside the picture", box(x1=-1e9, x2=1e9), RIGHT, boxes_of(**{"1": PER_VIDEO}))


def detections(change: Callable[[list[bytes]], object], raw: bool = False) -> Callable[..., Callable[[Path], Plan]]:
    """EPIC-KITCHENS with the detections of P01_02 made anew: `change` gives the pickled object, or the bytes."""

    def with_check(verify: Callable[[], str | None]) -> Callable[[Path], Plan]:
        def make(folder: Path) -> Plan:
            root = copy_templates(folder, "epic")
            path = root / "P01" / "hand-objects" / "P01_02.pkl"
            new = change(pickle.loads(path.read_bytes()))
            path.write_bytes(new if raw else pickle.dumps(new, protocol=4))  # type: ignore[arg-type]
            return data_plan(root, "epic100", {}, verify, boxes="files")

        return make

    return with_check


class _Runs:
    """A pickle that would start a program."""

    def __reduce__(self) -> tuple:
        import os

        return os.system, ("touch started",)


def _spoilt(state: int = 3, side: int = 1, left: float = 0.1, hands: int = 1) -> bytes:
    found = detections_class()()
    for _ in range(hands):
        hand = found.hands.add(score=0.9, state=state, side=side)
        hand.bbox.left, hand.bbox.top, hand.bbox.right, hand.bbox.bottom = left, 0.2, 0.4, 0.5
    return found.SerializeToString()


def _pickles(table: Table) -> None:
    def bad(name: str, change: Callable, reason: str = "", raw: bool = False) -> None:
        table.add(f"pickle {name}", detections(change, raw)(lost("P01_02", reason)), SKIP)

    def right(name: str, message: bytes) -> None:
        table.add(
            f"detections {name}", detections(lambda m: [message, *m[1:]])(stored(["P01_01", "P01_02", "P01_03"])), RIGHT
        )

    bad("empty", lambda m: b"", "truncated", raw=True)
    bad("cut off", lambda m: pickle.dumps(m, protocol=4)[:-200], "truncated", raw=True)
    bad("of zeros", lambda m: bytes(500), "truncated", raw=True)
    bad("that runs a program", lambda m: [_Runs()], "refused")
    bad("of a class", lambda m: [pickle.PickleError("x")], "refused")
    bad("of a dictionary", lambda m: {"a": m}, "expected a list of bytes")
    bad("of text", lambda m: ["a"] * 60, "expected a list of bytes")
    bad("of numbers", lambda m: [1, 2], "expected a list of bytes")
    bad(
        "that claims 2^62 bytes",
        lambda m: b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
        "truncated",
        raw=True,
    )
    bad("of nested tuples", lambda m: b"(" * 100000 + b"t" * 100000 + b".", "", raw=True)
    bad("of a long put", lambda m: b"\x80\x02]r\xff\xff\xff\x7f.", "", raw=True)
    bad("with damaged messages", lambda m: [b"\xff\xff\xff"] * 60, "damaged")
    bad("that is a web page", lambda m: b"<html>404</html>", "truncated", raw=True)
    right("with a state of 77", _spoilt(state=77))
    right("with a side of -5", _spoilt(side=-5))
    right("with an infinite corner", _spoilt(left=float("inf")))
    right("with a nan corner", _spoilt(left=float("nan")))
    right("of ten thousand hands", _spoilt(hands=10000))
    right("with unknown fields", b"\xf8\x3f\x01" + _spoilt())
    short = detections(lambda m: m[:3])(stored(["P01_01", "P01_02", "P01_03"]))
    table.add("detections of three frames only", short, RIGHT)
    none = detections(lambda m: [])(stored(["P01_01", "P01_02", "P01_03"]))
    table.add("detections of no frame", none, RIGHT)

    def gone(folder: Path) -> Plan:
        root = copy_templates(folder, "epic")
        (root / "P01" / "hand-objects" / "P01_02.pkl").unlink()
        return data_plan(root, "epic100", {}, lost("P01_02", "no such file"), boxes="files")

    def directory(folder: Path) -> Plan:
        plan = gone(folder)
        (folder / "data" / "P01" / "hand-objects" / "P01_02.pkl").mkdir()
        plan.verify = lost("P01_02")
        return plan

    table.add("pickle missing", gone, SKIP)
    table.add("pickle that is a folder", directory, SKIP)


def cases() -> list[Case]:
    tables = [Table("boxes as JSON"), Table("detections")]
    _whole_file(tables[0])
    _frames(tables[0])
    _pickles(tables[1])
    return [case for table in tables for case in table.cases]
