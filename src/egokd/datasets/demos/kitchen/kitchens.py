"""What makes one kitchen look different from another: counter, walls, light, skin, sleeve, object colours."""

from dataclasses import dataclass

import numpy as np

from egokd.datasets.demos.kit.colours import SKIN, Colour, hsv
from egokd.datasets.demos.kitchen.script import NOUNS
from egokd.hashing import world_generator

# hue, saturation, value of each object in an average kitchen
OBJECT_HSV = {
    "cup": (0.58, 0.55, 0.85),
    "plate": (0.12, 0.08, 0.95),
    "bowl": (0.42, 0.45, 0.75),
    "pan": (0.60, 0.08, 0.26),
    "bottle": (0.34, 0.70, 0.50),
    "tomato": (0.01, 0.85, 0.86),
    "carrot": (0.07, 0.88, 0.95),
    "bread": (0.09, 0.58, 0.72),
    "spoon": (0.60, 0.05, 0.80),
    "box": (0.78, 0.45, 0.72),
}
# how far the hue may move from one kitchen to the next: food keeps its colour, crockery does not
HUE_FREEDOM = {"tomato": 0.012, "carrot": 0.012, "bread": 0.015, "pan": 0.1, "spoon": 0.1, "plate": 0.1}
SEEN_COUNTERS = ("oak", "marble", "laminate", "slate", "walnut", "tiles")
SHIFTED_COUNTERS = ("granite", "steel")
WARMTH, SHIFTED_WARMTH = 0.10, 0.16  # largest change of the light's red and blue


@dataclass(frozen=True)
class Kitchen:
    """Look of one participant's kitchen; colours are RGB in 0 to 1, positions in heights of the picture."""

    counter: str
    counter_tint: Colour
    wall: Colour
    light: Colour
    light_angle: float
    skin: Colour
    sleeve: Colour
    stripes: bool
    objects: dict[str, Colour]
    sink_x: float


def make_kitchen(seed: int, index: int, shifted: bool) -> Kitchen:
    """Kitchen `index`; `shifted` ones (validation only) have other counters, stronger light and hue shifts."""
    rng = world_generator(seed, "kitchen", index)
    counters = SHIFTED_COUNTERS if shifted else SEEN_COUNTERS
    warm = rng.uniform(-1, 1) * (SHIFTED_WARMTH if shifted else WARMTH)
    freedom = 0.035 if shifted else 0.03
    objects = {}
    for noun in NOUNS:
        hue, saturation, value = OBJECT_HSV[noun]
        hue += rng.uniform(-1, 1) * HUE_FREEDOM.get(noun, freedom)
        saturation = np.clip(saturation * rng.uniform(0.82, 1.15), 0, 0.95)
        value = np.clip(value * rng.uniform(0.88, 1.1), 0, 1)
        objects[noun] = hsv(hue, saturation, value)
    return Kitchen(
        counter=counters[index % len(counters)],
        counter_tint=hsv(rng.uniform(0.04, 0.13), rng.uniform(0.0, 0.22), rng.uniform(0.82, 1.0)),
        wall=hsv(rng.uniform(0, 1), rng.uniform(0.08, 0.3), rng.uniform(0.6, 0.92)),
        light=(1.0 + warm, 1.0, 1.0 - warm),
        light_angle=float(rng.uniform(0, 2 * np.pi)),
        skin=SKIN[int(rng.integers(len(SKIN)))],
        sleeve=hsv(rng.uniform(0, 1), rng.uniform(0.35, 0.8), rng.uniform(0.35, 0.8)),
        stripes=bool(rng.uniform() < 0.4),
        objects=objects,
        sink_x=float(rng.choice([0.50, 0.84]) + rng.uniform(-0.04, 0.04)),
    )
