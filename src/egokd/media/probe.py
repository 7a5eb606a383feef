"""What a video file really holds, read from its packets without decoding, and which reader may be trusted with it.

Headers lie: frame counts are missing, truncated files keep their promises of length, edit lists hide frames. Packets
do not. Presentation time stamps of all packets that will be shown are the measure for every decoder.
"""

from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from egokd.media.errors import MediaError
from egokd.media.opening import open_media, packets_of, picture_codec, pixel_aspect, tick_s, video_stream

DECORD_CONTAINERS = ("mov", "matroska")  # MPEG-TS came out shifted by a second, silently
DECORD_PIXELS = ("yuv420p", "yuvj420p")  # colours of 10-bit files came out wrong
MAX_DOUBLED_SHARE = 0.05  # of frames with the time stamp of another; above it the stamps mean nothing
MIN_MPEG4_PICTURE = 4  # bytes; AVI stands for "the last frame again" with shorter packets, which hold no picture
SHORT_OF_DURATION_S = 1.0  # a file whose packets end this much before its announced end is cut off


@dataclass(frozen=True)
class Probe:
    """The first video stream of a file.

    `times_s`: float64 [frames], rising, seconds since the first shown frame, of every frame that is shown.
    `pts`: the same instants in the stream's own unit, int64. `start_s`: the first of them on the container's clock,
    which is the zero of all times in this project. `in_order`: time stamps of decoded frames mean nothing in this
    container, the k-th decoded frame is the k-th of `times_s`. `optional`: int64 pts of frames that may fail to
    decode (they refer to frames before the file's first). `packet_pts`, `packet_keys`, `packet_shown`: the packets in
    decoding order, int64, bool and bool. `doubled`: frames that have the time stamp of another; one of the two is
    dropped. `pixel_aspect`: width / height of a pixel, 1 where they are square. `order_checked`: counting frames
    (`in_order`) is trusted only if as many decode as there are.
    """

    path: Path
    container: str
    codec: str
    pixels: str
    width: int
    height: int
    times_s: np.ndarray
    pts: np.ndarray
    start_s: float
    duration_s: float
    in_order: bool
    optional: np.ndarray
    closed_gop: bool
    edited: bool
    has_audio: bool
    packet_pts: np.ndarray
    packet_keys: np.ndarray
    packet_shown: np.ndarray
    doubled: int
    pixel_aspect: float
    order_checked: bool = False


def _holds_picture(packet: av.Packet, codec: str) -> bool:
    if codec == "mpeg4":
        return packet.size >= MIN_MPEG4_PICTURE
    if codec == "vp8":  # bit 4 of the frame tag: 0 marks a reference frame that is never shown
        return packet.size > 0 and bool(bytes(packet)[0] & 0x10)
    return True


def _avi_is_whole(path: Path, stream: av.VideoStream, last: int) -> bool:
    """Whether only frames are missing that the writer left out: chunks without bytes stand for "the last one again".

    `last`: the last time stamp, which in AVI counts frames. Left out at the end, they give no later stamp; then the
    file must be as long as its RIFF header says, and they must be few.
    """
    missing = stream.frames - (last + 1)
    if missing <= 0:
        return True
    with path.open("rb") as handle:
        announced = int.from_bytes(handle.read(8)[4:], "little") + 8
    return path.stat().st_size >= announced and missing * float(tick_s(path, stream)) < SHORT_OF_DURATION_S


def _check_whole(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream, packets: "_Packets"
) -> bool:
    """Raise MediaError if the file announces more than its packets hold; return whether an edit list hides frames."""
    edited = False
    name = container.format.name
    end_s, held = packets.end_s, len(packets.pts)
    last = max((stamp for stamp in packets.dts if stamp is not None), default=-1)
    if stream.frames > held and not (name == "avi" and _avi_is_whole(path, stream, last)):
        if "mov" in name:  # an edit list may hide the rest: look again without it
            with open_media(path, ignore_editlist="1") as raw:
                held = sum(packet.size > 0 for packet in packets_of(raw, video_stream(raw)))
            edited = held >= stream.frames
        if not edited:
            raise MediaError(f"{path}: cut off: its header announces {stream.frames} frames, it holds {held}")
    # other containers guess the duration from what is there, so only these two can be caught by it
    announced = (container.duration or 0) / av.time_base + (container.start_time or 0) / av.time_base
    if ("matroska" in name or "mov" in name) and not edited and end_s < announced - SHORT_OF_DURATION_S:
        raise MediaError(f"{path}: cut off: its header announces {announced:.1f} s, it holds {end_s:.1f} s")
    return edited


@dataclass
class _Packets:
    """The video packets of a file in decoding order: time stamps, key frames, and whether each frame is shown."""

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    key: list[bool] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    discarded: bool = False
    last_duration: int = 0
    end_s: float = 0.0  # of any stream


