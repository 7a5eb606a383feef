"""Views as pure functions: which moments, which crop and which colours of a segment a model sees.

A training view follows from (seed, segment_id, view number) alone: no hidden state, no global random generator. Every
model, in any process and at any time, can therefore see exactly the same view, which is what lets teachers write their
logits once and lets a student be taught on the very views its teachers saw.

Legend: T frames per clip.
"""

from dataclasses import dataclass

import numpy as np

from egokd.config.views import ViewSettings
from egokd.hashing import generator

# luma, and the two colour axes that the hue turns (YIQ, Rec. 601 primaries)
LUMA = np.array([0.299, 0.587, 0.114])
RGB_TO_YIQ = np.array([LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
YIQ_TO_RGB = np.linalg.inv(RGB_TO_YIQ)
IDENTITY_COLOUR = np.eye(3, 4, dtype=np.float32)
IDENTITY_COLOUR.setflags(write=False)


@dataclass(frozen=True)
class View:
    """One view of one segment, for every modality.

    times_s: [T] float64, ascending, seconds in the video, inside [start_s, stop_s), the segment's interval.
    scale, cx, cy: square crop of side = scale * min(W, H), left = cx * (W - side), top = cy * (H - side).
    colour: [3, 4] float32, affine map on RGB in [0, 1]; the identity for test views.
    key: seed of further choices that only one modality makes (masks of a spectrogram); 0 for test views: no such
        choices.
    """

    times_s: np.ndarray
    start_s: float
    stop_s: float
    scale: float
    cx: float
    cy: float
    colour: np.ndarray
    key: int


def view_index(epoch: int, views_per_segment: int | None) -> int:
    """The view of an epoch: a new one each epoch, or `views_per_segment` of them in turn."""
    return epoch if views_per_segment is None else epoch % views_per_segment


def colour_map(brightness: float, contrast: float, saturation: float, turn: float) -> np.ndarray:
    """One affine map [3, 4] float32 on RGB in [0, 1] for four changes, applied in the order of the arguments.

    brightness: factor. contrast: factor about mid-grey 0.5. saturation: factor about each pixel's luma.
    turn: turn of the hue in the plane of I and Q, 1 = full turn. (1, 1, 1, 0) is the identity.
    """
    grey = np.outer(np.ones(3), LUMA)
    angle = 2 * np.pi * turn
    rotation = np.eye(3)
    rotation[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    chroma = YIQ_TO_RGB @ rotation @ RGB_TO_YIQ @ (saturation * np.eye(3) + (1 - saturation) * grey)
    linear = chroma * (contrast * brightness)
    offset = chroma @ np.full(3, 0.5 * (1 - contrast))
    return np.concatenate([linear, offset[:, None]], axis=1).astype(np.float32)


def _uniform_times(start_s: float, stop_s: float, offsets: np.ndarray) -> np.ndarray:
    """One time in each of T equal parts of the segment, at `offsets` [T] (shares of a part)."""
    count = len(offsets)
    return start_s + (np.arange(count) + offsets) * ((stop_s - start_s) / count)


def _dense_times(start_s: float, stop_s: float, spec: ViewSettings, place: float) -> np.ndarray:
    """A run of T frames, `stride_s` apart, at `place` (0 = earliest, 1 = latest) of the segment."""
    slack = max(0.0, stop_s - start_s - spec.num_frames * spec.stride_s)
    return start_s + place * slack + (np.arange(spec.num_frames) + 0.5) * spec.stride_s


def _inside(times_s: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
    """Times clamped into [start_s, stop_s): a segment shorter than the run repeats its end."""
    return np.clip(times_s, start_s, np.nextafter(stop_s, start_s))


def train_view(spec: ViewSettings, seed: int, segment_id: str, view: int, start_s: float, stop_s: float) -> View:
    """The training view number `view` of a segment.

    Times: `uniform` takes a part of the segment, its length uniform in spec.span (shares of the segment) and its place
    uniform too, and draws one time uniformly in each of T equal pieces of that part; `dense` places a run of T *
    stride_s uniformly, and repeats the segment's end where the segment is shorter. Crop: scale uniform in spec.scale,
    cx and cy uniform in [0, 1]; never mirrored, because left and right are labels. Brightness, contrast and saturation
    are factors uniform in [1 - x, 1 + x] (not below 0), the hue's turn is uniform in [-hue, hue].
    """
    random = generator("view", seed, segment_id, view)
    # a fixed number of draws comes first, so that crop and colours do not depend on the number of frames
    scale, cx, cy, brightness, contrast, saturation, hue, place, length = random.random(9)
    key = int(random.integers(1, 2**63))
    if spec.sampling == "uniform":
        length_s = (stop_s - start_s) * (spec.span[0] + length * (spec.span[1] - spec.span[0]))
        begin_s = start_s + place * (stop_s - start_s - length_s)
        times_s = _uniform_times(begin_s, begin_s + length_s, random.random(spec.num_frames))
    else:
        times_s = _dense_times(start_s, stop_s, spec, place)
    low, high = spec.scale

    def factor(share: float, width: float) -> float:
        return max(0.0, 1 + (2 * share - 1) * width)

    return View(
        times_s=_inside(times_s, start_s, stop_s),
        start_s=start_s,
        stop_s=stop_s,
        scale=low + scale * (high - low),
        cx=cx,
        cy=cy,
        colour=colour_map(
            factor(brightness, spec.brightness),
            factor(contrast, spec.contrast),
            factor(saturation, spec.saturation),
            (2 * hue - 1) * spec.hue,
        ),
        key=key,
    )


def evaluation_views(spec: ViewSettings, start_s: float, stop_s: float, clips: int, crops: int) -> list[View]:
    """The `clips` x `crops` test views of a segment, clips first; 1 x 1 is the middle of everything.

    Crops have the whole short side: the centre, or both ends of the long side and the centre. With `uniform` sampling
    each clip spans the whole segment: clip c takes the share (c + 0.5) / clips of every part, so that the clips
    interleave. With `dense` sampling the runs are spread evenly. Raises ValueError unless crops is 1 or 3.
    """
    if crops not in (1, 3):
        raise ValueError(f"crops must be 1 (centre) or 3 (left, centre, right), got {crops}")
    places = [0.5] if crops == 1 else [0.0, 0.5, 1.0]
    views = []
    for clip in range(clips):
        share = (clip + 0.5) / clips
        if spec.sampling == "uniform":
            times_s = _uniform_times(start_s, stop_s, np.full(spec.num_frames, share))
        else:
            times_s = _dense_times(start_s, stop_s, spec, share)
        times_s = _inside(times_s, start_s, stop_s)
        # at scale 1 the crop cannot move along the short side, so one number serves both directions
        views += [View(times_s, start_s, stop_s, 1.0, place, place, IDENTITY_COLOUR, 0) for place in places]
    return views
