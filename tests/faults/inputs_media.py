"""Videos and sound: hostile files, each beside three whole ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from hostile import OWN, RIGHT, SKIP, Case, Plan, Table, copy_templates, data_plan
from media_files import barcode
from results_of import all_of, pictures, stored

OTHERS = ["v1.mp4", "v2.mp4", "v3.mp4"]
Change = Callable[[bytes], bytes]


def spoilt(template: str, change: Change, verify: Callable[[str], Callable], name: str = "") -> Callable[[Path], Plan]:
    """Own videos of which the first is `template` after `change` of its bytes."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        source = folder.parent / "templates" / template
        target = name or f"v0{source.suffix}"
        (root / "v0.mp4").unlink()
        (root / target).write_bytes(change(source.read_bytes()))
        csv = root / "annotations.csv"
        csv.write_text(csv.read_text().replace("v0.mp4", target))
        return data_plan(root, "folder", OWN, verify(target), sound=True)

    return make


def made(
    write: Callable[[Path], None], verify: Callable[[str], Callable], name: str = "v0.mp4"
) -> Callable[[Path], Plan]:
    """Own videos of which the first is written anew."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        (root / "v0.mp4").unlink()
        write(root / name)
        csv = root / "annotations.csv"
        csv.write_text(csv.read_text().replace("v0.mp4", name))
        return data_plan(root, "folder", OWN, verify(name), sound=True)

    return make


def lost(reason: str) -> Callable[[str], Callable]:
    """The first video is recorded, the others are whole and show the right pictures."""
    return lambda name: all_of(stored(OTHERS, {name: reason}, segments=4), pictures("v1.mp4"))


def whole(name: str) -> Callable[[], str | None]:
    return all_of(stored([name, *OTHERS], segments=4), pictures(name))


def kept(name: str) -> Callable[[], str | None]:
    """All videos have frames; what is shown is right for those that nothing happened to."""
    return all_of(stored([name, *OTHERS], segments=4), pictures("v1.mp4"))


def either(name: str) -> Callable[[], str | None]:
    """The first video is read or recorded; the others are whole."""

    def verify() -> str | None:
        if stored([name, *OTHERS], segments=4)() is None:
            return pictures("v1.mp4")()
        found = stored([name, *OTHERS], {name: "."}, segments=4)()
        return found and all_of(stored(OTHERS, {name: "."}, segments=4), pictures("v1.mp4"))()

    return verify


def _no_videos(table: Table) -> None:
    for name, data, reason in (
        ("empty", b"", "not a readable|no video"),
        ("of zeros", bytes(50000), "not a readable|no video"),
        ("of noise", np.random.default_rng(0).bytes(50000), "not a readable|no video|no frames|damaged"),
        ("that is a web page", b"<!DOCTYPE html><html>404</html>", "not a readable|no video"),
        (
            "that is a git pointer",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "not a readable|no video",
        ),
        ("that is a playlist", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", ""),
        ("that is a list of files", b"ffconcat version 1.0\nfile v1.mp4\n", ""),
        (
            "that is a session description",
            b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
            "",
        ),
        ("that is a DASH manifest", b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>", ""),
    ):
        suffix = {
            "that is a playlist": "m3u8",
            "that is a list of files": "ffconcat",
            "that is a session description": "sdp",
            "that is a DASH manifest": "mpd",
        }.get(name, "mp4")
        table.add(
            f"file {name}", made(lambda p, data=data: p.write_bytes(data) and None, lost(reason), f"v0.{suffix}"), SKIP
        )


def _bytes(table: Table) -> None:
    for template in ("video.mp4", "video.mkv", "video.webm", "video.avi", "video.ts"):
        kind = template.split(".")[1]
        table.add(f"{kind} whole", spoilt(template, lambda d: d, lambda n: kept(n)), RIGHT)
        if kind not in ("ts",):
            table.add(
                f"{kind} cut in half",
                spoilt(template, lambda d: d[: len(d) // 2], lost("cut off|no video|not a readable|damaged|decode")),
                SKIP,
            )
        table.add(f"{kind} cut to 20 bytes", spoilt(template, lambda d: d[:20], lost("")), SKIP)
        for seed in range(4):
            table.add(
                f"{kind} with flipped bytes {seed}",
                spoilt(template, lambda d, seed=seed: flip(d, 40, seed), either),
                RIGHT,
            )
        table.add(f"{kind} with noise in the middle", spoilt(template, noise, either), RIGHT)
        table.add(f"{kind} twice in one file", spoilt(template, lambda d: d + d, either), RIGHT)
        table.add(f"{kind} with zeros behind", spoilt(template, lambda d: d + bytes(5000), either), RIGHT)
        table.add(f"{kind} named as another", spoilt(template, lambda d: d, lambda n: kept(n), "v0.jpg"), RIGHT)


def flip(data: bytes, count: int, seed: int) -> bytes:
    """The same with `count` bytes changed."""
    random = np.random.default_rng(seed)
    array = np.frombuffer(data, np.uint8).copy()
    places = random.choice(len(array), count, replace=False)
    array[places] ^= random.integers(1, 256, count, dtype=np.uint8)
    return array.tobytes()


def noise(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + np.random.default_rng(1).bytes(3000) + data[middle + 3000 :]


def ebml_duration(value: float) -> Change:
    """Another duration in the header of a Matroska file (milliseconds, element 0x4489)."""

    def change(data: bytes) -> bytes:
        place = data.index(b"\x44\x89\x88")
        return data[: place + 3] + np.array(value, ">f8").tobytes() + data[place + 11 :]

    return change


def atom(name: bytes, offset: int, value: bytes) -> Change:
    """Other bytes in the first atom `name` of an MP4."""

    def change(data: bytes) -> bytes:
        place = data.index(name) + 4 + offset
        return data[:place] + value + data[place + len(value) :]

    return change


def _headers(table: Table) -> None:
    four = (2**32 - 1).to_bytes(4, "big")
    for name, value in (
        ("1e12", 1e12),
        ("infinite", np.inf),
        ("nan", np.nan),
        ("negative", -5.0),
        ("0", 0.0),
        ("1e300", 1e300),
    ):
        for template in ("video.mkv", "video.webm"):
            table.add(
                f"{template[6:]} with a duration of {name}", spoilt(template, ebml_duration(value), either), RIGHT
            )
    table.add(
        "mp4 of an unknown codec",
        spoilt("video.mp4", lambda d: d.replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"), lost("no decoder")),
        SKIP,
    )
    table.add(
        "avi of an unknown codec",
        spoilt("video.avi", lambda d: d.replace(b"FMP4", b"ZZZ1"), lost("no decoder|decode")),
        SKIP,
    )
    table.add("mp4 with a duration of 2^32", spoilt("video.mp4", atom(b"mvhd", 16, four), either), RIGHT)
    table.add("mp4 with a track of 2^32", spoilt("video.mp4", atom(b"mdhd", 16, four), either), RIGHT)
    table.add("mp4 with a scale of 0", spoilt("video.mp4", atom(b"mdhd", 12, bytes(4)), either), RIGHT)
    table.add("mp4 with a scale of 2^32", spoilt("video.mp4", atom(b"mdhd", 12, four), either), RIGHT)
    table.add("mp4 with 2^32 samples", spoilt("video.mp4", atom(b"stsz", 8, four), either), RIGHT)
    table.add("mp4 with 2^32 chunks", spoilt("video.mp4", atom(b"stco", 4, four), either), RIGHT)
    table.add("mp4 with 2^32 time stamps", spoilt("video.mp4", atom(b"stts", 4, four), either), RIGHT)
    table.add("mp4 with a size of 0 x 0", spoilt("video.mp4", atom(b"avc1", 24, bytes(4)), either), RIGHT)
    table.add("mp4 with a size of 65535", spoilt("video.mp4", atom(b"avc1", 24, b"\xff" * 4), either), RIGHT)
    table.add("mp4 with odd pixels", spoilt("video.mp4", lambda d: d.replace(b"pasp", b"xxxx"), either), RIGHT)


def encode(
    size: tuple[int, int], codec: str, frames: int, pixels: str = "yuv420p", **options: str
) -> Callable[[Path], None]:
    """A video of `frames` grey pictures of `size` (width, height)."""

    def write(path: Path) -> None:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            for number in range(frames):
                image = np.full((size[1], size[0], 3), number % 200, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())

    return write


def _shapes(table: Table) -> None:
    table.add("pictures of 2 x 2", made(encode((2, 2), "ffv1", 50), lost("2 x 2 pixels"), "v0.mkv"), SKIP)
    table.add("pictures of 11 x 200", made(encode((10, 200), "ffv1", 50), lost("10 x 200 pixels"), "v0.mkv"), SKIP)
    table.add("pictures of 12 x 12", made(encode((12, 12), "ffv1", 50), kept, "v0.mkv"), RIGHT)
    table.add("pictures of 16 x 4000", made(encode((16, 4000), "mpeg4", 50), kept, "v0.mkv"), RIGHT)
    table.add("pictures of 10 bits", made(encode((128, 64), "ffv1", 50, "yuv420p10le"), kept, "v0.mkv"), RIGHT)
    table.add("grey pictures", made(encode((128, 64), "ffv1", 50, "gray"), kept, "v0.mkv"), RIGHT)
    table.add("one picture", made(encode((128, 64), "libx264", 1), kept), RIGHT)
    table.add("an animated picture", made(encode((128, 64), "gif", 50, "rgb8"), kept, "v0.gif"), RIGHT)
    table.add("a picture file", made(lambda p: _png(p), kept, "v0.png"), RIGHT)
    table.add("sound only", made(_sound_only, lost("no video stream")), SKIP)
    table.add("no picture at all", made(_no_packets, lost("")), SKIP)

    def silent(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        shutil.copy(folder.parent / "templates" / "silent.mp4", root / "v0.mp4")
        return data_plan(root, "folder", OWN, whole("v0.mp4"), sound=True)

    def link(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        (root / "v0.mp4").unlink()
        (root / "v0.mp4").symlink_to("v0.mp4")
        return data_plan(root, "folder", OWN, lost("no such file")("v0.mp4"), sound=True)

    def pipe(folder: Path) -> Plan:
        import os

        root = copy_templates(folder, "own")
        (root / "v0.mp4").unlink()
        os.mkfifo(root / "v0.mp4")
        return data_plan(root, "folder", OWN, lost("no such file")("v0.mp4"), sound=True)

    table.add("silent", silent, RIGHT)
    table.add("a link to itself", link, SKIP)
    table.add("a pipe", pipe, SKIP)


def _png(path: Path) -> None:
    import cv2

    cv2.imwrite(str(path), barcode(0))


def _sound_only(path: Path) -> None:
    from media_files import make_sound

    make_sound(path, (8000 * np.sin(np.arange(32000) * 0.2)).astype(np.int16))


def _no_packets(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        container.start_encoding()


def cases() -> list[Case]:
    table = Table("videos and sound")
    for part in (_no_videos, _bytes, _headers, _shapes):
        part(table)
    return table.cases
