"""Writes one video file: H.264 pictures and, unless it is silent, AAC sound."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from egokd.datasets.demos.kitchen.sound import RATE
from egokd.io import atomic_path

KEY_FRAME_S = 1.0
# closed groups of pictures without B-frames: any frame can be sought and counted simply
H264 = {"preset": "veryfast", "crf": "20", "bf": "0", "threads": "1", "x264-params": "open-gop=0:scenecut=0"}


def write_video(
    path: Path, frames: Iterable[np.ndarray], frame_rate: float, size: tuple[int, int], sound: np.ndarray | None
) -> None:
    """Write uint8 RGB frames [h, w, 3] of `size` (width, height) and mono float32 sound (None: no audio stream)."""
    rate = Fraction(frame_rate).limit_denominator(1001)
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=rate, options=H264)
        picture.width, picture.height, picture.pix_fmt = size[0], size[1], "yuv420p"
        picture.codec_context.gop_size = max(1, round(KEY_FRAME_S * frame_rate))
        voice = container.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        if voice is not None:
            voice.bit_rate = 48000
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        if voice is not None and sound is not None:
            write_sound(container, voice, sound)


def write_sound(container: av.container.OutputContainer, voice: av.AudioStream, sound: np.ndarray) -> None:
    """Encode the waveform in pieces of one AAC frame."""
    step = 1024
    for start in range(0, len(sound), step):
        piece = av.AudioFrame.from_ndarray(sound[None, start : start + step], format="fltp", layout="mono")
        piece.sample_rate, piece.pts, piece.time_base = RATE, start, Fraction(1, RATE)
        container.mux(voice.encode(piece))
    container.mux(voice.encode(None))
