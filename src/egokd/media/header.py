"""A cheap look at a source: how long, how large, with or without sound. Nothing is decoded but, for JPEG, a header."""

import logging
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av

from egokd.media.errors import MediaError
from egokd.media.images import image_size
from egokd.media.opening import (
    check_size,
    open_media,
    picture_codec,
    pixel_aspect,
    tick_s,
    video_stream,
)
from egokd.media.pieces import Hole, find_holes
from egokd.media.probe import probe_video
from egokd.media.sources import FrameFiles, NumberedFiles, Pieces, Source, VideoFile, moving

log = logging.getLogger("egokd")

KNOWS_DURATION = ("mov", "matroska", "avi")  # other containers guess it from the bit rate
FIRST_FILES = 10  # one of which tells the size; a damaged one does not stop the video
FEW_BYTES = 2000  # for a second of video; a header that makes them fewer is not believed, and the packets are read
MISSING_SHARE, MISSING_S = 0.01, 1.0  # of frames beside their video: more than both, and they are not all there


@dataclass(frozen=True)
class Header:
    """What a source announces. width and height are those of the pictures with square pixels, before any rotation.

    `frames`: 0 if not announced. `numbered`: for frame files, the last one's number; more than `frames` if some miss.
    `holes`: for a video in pieces, what cannot be read.
    """

    duration_s: float
    width: int
    height: int
    frames: int
    has_audio: bool
    bytes: int
    numbered: int = 0
    holes: tuple[Hole, ...] = ()


def whole_source(source: Source) -> tuple[Source, NumberedFiles | None]:
    """(the source to read, its files if it is frames): the video itself where the frames beside it are not whole.

    Not whole: none, in a broken tar, or of another length than the video: half unpacked, or extracted at another rate
    than thought. MediaError if there are no readable frames and no video.
    """
    if not isinstance(source, FrameFiles):
        return source, None
    video = moving(source.video)
    try:
        files = NumberedFiles(source.path)
        numbers = files.numbers()
    except MediaError as error:
        if video is None:
            raise
        log.warning("%s; its video is read instead", error)
        return video, None
    if video is None or source.path.is_file():  # a tar that ends as it should was written to its end
        return source, files
    try:
        announced_s = read_header(video).duration_s
    except MediaError:
        return source, files
    clock = source.clock(len(numbers))
    tolerance_s = max(MISSING_S, MISSING_SHARE * announced_s)
    held_s, end_s = len(numbers) / clock, float(numbers[-1]) / clock
    # the video ends earlier than its frames where their rate is another, or where its last piece is missing
    too_long = end_s > announced_s + tolerance_s and isinstance(video, VideoFile)
    if held_s < announced_s - tolerance_s or too_long:
        log.warning(
            "%s: %d files, up to number %d, at %g per second do not make the %.1f s of %s, which is read instead; "
            "half unpacked, or extracted at another rate (data.frames_fps)",
            source.path, len(numbers), numbers[-1], clock, announced_s, video.path,
        )  # fmt: skip
        return video, None
    return source, files


def read_header(source: Source) -> Header:
    """MediaError if there is nothing, or nothing readable."""
    source, files = whole_source(source)
    if isinstance(source, Pieces):
        return _pieces_header(source)
    return _files_header(source, files) if isinstance(source, FrameFiles) and files else _video_header(source.path)


def _pieces_header(source: Pieces) -> Header:
    """Of the whole: size of the first piece that can be read, end of the last."""
    found: list[Header | MediaError] = []
    for _, file in source.files:
        try:
            found.append(_video_header(file))
        except MediaError as error:
            found.append(error)
    holes, end_s = find_holes(source, [one.duration_s if isinstance(one, Header) else one for one in found])
    readable = [one for one in found if isinstance(one, Header)]
    first, frames, size = readable[0], sum(one.frames for one in readable), sum(one.bytes for one in readable)
    has_audio = any(one.has_audio for one in readable)
    return Header(end_s, first.width, first.height, frames, has_audio, size, holes=tuple(holes))


def _files_header(source: FrameFiles, files: NumberedFiles) -> Header:
    numbers = files.numbers()
    error = ""
    for number in numbers[:FIRST_FILES]:
        try:
            width, height = image_size(files.read(number))
            break
        except (ValueError, OSError) as problem:
            error = error or f"{source.path}: frame {number} is not a readable image ({problem})"
    else:
        raise MediaError(error)
    check_size(source.path, width, height)
    duration_s = float(numbers[-1]) / source.clock(len(numbers))
    size = source.path.stat().st_size if source.path.is_file() else 0
    return Header(duration_s, width, height, len(numbers), False, size, int(numbers[-1]))


def _video_header(path: Path) -> Header:
    with open_media(path) as container:
        stream = video_stream(container)
        context, has_audio = picture_codec(path, stream), bool(container.streams.audio)
        duration_s = _announced_s(path, container, stream)
        frames, height = stream.frames, context.height
        width = max(1, round(context.width * pixel_aspect(stream)))
    size = os.path.getsize(path)
    if duration_s is None or size < FEW_BYTES * duration_s:
        duration_s = probe_video(path).duration_s
    return Header(duration_s, width, height, frames, has_audio, size)


def _announced_s(path: Path, container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Duration of the video stream as the container's header has it; None if it does not know."""
    if not any(name in container.format.name for name in KNOWS_DURATION):
        return None
    if stream.duration:
        return float(stream.duration * tick_s(path, stream))
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
