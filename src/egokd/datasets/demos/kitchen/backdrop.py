"""The room that does not move: wall, counter texture, sink, light. Drawn once per video."""

import cv2
import numpy as np

from egokd.datasets.demos.kit.noise import smooth_noise
from egokd.datasets.demos.kit.paint import paste
from egokd.datasets.demos.kit.sprites import STEEL
from egokd.datasets.demos.kitchen import tools
from egokd.datasets.demos.kitchen.kitchens import Kitchen

MARGIN = 0.5  # how much of the room is drawn outside the picture on each side, picture heights
WALL_END = 0.13  # where the counter begins, from the top
SINK_Y = 0.30


def backdrop(kitchen: Kitchen, rng: np.random.Generator, width: float, density: float) -> np.ndarray:
    """float32 RGB [H, W, 3] in 0 to 1 of the room from -MARGIN to `width` + MARGIN, -MARGIN to 1 + MARGIN."""
    h, w = round((1 + 2 * MARGIN) * density), round((width + 2 * MARGIN) * density)
    xs = (np.arange(w, dtype=np.float32) / density - MARGIN)[None]
    ys = (np.arange(h, dtype=np.float32) / density - MARGIN)[:, None]
    light = 0.80 + 0.22 * np.clip(ys, 0, 1) + 0.06 * np.cos(2.0 * xs + kitchen.light_angle)
    room = counter(kitchen, rng, xs, ys, density) * light[..., None]
    wall = np.asarray(kitchen.wall, np.float32) * np.ones((h, w, 1), np.float32) * 0.85
    grout = (np.mod(xs + 0.11, 0.22) < 0.012) | (np.mod(ys + 0.03, 0.16) < 0.012)
    wall = np.where(grout[..., None], wall * 0.8, wall)
    above = np.clip((WALL_END - ys) * density, 0, 1)[..., None]
    room = room * (1 - above) + wall * above
    below = np.exp(-np.clip(ys - WALL_END, 0, None) / 0.035) * (ys >= WALL_END)
    room *= 1 - 0.45 * below[..., None]
    sink(room, kitchen, xs, ys, density)
    return np.ascontiguousarray(np.clip(room, 0, 1), np.float32)


def counter(kitchen: Kitchen, rng: np.random.Generator, xs: np.ndarray, ys: np.ndarray, density: float) -> np.ndarray:
    """Counter texture float32 [H, W, 3]; the pattern differs from video to video, its kind by kitchen."""
    tint = np.asarray(kitchen.counter_tint, np.float32)
    shape = (ys.shape[0], xs.shape[1])
    cloud = smooth_noise(rng, shape, 0.10 * density)
    fine = smooth_noise(rng, shape, 0.012 * density)
    if kitchen.counter in ("oak", "walnut"):
        base = np.array([0.80, 0.60, 0.38] if kitchen.counter == "oak" else [0.42, 0.27, 0.18], np.float32)
        grain = smooth_noise(rng, (shape[0], max(2, shape[1] // 8)), 0.012 * density)
        grain = cv2.resize(grain, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
        plank = 1 - 0.22 * (np.mod(ys + 0.05, 0.27) < 0.008)
        return base * tint * ((1 + 0.09 * grain + 0.05 * cloud) * plank)[..., None]
    if kitchen.counter == "marble":
        vein = np.exp(-((np.sin(5 * xs + 3 * ys + 1.6 * cloud) / 0.09) ** 2))
        return np.array([0.90, 0.89, 0.87], np.float32) * tint * (1 - 0.13 * vein + 0.03 * cloud)[..., None]
    if kitchen.counter == "slate":
        return np.array([0.36, 0.40, 0.45], np.float32) * tint * (1 + 0.12 * cloud + 0.05 * fine)[..., None]
    if kitchen.counter == "granite":
        speck = smooth_noise(rng, shape, 0.012 * density)[..., None]
        mottled = np.where(
            speck > 0.7, [0.78, 0.72, 0.66], np.where(speck < -0.8, [0.14, 0.13, 0.14], [0.50, 0.44, 0.42])
        )
        return cv2.GaussianBlur(mottled.astype(np.float32), (0, 0), 0.006 * density) * tint
    if kitchen.counter == "tiles":
        tile = np.array([0.42, 0.60, 0.68], np.float32) * tint * (1 + 0.07 * cloud)[..., None]
        lines = (np.mod(xs, 0.31) < 0.014) | (np.mod(ys, 0.27) < 0.014)
        return np.where(lines[..., None], np.float32(0.86), tile)
    if kitchen.counter == "steel":
        brush = cv2.resize(smooth_noise(rng, (shape[0], 8), 0.008 * density), (shape[1], shape[0]))
        return np.array([0.66, 0.69, 0.72], np.float32) * tint * (1 + 0.05 * brush + 0.08 * cloud)[..., None]
    return np.array([0.78, 0.78, 0.76], np.float32) * tint * (1 + 0.025 * fine + 0.03 * cloud)[..., None]


def sink(room: np.ndarray, kitchen: Kitchen, xs: np.ndarray, ys: np.ndarray, density: float) -> None:
    """Draw basin and tap into the room, in place."""
    dx, dy = np.abs(xs - kitchen.sink_x) - 0.19, np.abs(ys - SINK_Y) - 0.065
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - 0.05
    rim = np.clip(0.5 - (outside - 0.022) * density, 0, 1)[..., None]
    inner = np.clip(0.5 - outside * density, 0, 1)[..., None]
    steel = np.asarray(STEEL, np.float32)
    room[:] = room * (1 - rim) + steel * 0.95 * rim
    depth = 0.42 + 1.0 * np.clip(ys - SINK_Y + 0.1, 0, 0.25) + 0.25 * (xs - kitchen.sink_x)
    room[:] = room * (1 - inner) + steel * depth[..., None] * inner
    hole = np.exp(-(((xs - kitchen.sink_x) / 0.03) ** 2) - ((ys - SINK_Y - 0.03) / 0.02) ** 2)
    room *= 1 - 0.7 * hole[..., None]
    spout = tools.tap(density)
    paste(room, spout, kitchen.sink_x + MARGIN, SINK_Y - 0.10 + MARGIN, density)
