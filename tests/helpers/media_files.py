"""Tiny video and sound files with known content, for tests of the media code."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, BLOCK = 128, 64, 16


def barcode(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """uint8 [height, width, 3]: the number's bits as light and dark blocks, on a slowly changing tint."""
    image = np.full((height, width, 3), 40, np.uint8)
    for bit in range(10):
        row, column = divmod(bit, 5)
        if number >> bit & 1:
            image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = 220
    return image


def read_barcode(image: np.ndarray) -> int:
    """The number in a barcode picture."""
    number = 0
    for bit in range(10):
        row, column = divmod(bit, 5)
        middle = image[row * BLOCK + 4 : (row + 1) * BLOCK - 4, column * BLOCK + 4 : (column + 1) * BLOCK - 4]
        number |= int(middle.mean() > 128) << bit
    return number


def make_video(
    path: Path,
    codec: str = "libx264",
    frames: int = 60,
    rate: int = 25,
    pts: list[int] | None = None,
    options: dict[str, str] | None = None,
    file_options: dict[str, str] | None = None,
    audio: np.ndarray | None = None,
    audio_rate: int = 16000,
    audio_delay_s: float = 0.0,
    rotation: int | None = None,
    first: int = 0,
) -> Path:
    """Write `frames` barcode pictures (numbered from `first`) at `rate`, or at `pts` in units of 1 / 1000 s; mono
    `audio`."""
    default = {"libx264": {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=3:open-gop=0"}}
    with av.open(str(path), "w", options=file_options or {}) as container:
        options = {"preset": "ultrafast", "crf": "20", **(options or default.get(codec, {}))}
        if codec == "libx264":
            options["preset"] = "veryfast"
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 2  # some codecs write other bytes with other numbers of threads
        stream.codec_context.time_base = unit = Fraction(1, 1000) if pts else Fraction(1, rate)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        sound = None
        if audio is not None:
            sound = container.add_stream("aac", rate=audio_rate, layout="mono")
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(barcode(first + number), format="rgb24")
            frame.pts = pts[number] if pts else number
            frame.time_base = unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            for begin in range(0, len(audio), 1024):
                chunk = av.AudioFrame.from_ndarray(audio[None, begin : begin + 1024], format="s16", layout="mono")
                chunk.sample_rate, chunk.time_base = audio_rate, Fraction(1, audio_rate)
                chunk.pts = begin + round(audio_delay_s * audio_rate)
                container.mux(sound.encode(chunk))
            container.mux(sound.encode())
    return path


def make_sound(path: Path, audio: np.ndarray, rate: int = 16000) -> Path:
    """A file with a sound track only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        for begin in range(0, len(audio), 1024):
            chunk = av.AudioFrame.from_ndarray(audio[None, begin : begin + 1024], format="s16", layout="mono")
            chunk.sample_rate, chunk.pts = rate, begin
            container.mux(stream.encode(chunk))
        container.mux(stream.encode())
    return path


def cut_without_encoding(source: Path, target: Path, at_s: float) -> Path:
    """Copy packets from the key frame before `at_s`, shifted so that `at_s` becomes 0: gives an edit list in MP4."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams.video[0]
        out = made.add_stream_from_template(stream)
        shift = round(at_s / stream.time_base)
        packets = [packet for packet in given.demux(stream) if packet.size]
        begin = max(i for i, packet in enumerate(packets) if packet.is_keyframe and packet.pts <= shift)
        for packet in packets[begin:]:
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, out
            made.mux(packet)
    return target
