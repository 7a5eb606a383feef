"""Answers drawn into their video: the best classes beside each frame, and a strip of confidence over time below it."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np

from egokd import runtime
from egokd.errors import UserError
from egokd.io import atomic_path
from egokd.media.decode import grid_indices, read_frames
from egokd.media.probe import choose_reader, probe_video
from egokd.portable.answers import Prediction

RATE, SHORT_SIDE = 25, 360  # of the drawn video: most frames per second, and pixels
LINE, STRIP, MARGIN = 22, 40, 8  # pixels: a line of text, the strip, around both
INK, PAPER, BAR, NOW = (235, 235, 235), 24, (90, 160, 220), (240, 200, 80)
TOP = 3  # classes per head
FONT = cv2.FONT_HERSHEY_SIMPLEX


def render_video(video: Path, answers: Sequence[Prediction], out: Path) -> None:
    """Write `out` (.mp4, H.264): the part of `video` that `answers` are about, each frame with the answer whose middle
    is nearest.

    Raises MediaError if the video cannot be read, UserError for another suffix.
    """
    if out.suffix.lower() != ".mp4":
        raise UserError(f"{out}: --render writes .mp4 files")
    probe = probe_video(video)
    begin_s = min(answer.start_s for answer in answers)
    end_s = min(max(answer.stop_s for answer in answers), probe.duration_s)
    rate = min(RATE, max(1, round(len(probe.times_s) / probe.duration_s)))
    middles = np.array([(answer.start_s + answer.stop_s) / 2 for answer in answers])
    part = np.array([[begin_s, end_s]])
    # PyAV, which reads every file right in order; a drawing needs no particular reader
    reader = choose_reader(probe, "pyav")[0]
    frames = read_frames(probe, part, rate, reader)
    total = len(grid_indices(part, rate, probe.duration_s))
    with atomic_path(out) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
        stream.pix_fmt = "yuv420p"
        for number, (time_s, image) in enumerate(runtime.progress(frames, total, "drawing", "frames")):
            answer = answers[int(np.argmin(np.abs(middles - time_s)))]
            picture = drawn(image, time_s, answer, answers, (begin_s, end_s))
            if number == 0:
                stream.width, stream.height = picture.shape[1], picture.shape[0]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def drawn(
    image: np.ndarray, time_s: float, now: Prediction, answers: Sequence[Prediction], span: tuple[float, float]
) -> np.ndarray:
    """uint8 [H, W, 3] RGB, sides even: the frame `image`, with the answer `now` below it and the strip of all."""
    scale = min(1.0, SHORT_SIDE / min(image.shape[:2]))
    width, height = (2 * max(1, round(side * scale / 2)) for side in (image.shape[1], image.shape[0]))
    shown = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    below = np.full((2 * MARGIN + LINE * (TOP + 1) + STRIP, width, 3), PAPER, np.uint8)
    _write(below, f"{time_s:6.2f} s   ({now.start_s:.2f} to {now.stop_s:.2f} s)", 0, 0, width)
    column = width // len(now.asked)
    for place, head in enumerate(now.asked):
        for rank, (name, sure) in enumerate(now.top(head, TOP)):
            _write(below, f"{name} {100 * sure:.0f} %", place * column, rank + 1, column)
    _strip(below, time_s, answers, span)
    picture = np.concatenate([shown, below])
    return np.ascontiguousarray(picture[: len(picture) // 2 * 2])


def _write(picture: np.ndarray, text: str, left: int, line: int, width: int) -> None:
    """One line of text, made as small as its column asks for."""
    size = 0.45
    wide = cv2.getTextSize(text, FONT, size, 1)[0][0]
    size *= min(1.0, (width - 2 * MARGIN) / max(1, wide))
    at = (left + MARGIN, MARGIN + LINE * line + LINE - 7)
    cv2.putText(picture, text.encode("ascii", "replace").decode(), at, FONT, size, INK, 1, cv2.LINE_AA)


def _strip(picture: np.ndarray, time_s: float, answers: Sequence[Prediction], span: tuple[float, float]) -> None:
    """The confidence in each answer's best class (of the action, where there are several heads) over time."""
    width, bottom = picture.shape[1], len(picture) - MARGIN
    left, per_s = MARGIN, (width - 2 * MARGIN) / max(span[1] - span[0], 1e-9)
    edges = [(answer.start_s + answer.stop_s) / 2 for answer in answers]
    bounds = [span[0], *((a + b) / 2 for a, b in pairwise(edges)), span[1]]
    for answer, start_s, stop_s in zip(answers, bounds, bounds[1:], strict=False):
        sure = answer.top(answer.asked[-1], 1)[0][1]
        x0, x1 = (round(left + (moment - span[0]) * per_s) for moment in (start_s, stop_s))
        cv2.rectangle(picture, (x0, bottom - round(sure * (STRIP - MARGIN))), (max(x0, x1 - 1), bottom), BAR, -1)
    x = round(left + (time_s - span[0]) * per_s)
    cv2.line(picture, (x, bottom - STRIP + MARGIN), (x, bottom), NOW, 2)
