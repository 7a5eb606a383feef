"""One shard of published optical flow, brought to the times, the size and the unit of the stored frames.

A published code c means (c - 128) * bound / 127.5 pixels over `dilation` frames of the dataset's clock, at the size of
the published image. The store wants pixels per step of the stored frames, at their size: displacements are scaled by
the ratio of the two times and of the two sizes, and coded again with the store's bound.
"""

import logging
from collections.abc import Iterator

import cv2
import numpy as np

from egokd.media.decode import too_damaged
from egokd.media.errors import MediaError
from egokd.media.flow import ZERO, decode_grey, encode_grey
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.images import image_size
from egokd.media.sources import FlowFiles, NumberedFiles
from egokd.times import nearest

log = logging.getLogger("egokd")

MAX_GAP_S = 0.2  # a stored frame without published flow this near is left without
LARGEST = 127.5
STAND_INS = 10  # images looked at in place of a damaged one


def flow_numbers(times_s: np.ndarray, clock: float, stride: int) -> np.ndarray:
    """int64: number of the published flow file of the frame that is on show at each time."""
    frame = np.rint(np.asarray(times_s) * clock).astype(np.int64) + 1
    return (frame - 1) // stride + 1


def code_table(gain: float, published_bound: float, bound: float) -> np.ndarray:
    """uint8 [256]: published code -> stored code, for displacements that are `gain` times the published ones."""
    displacement = (np.arange(256) - ZERO) * (published_bound / LARGEST) * gain
    return np.clip(np.rint(ZERO + displacement * (LARGEST / bound)), 0, 255).astype(np.uint8)


def add_video(
    video_id: str, source: FlowFiles, frames: FrameStore, writer: StoreWriter, bound: float
) -> Iterator[float]:
    """Write the published flow at the times of a video's stored frames; yield them for a progress bar.

    MediaError, with nothing of the video left in the store, if files are missing or more than a few are damaged.
    """
    files = NumberedFiles(source.files.path)
    known = np.intersect1d(files.numbers("u"), files.numbers("v"))
    clock = source.files.clock(len(known) * source.stride)
    times, info = frames.times(video_id), frames.info(video_id)
    wanted = flow_numbers(times, clock, source.stride)
    number = known[nearest(known, wanted)]
    near = np.abs(number - wanted) * source.stride / clock <= MAX_GAP_S
    if not near.any():
        raise MediaError(f"{source.files.path}: holds no flow at the times of the annotated segments")
    writer.begin(video_id)
    step = clock / (frames.metadata["frame_rate"] * source.dilation)  # published measure to one step of stored frames
    last, encoded, damaged = -1, None, 0
    for time_s, index in zip(times[near].tolist(), number[near].tolist(), strict=True):
        if index != last:
            last, good = index, False
            # a damaged image is replaced by the nearest good one
            for other in known[np.argsort(np.abs(known - index), kind="stable")][:STAND_INS].tolist():
                try:
                    encoded = {
                        column: _convert(files, other, column, info, side, step, source.bound, bound)
                        for column, side in (("u", "width"), ("v", "height"))
                    }
                    good = True
                    break
                except (ValueError, OSError):
                    continue
            damaged += not good or other != index
            if not good:
                encoded = None
        if encoded:
            writer.add(time_s, **encoded)
            yield time_s
    if too_damaged(damaged, int(near.sum())) or not damaged < near.sum():
        raise MediaError(f"{source.files.path}: {damaged} of {int(near.sum())} images are not readable JPEG files")
    if damaged:
        log.warning("%s: %d images of flow are damaged; their neighbours stand in", source.files.path, damaged)
    name = f"published, stride {source.stride}, dilation {source.dilation}, bound {source.bound:g}, clock {clock:g}"
    writer.end({"width": info["width"], "height": info["height"], "source": name})


def _convert(
    files: NumberedFiles, index: int, column: str, info: dict, side: str, step: float, published: float, bound: float
) -> bytes:
    """JPEG of the store's size and unit; ValueError if the published image is damaged."""
    data = files.read(index, column)
    image_size(data)
    image = decode_grey(data)
    size = (info["width"], info["height"])
    here = image.shape[1] if side == "width" else image.shape[0]
    image = cv2.LUT(image, code_table(step * info[side] / here, published, bound))
    if (image.shape[1], image.shape[0]) != size:
        method = cv2.INTER_AREA if image.shape[0] > size[1] else cv2.INTER_LINEAR
        image = cv2.resize(image, size, interpolation=method)
    return encode_grey(image)
