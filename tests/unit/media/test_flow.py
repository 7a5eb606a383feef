"""Stored flow: direction, unit, quantisation, and what happens at the end of a run of frames."""

import cv2
import numpy as np
import pytest

from egokd.media.flow import FlowEstimator, decode_grey, encode_grey, extract_flow, quantise
from egokd.media.frame_store import FrameStore
from egokd.media.frame_writer import StoreWriter
from egokd.media.frames import encode_rgb


def dequantise(pixels: np.ndarray, bound: float) -> np.ndarray:
    """uint8 -> float32 displacements in pixels per frame step."""
    return (pixels.astype(np.float32) - 128) * np.float32(bound / 127.5)


def texture(height=64, width=96):
    noise = np.random.default_rng(0).integers(0, 255, (height + 40, width + 40), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2.5)


def shifted(base, x, y, height=64, width=96):
    """The window of the texture that makes its content move by (x, y) pixels, right and down."""
    return np.ascontiguousarray(base[20 - y : 20 - y + height, 20 - x : 20 - x + width])


def test_quantisation_by_hand():
    # 128 + d * 127.5 / bound, rounded half to even, clipped
    np.testing.assert_array_equal(
        quantise(np.array([0.0, 8.0, -8.0, 4.0, -4.0, 99.0, -99.0, 0.1]), 8.0), [128, 255, 0, 192, 64, 255, 0, 130]
    )
    assert quantise(np.array([0.0]), 20.0).dtype == np.uint8
    values = np.linspace(-7.9, 7.9, 50)
    assert np.abs(dequantise(quantise(values, 8.0), 8.0) - values).max() <= 8.0 / 127.5 / 2 + 1e-6
    np.testing.assert_allclose(dequantise(np.uint8([128]), 8.0), 0)


@pytest.mark.parametrize("preset", ["fast", "medium"])
def test_known_translation(preset):
    base = texture()
    flow = FlowEstimator(preset)(shifted(base, 0, 0), shifted(base, 3, -2))
    np.testing.assert_allclose(np.median(flow[8:-8, 8:-8], axis=(0, 1)), [3.0, -2.0], atol=0.15)


def test_runs_and_their_ends(tmp_path):
    """Two runs at 10 per second and a lone frame: u is 2 in the first, -2 in the second."""
    base = texture()
    positions = {0.0: 0, 0.1: 2, 0.2: 4, 1.0: 10, 1.1: 8, 5.0: 0}
    with StoreWriter(tmp_path / "rgb.arrow", ("image",), {"kind": "rgb", "frame_rate": 10.0}) as writer:
        writer.begin("v")
        for time_s, x in positions.items():
            image = np.repeat(shifted(base, x, 0)[..., None], 3, axis=2)
            writer.add(time_s, image=encode_rgb(image, (96, 64), 95))
        writer.end({"width": 96, "height": 64})
    results = []
    for threads in (1, 3):
        path = tmp_path / f"flow{threads}.arrow"
        with StoreWriter(path, ("u", "v"), {"kind": "flow", "frame_rate": 10.0, "bound": 8.0}) as writer:
            assert list(extract_flow(FrameStore([tmp_path / "rgb.arrow"]), writer, "fast", 8.0, threads)) == [
                *positions
            ]
        results.append(path.read_bytes())
    assert results[0] == results[1]
    flow = FrameStore([path])
    np.testing.assert_array_equal(flow.times("v"), [*positions])
    u, v = ([dequantise(decode_grey(flow.read(row, c)), 8.0) for row in range(6)] for c in "uv")
    medians = [np.median(field[8:-8, 8:-8]) for field in u]
    np.testing.assert_allclose(medians, [2, 2, 2, -2, -2, 0], atol=0.15)
    assert all(abs(np.median(field)) < 0.15 for field in v)
    assert flow.read(1, "u") == flow.read(2, "u") and flow.read(3, "u") == flow.read(4, "u")
    assert (u[5] == 0).all() and (v[5] == 0).all()


def test_grey_round_trip():
    image = cv2.GaussianBlur(texture(), (0, 0), 3)
    assert np.abs(decode_grey(encode_grey(image)).astype(int) - image).max() <= 3
