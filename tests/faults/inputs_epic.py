"""EPIC-KITCHENS: hostile CSV tables, tars and folders of frames."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import simplejpeg

from hostile import RIGHT, SENTENCE, SKIP, Case, Plan, Table, copy_templates, data_plan
from results_of import all_of, pictures, stored

THREE = ["P01_01", "P01_02", "P01_03"]
TRAIN, VALIDATION = "EPIC_100_train.csv", "EPIC_100_validation.csv"


def epic(change: Callable[[Path], None], verify: Callable[[], str | None] | None = None) -> Callable[[Path], Plan]:
    """The data folder after `change`."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "epic")
        change(root)
        return data_plan(root, "epic100", {}, verify or stored(THREE, segments=3))

    return make


def swapped(file: str, old: str, new: str) -> Callable[[Path], None]:
    """`change` that replaces text in a table."""

    def change(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text, f"{file} holds no {old!r}"
        (root / file).write_text(text.replace(old, new, 1))

    return change


def _tables(table: Table) -> None:
    def bad(name: str, old: str, new: str, says: str, file: str = TRAIN) -> None:
        table.add(name, epic(swapped(file, old, new)), SENTENCE, says)

    first = "P01_01_0,P01,P01_01,1,30,0,0"
    bad("start_frame 0", first, first.replace(",1,30", ",0,30"), "frames count from 1")
    bad("start_frame negative", first, first.replace(",1,30", ",-4,30"), "frames count from 1")
    bad("reversed", first, first.replace(",1,30", ",30,1"), "reversed")
    bad("empty segment", first, first.replace(",1,30", ",30,30"), "empty")
    bad("frame of words", first, first.replace(",30,", ",many,"), "expected a whole number")
    bad("frame as a float", first, first.replace(",30,", ",30.0,"), "expected a whole number")
    bad("frame beyond 64 bits", first, first.replace(",30,", f",{'9' * 25},"), "digits")
    bad("frame in arabic digits", first, first.replace(",30,", ",٣٠,"), "expected a whole number")
    bad("class beyond the last", first, first.replace(",30,0,", ",30,2,"), "verb_class is 2")
    bad("class negative", first, first.replace(",30,0,", ",30,-1,"), "verb_class is -1")
    bad("class beyond 64 bits", first, first.replace(",30,0,", f",30,{'1' * 30},"), "digits")
    bad("class empty", first, first.replace(",30,0,", ",30,,"), "expected a whole number")
    bad("id twice", "P01_02_0,", "P01_01_0,", "occurs twice")
    bad("id in two splits", "P01_03_0,", "P01_01_0,", "also in", VALIDATION)
    bad("id empty", "P01_01_0,", ",", "narration_id is empty")
    bad("video id wrong", "P01,P01_01,", "P01,kitchen1,", "video_id is 'kitchen1'")
    bad("video id that leads away", "P01,P01_01,", "P01,P01_01/../../x,", "video_id is")
    bad("column missing", "stop_frame", "end_frame", "lacks the columns")
    bad("classes with a gap", "1,put", "2,put", "classes must be numbered", "EPIC_100_verb_classes.csv")
    bad("classes without numbers", "1,put", "put,put", "whole number", "EPIC_100_verb_classes.csv")
    bad("tail of words", "\n1", "\ntake", "whole number", "EPIC_100_tail_verbs.csv")
    bad("resolution of words", "128x64", "large", "resolution is", "EPIC_100_video_info.csv")
    table.add("resolution of zero", epic(swapped("EPIC_100_video_info.csv", "128x64", "128x0")), RIGHT)
    table.add("resolution of ten digits", epic(swapped("EPIC_100_video_info.csv", "128x64", f"128x{'9' * 10}")), RIGHT)
    far = stored(THREE[1:], {"P01_01_0": "ends at"}, segments=3)
    table.add(
        "frame 10^12",
        epic(
            swapped(TRAIN, first, first.replace(",30,", f",{10**12},")),
            stored(THREE, {"P01_01_0": "ends at"}, segments=3),
        ),
        SKIP,
    )
    behind = first.replace(",1,30", ",5000,5100")
    table.add("frames behind the end", epic(swapped(TRAIN, first, behind), far), SKIP)
    bad("frame of 18 digits twice", first, first.replace(",1,30", f",{10**17},{10**17}"), "empty")
    for file in (TRAIN, VALIDATION, "EPIC_100_verb_classes.csv", "EPIC_100_tail_nouns.csv"):
        table.add(
            f"{file} missing", epic(lambda root, file=file: (root / file).unlink()), SENTENCE, f"{file}: not found"
        )
        table.add(f"{file} empty", epic(lambda root, file=file: (root / file).write_text("")), SENTENCE, file)
    for file in (TRAIN, VALIDATION):

        def header_only(root: Path, file: str = file) -> None:
            (root / file).write_text((root / file).read_text().splitlines()[0] + "\n")

        table.add(f"{file} with a header only", epic(header_only), SENTENCE, f"{file}: has a header and no rows")
    table.add(
        "a folder in place of a table",
        epic(_into_a_folder),
        SENTENCE,
        TRAIN,
    )


def _into_a_folder(root: Path) -> None:
    (root / TRAIN).unlink()
    (root / TRAIN).mkdir()


def jpeg(width: int, height: int) -> bytes:
    return simplejpeg.encode_jpeg(np.zeros((height, width, 3), np.uint8), quality=90)


def claim(data: bytes, width: int, height: int) -> bytes:
    """The same JPEG, whose header announces another size."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[place + 4 :]


def frames(
    change: Callable[[dict[str, bytes]], dict[str, bytes]], verify: Callable | None = None
) -> Callable[[Path], Plan]:
    """The data with other files in the tar of P01_02."""

    def new_tar(root: Path) -> None:
        from inputs_all import picture, write_tar  # both make templates of this module's data

        files = {f"frame_{n + 1:010d}.jpg": picture(n) for n in range(60)}
        write_tar(root / "P01" / "rgb_frames" / "P01_02.tar", change(files))

    return epic(new_tar, verify)


def without(reason: str) -> Callable[[], str | None]:
    return all_of(stored(["P01_01", "P01_03"], {"P01_02": reason}, segments=3), pictures("P01_01", 60.0))


def _tars(table: Table) -> None:
    def lost(name: str, change: Callable, reason: str) -> None:
        table.add(f"tar {name}", frames(change, without(reason)), SKIP)

    def right(name: str, change: Callable) -> None:
        table.add(f"tar {name}", frames(change, all_of(stored(THREE, segments=3), pictures("P01_02", 60.0))), RIGHT)

    lost("of no file", lambda f: {}, "no numbered")
    lost("of other files", lambda f: {"readme.txt": b"x"}, "no numbered")
    lost("with a number of 20 digits", lambda f: {**f, "frame_99999999999999999999.jpg": jpeg(128, 64)}, "20 digits")
    lost("with two folders", lambda f: {**f, **{f"other/{n}": d for n, d in f.items()}}, "two kinds")
    lost("with two files of a number", lambda f: {**f, "frame_1.jpg": jpeg(128, 64)}, "same number")
    lost("of empty files", lambda f: dict.fromkeys(f, b""), "not readable")
    lost("of web pages", lambda f: dict.fromkeys(f, b"<html>404</html>"), "not readable")
    lost(
        "of pictures of 65000 x 65000",
        lambda f: {n: claim(d, 65000, 65000) for n, d in f.items()},
        "not readable|readable image",
    )
    lost("of pictures of 8 x 8", lambda f: dict.fromkeys(f, jpeg(8, 8)), "8 x 8 pixels")
    lost("of pictures of 2 x 200", lambda f: dict.fromkeys(f, jpeg(2, 200)), "2 x 200 pixels")
    one = [5, 30]
    right(
        "with one damaged picture behind the segment",
        lambda f: {n: (d if i != 59 else b"x") for i, (n, d) in enumerate(f.items())},
    )
    lost(
        "with half of the pictures damaged",
        lambda f: {n: (d if i % 2 else b"") for i, (n, d) in enumerate(f.items())},
        "not readable",
    )
    claimed = all_of(stored(THREE, segments=3))
    table.add(
        "tar with one picture of 65000 x 65000",
        frames(
            lambda f: {n: (claim(d, 65000, 65000) if i in one else d) for i, (n, d) in enumerate(f.items())}, claimed
        ),
        RIGHT,
    )
    right("with a copy of macOS", lambda f: {**f, **{f"._{n}": b"x" for n in f}})
    right("with names that lead away", lambda f: {f"../../../{n}": d for n, d in f.items()})
    right("with absolute names", lambda f: {f"/tmp/{n}": d for n, d in f.items()})
    right("numbered from zero", lambda f: {f"frame_{i:010d}.jpg": d for i, d in enumerate(f.values())})
    right("in capitals", lambda f: {n.upper(): d for n, d in f.items()})
    right("with a picture of noise at the end of each", lambda f: {n: d + b"\0" * 999 for n, d in f.items()})

    def bytes_of(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
        def spoil(root: Path) -> None:
            path = root / "P01" / "rgb_frames" / "P01_02.tar"
            path.write_bytes(change(path.read_bytes()))

        return spoil

    for name, change, reason in (
        ("cut off", lambda d: d[: len(d) // 2], "cut off|not a plain|not whole|whole tar"),
        ("empty", lambda d: b"", "tar|no numbered"),
        ("of zeros", lambda d: bytes(len(d)), "tar|no numbered"),
        ("that is a web page", lambda d: b"<html>404</html>", "tar"),
        ("compressed", __import__("gzip").compress, "tar"),
        ("with a damaged header", lambda d: d[:100] + b"\xff" * 200 + d[300:], "tar"),
        ("of noise", lambda d: np.random.default_rng(0).bytes(20000), "tar"),
    ):
        table.add(f"tar {name}", epic(bytes_of(change), without(reason)), SKIP)


def cases() -> list[Case]:
    tables = [Table("CSV of EPIC-KITCHENS"), Table("tars of frames")]
    _tables(tables[0])
    _tars(tables[1])
    return [case for table in tables for case in table.cases]
