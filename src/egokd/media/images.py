"""Single pictures as files, JPEG or PNG: how large, whether whole, and their pixels. ValueError for what is damaged."""

import cv2
import numpy as np
import simplejpeg

MAX_PIXELS = 2**26  # 8192 x 8192; a header that claims more is damaged, or meant to fill the memory
PNG_START = b"\x89PNG\r\n\x1a\n"


def image_size(data: bytes) -> tuple[int, int]:
    """(width, height) as the header says."""
    if data.startswith(PNG_START):
        width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    else:
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(f"a picture of {width} x {height} pixels")
    return width, height


def is_whole(data: bytes) -> bool:
    """Whether this is a JPEG that decodes to its end. What is copied is never looked at again before training."""
    if data.startswith(PNG_START):
        return False
    try:
        image_size(data)
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=True)  # colours would not tell more, and take longer
    except ValueError:
        return False
    return True


def decode_rgb(data: bytes) -> np.ndarray:
    """uint8 [H, W, 3]."""
    image_size(data)
    if not data.startswith(PNG_START):
        return simplejpeg.decode_jpeg(data, "RGB")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a damaged PNG")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def stored_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """(width, height) of stored frames: short side as asked, never enlarged; long side even, as official frames are.

    1920 x 1080 becomes 456 x 256.
    """
    scale = short_side / min(width, height)
    if scale >= 1:
        return width, height
    long_side = 2 * round(max(width, height) * scale / 2)
    return (long_side, short_side) if width >= height else (short_side, long_side)


def encode_rgb(image: np.ndarray, size: tuple[int, int], quality: int) -> bytes:
    """uint8 [H, W, 3] RGB -> JPEG of `size` (width, height); each pixel the mean of the area it covers."""
    if (image.shape[1], image.shape[0]) != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=quality, colorspace="RGB", colorsubsampling="420"
    )
