"""Opening a media file: every way in which it cannot be used becomes a MediaError with a reason."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, cast

import av

from egokd.media.errors import MediaError

S = TypeVar("S", bound=av.stream.Stream)

# demuxers of lists: what they show lies in other files, which may be another split's
LISTS = ("concat", "hls", "dash", "imf", "sdp", "vapoursynth")
SMALLEST_PICTURE = 12  # pixels of the shorter side; optical flow cannot be computed below
SQUARE = 0.01  # pixels whose sides differ by less are square: encoders round 854 x 480 to such shapes
ODDEST_PIXEL = 4.0  # widths to heights beyond (1 to 4, 4 to 1) are no real camera's but a mistake in the header


def is_file(path: str | Path) -> bool:
    """Whether there is such a file; False also for names that no file can have (too long, with a zero byte)."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def open_media(path: str | Path, **options: str) -> av.container.InputContainer:
    """Open a file with PyAV; MediaError instead of a library's exception when it cannot be.

    Nothing but files is opened, and lists of other files are refused.
    """
    if not is_file(path):
        raise MediaError(f"{path}: no such file")
    try:
        container = av.open(str(path), options={"protocol_whitelist": "file", **options})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path}: not a readable video file ({error})") from None
    if container.format.name.split(",")[0] in LISTS:
        container.close()
        raise MediaError(f"{path}: not a readable video file but a list of others ({container.format.name})")
    return container


def packets_of(container: av.container.InputContainer, *streams: S) -> "Iterator[av.Packet[S]]":
    """The packets of the streams (of all without any); MediaError where a damaged file holds one of no known stream."""
    try:
        yield from cast("Iterator[av.Packet[S]]", container.demux(*streams))
    except IndexError:
        raise MediaError(f"{container.name}: damaged: it holds a stream that its header does not announce") from None


def video_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise MediaError(f"{container.name}: no video stream; only sound, or cut off before its index")


def picture_codec(path: Path, stream: av.VideoStream) -> av.VideoCodecContext:
    """The decoder of a video stream; MediaError if there is none, or if its pictures are too small to be used."""
    context = stream.codec_context
    if context is None:
        raise MediaError(f"{path}: there is no decoder for its video codec; convert the file, for example to H.264")
    check_size(path, context.width, context.height)
    return context


def check_size(path: Path, width: int, height: int) -> None:
    """MediaError for pictures without a size, or smaller than optical flow can be computed on."""
    if min(width, height) < SMALLEST_PICTURE:
        raise MediaError(
            f"{path}: its pictures have {width} x {height} pixels, the least is {SMALLEST_PICTURE} x {SMALLEST_PICTURE}"
        )


def pixel_aspect(stream: av.VideoStream) -> float:
    """Width / height of a pixel as it is meant to be shown; 1 where nothing (or nonsense) is said."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if abs(ratio - 1) >= SQUARE and 1 / ODDEST_PIXEL <= ratio <= ODDEST_PIXEL else 1.0


def tick_s(path: str | Path, stream: av.stream.Stream) -> Fraction:
    """Seconds of one step of a stream's time stamps, exact; MediaError where the file does not say."""
    if stream.time_base is None:
        raise MediaError(f"{path}: its header does not say in which unit of time its frames are stamped")
    return stream.time_base
