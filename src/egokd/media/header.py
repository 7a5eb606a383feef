"""A cheap look at a source: how long, how large, with or without sound. Nothing is decoded but, for JPEG, a header."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import simplejpeg

from egokd.media.errors import MediaError
from egokd.media.probe import open_media, probe_video, video_stream
from egokd.media.sources import FrameFiles, NumberedFiles, Source

KNOWS_DURATION = ("mov", "matroska", "avi")  # other containers guess it from the bit rate


@dataclass(frozen=True)
class Header:
    """What a source announces. width and height are as stored, before any rotation; `frames` 0 if not announced."""

    duration_s: float
    width: int
    height: int
    frames: int
    has_audio: bool
    bytes: int


def read_header(source: Source) -> Header:
    """MediaError if there is nothing, or nothing readable."""
    return _files_header(source) if isinstance(source, FrameFiles) else _video_header(source.path)


def _files_header(source: FrameFiles) -> Header:
    files = NumberedFiles(source.path)
    numbers = files.numbers()
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(files.read(numbers[0]))
    except ValueError as error:
        raise MediaError(f"{source.path}: frame {numbers[0]} is not a readable JPEG ({error})") from None
    duration_s = float(numbers[-1]) / source.clock(len(numbers))
    size = source.path.stat().st_size if source.path.is_file() else 0
    return Header(duration_s, width, height, len(numbers), False, size)


def _video_header(path: Path) -> Header:
    with open_media(path) as container:
        stream = video_stream(container)
        context, has_audio = stream.codec_context, bool(container.streams.audio)
        duration_s = _announced_s(container, stream)
        frames, width, height = stream.frames, context.width, context.height
    if duration_s is None:
        duration_s = probe_video(path).duration_s
    return Header(duration_s, width, height, frames, has_audio, os.path.getsize(path))


def _announced_s(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Duration of the video stream as the container's header has it; None if it does not know."""
    if not any(name in container.format.name for name in KNOWS_DURATION):
        return None
    if stream.duration:
        return float(stream.duration * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return (container.duration + min(container.start_time or 0, 0)) / av.time_base
    return None


def read_headers(sources: Iterable[Source], threads: int) -> Iterator[Header | MediaError]:
    """Headers in the order of `sources`, read `threads` at a time; an error in place of one that cannot be read."""

    def look(source: Source) -> Header | MediaError:
        try:
            return read_header(source)
        except MediaError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(look, sources)