def _read_packets(path: Path, container: av.container.InputContainer, stream: av.VideoStream, codec: str) -> _Packets:
    """Walk through all packets of the file once."""
    found = _Packets()
    packet: av.Packet
    try:
        for packet in packets_of(container):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if packet.size == 0 or stamp is None:
                continue
            found.end_s = max(found.end_s, float((stamp + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index != stream.index:
                continue
            found.pts.append(packet.pts)
            found.dts.append(packet.dts)
            found.key.append(packet.is_keyframe)
            found.shown.append(not packet.is_discard and _holds_picture(packet, codec))
            found.discarded |= packet.is_discard
            found.last_duration = packet.duration or found.last_duration
    except av.FFmpegError as error:
        raise MediaError(f"{path}: damaged after {len(found.pts)} video packets ({error})") from None
    if not any(found.shown):
        raise MediaError(f"{path}: the video stream holds no frames")
    return found


def probe_video(path: str | Path) -> Probe:
    """Read all packets of `path`. MediaError if it is missing, unreadable, without video, or cut off."""
    path = Path(path)
    with open_media(path) as container:
        stream = video_stream(container)
        context = picture_codec(path, stream)
        codec = context.codec.canonical_name
        packets = _read_packets(path, container, stream, codec)
        edited = _check_whole(path, container, stream, packets)
        stamps, shown, keys = _stamps(path, packets), np.array(packets.shown), np.array(packets.key)
        # AVI knows no presentation time stamps: those seen are made up in decoding order
        in_order = container.format.name == "avi" or None in packets.pts
        ordered = np.sort(stamps[shown]) if in_order else np.unique(stamps[shown])
        doubled = int(shown.sum()) - len(ordered)
        if doubled > max(1, MAX_DOUBLED_SHARE * len(ordered)):
            raise MediaError(f"{path}: {doubled} of {int(shown.sum())} frames have the time stamp of another")
        times = (ordered - ordered[0]) * float(tick_s(path, stream))
        frame_s = packets.last_duration * float(tick_s(path, stream)) or float(np.median(np.diff(times, prepend=0)))
        return Probe(
            path=path,
            container=container.format.name,
            codec=codec,
            pixels=context.pix_fmt or "",
            width=context.width,
            height=context.height,
            times_s=times,
            pts=ordered,
            start_s=float(ordered[0] * tick_s(path, stream)),
            duration_s=float(times[-1] + frame_s),
            in_order=in_order,
            optional=stamps[shown & _before_first_key(stamps, keys)],
            closed_gop=_closed_gop(stamps, keys),
            edited=edited or packets.discarded,
            has_audio=bool(container.streams.audio),
            packet_pts=stamps,
            packet_keys=keys,
            packet_shown=shown,
            doubled=doubled,
            pixel_aspect=pixel_aspect(stream),
        )


def _stamps(path: Path, packets: _Packets) -> np.ndarray:
    """int64: presentation time stamps, or decoding time stamps where the container knows no others."""
    stamps = packets.pts if None not in packets.pts else packets.dts
    if None in stamps:
        raise MediaError(f"{path}: {stamps.count(None)} of {len(stamps)} frames have no time stamp")
    return np.array(stamps, np.int64)


def _before_first_key(stamps: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """bool: packets that may refer to what the file does not hold: before its first key frame, decoded or shown."""
    first, second = [*np.flatnonzero(keys), len(stamps), len(stamps)][:2]
    number = np.arange(len(stamps))
    leading = (number < second) & (stamps < stamps[first]) if first < len(stamps) else True
    return (number < first) | leading


def _closed_gop(stamps: np.ndarray, keys: np.ndarray) -> bool:
    """Whether no frame that is decoded after a key frame is shown before it: then every key frame can be a start."""
    latest_key = np.maximum.accumulate(np.where(keys, stamps, stamps.min() - 1))
    return bool((stamps >= latest_key).all())


def choose_reader(probe: Probe, preferred: str) -> tuple[str, str]:
    """(reader, reason): `preferred`, or `pyav` where decord is known to give wrong frames or sees another video."""
    if preferred == "pyav":
        return "pyav", "asked for"
    doubts = {
        f"container {probe.container}": not any(name in probe.container for name in DECORD_CONTAINERS),
        f"codec {probe.codec}": probe.codec != "h264",
        f"pixel format {probe.pixels}": probe.pixels not in DECORD_PIXELS,
        "edit list": probe.edited,
        "open groups of pictures": not probe.closed_gop,
        "frames that refer to others before the first": len(probe.optional) > 0,
        "no presentation time stamps": probe.in_order,
        "doubled time stamps": probe.doubled > 0,
        "pixels that are not square": probe.pixel_aspect != 1,
    }
    for doubt, applies in doubts.items():
        if applies:
            return "pyav", doubt
    return _ask_decord(probe)


def _ask_decord(probe: Probe) -> tuple[str, str]:
    """Compare decord's frame count, size and time stamps with the packets'."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        video = decord.VideoReader(str(probe.path), num_threads=1)
        if len(video) != len(probe.times_s):
            return "pyav", f"decord counts {len(video)} frames, the container {len(probe.times_s)}"
        seen = video.get_frame_timestamp(np.arange(len(video)))[:, 0].astype(np.float64)
        shape = video[0].shape
    except (decord.DECORDError, RuntimeError, AssertionError) as error:
        return "pyav", f"decord cannot open it ({str(error).splitlines()[0][-120:]})"
    if shape != (probe.height, probe.width, 3):
        return "pyav", "rotated, or decord sees another size"
    # decord gives float32: good to a tenth of a frame in the longest videos
    tolerance = max(1e-3, 4 * float(np.spacing(np.float32(probe.duration_s + abs(probe.start_s)))))
    if np.abs(seen - (probe.times_s + probe.start_s)).max() > tolerance:
        return "pyav", "decord's time stamps differ from the container's"
    return "decord", "count and time stamps agree, closed groups of pictures"
