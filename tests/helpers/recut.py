"""The demo kitchen as others would keep it: its videos cut into pieces, or into one clip per segment.

Pictures stay what they are, to the pixel: pieces begin at key frames and are copied without decoding, clips are encoded
without loss. Sound is encoded anew, as anybody's cut would: it stays where it was, but is not the same to the sample.
"""

import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd

from egokd.media.audio import read_audio

RATE = 24000  # of the sound


def _sound(video: Path, begin_s: float, end_s: float) -> np.ndarray | None:
    """int16 mono, or None for a silent video."""
    found = read_audio(video, np.array([[begin_s, end_s]]), RATE)
    return found[0][0] if found else None


def _add_sound(container: av.container.OutputContainer, sound: np.ndarray | None) -> av.AudioStream | None:
    stream = container.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
    if stream is not None:
        stream.bit_rate = 96000
    return stream


def _write_sound(
    container: av.container.OutputContainer, stream: av.AudioStream | None, sound: np.ndarray | None
) -> None:
    if stream is None or sound is None:
        return
    for begin in range(0, len(sound), 1024):
        chunk = av.AudioFrame.from_ndarray(sound[None, begin : begin + 1024], format="s16", layout="mono")
        chunk.sample_rate, chunk.pts, chunk.time_base = RATE, begin, Fraction(1, RATE)
        container.mux(stream.encode(chunk))
    container.mux(stream.encode())


def cut_into_pieces(video: Path, folder: Path, step_s: int) -> None:
    """`folder/{start}.MP4`; the video has a key frame at every whole second."""
    folder.mkdir(parents=True)
    with av.open(str(video)) as given:
        stream = given.streams.video[0]
        packets = [packet for packet in given.demux(stream) if packet.size]
        starts = [float(packet.pts * stream.time_base) for packet in packets]
        for start in range(0, int(max(starts)) + 1, step_s):
            sound = _sound(video, start, min(start + step_s, max(starts) + 1))
            with av.open(str(folder / f"{start}.MP4"), "w", format="mp4") as made:
                out = made.add_stream_from_template(stream)
                voice = _add_sound(made, sound)
                mine = [packet for packet, at in zip(packets, starts, strict=True) if start <= at < start + step_s]
                assert mine[0].is_keyframe
                first = mine[0].pts
                for packet in mine:
                    packet.pts, packet.dts, packet.stream = packet.pts - first, packet.dts - first, out
                    made.mux(packet)
                _write_sound(made, voice, sound)


def cut_out(video: Path, target: Path, first: int, last: int) -> None:
    """Frames `first` to `last` - 1 and their sound."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(video)) as given:
        stream = given.streams.video[0]
        rate = stream.average_rate
        frames = list(given.decode(stream))[first:last]
    sound = _sound(video, float(first / rate), float(last / rate))
    with av.open(str(target), "w", format="mp4") as made:
        out = made.add_stream("libx264", rate=rate, options={"qp": "0", "preset": "ultrafast", "bf": "0"})
        out.width, out.height, out.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        voice = _add_sound(made, sound)
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / rate, 0
            made.mux(out.encode(frame))
        made.mux(out.encode())
        _write_sound(made, voice, sound)


def copy_annotations(root: Path, target: Path) -> None:
    """The CSV files."""
    target.mkdir(parents=True, exist_ok=True)
    for path in root.glob("*.csv"):
        shutil.copy(path, target)


def as_pieces(root: Path, target: Path, step_s: int) -> None:
    """The whole demo: annotations, and `PXX/PXX_YY.MP4/{start}.MP4`."""
    copy_annotations(root, target)
    for video in root.glob("P*/videos/*.MP4"):
        cut_into_pieces(video, target / video.parts[-3] / video.name, step_s)


def as_clips(root: Path, target: Path, rows: pd.DataFrame, frame_rate: float) -> None:
    """Annotations, and `clips/PXX/{narration_id}.mp4` of the segments `rows`, cut at the nearest frames."""
    copy_annotations(root, target)
    for row in rows.itertuples():
        video = root / row.group / "videos" / f"{row.video_id}.MP4"
        first, last = round(row.start_s * frame_rate), round(row.stop_s * frame_rate)
        cut_out(video, target / "clips" / row.group / f"{row.segment_id}.mp4", first, last)
