"""The handled objects, as seen obliquely from above by somebody standing at the counter.

Every function draws around the anchor (0, 0), the place where a hand grips the object; units are picture
heights. The form of an object is the same in all kitchens, its colour is not.
"""

from collections.abc import Callable

import numpy as np

from egokd.datasets.demos.kit.colours import Colour
from egokd.datasets.demos.kit.paint import Pen, Sprite

STEEL = (0.78, 0.80, 0.83)
WOOD = (0.66, 0.46, 0.28)


def tone(colour: Colour, factor: float) -> Colour:
    """The colour made darker (below 1) or lighter."""
    red, green, blue = (float(np.clip(c * factor, 0, 1)) for c in colour)
    return red, green, blue


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Share of `b` in a mixture of two colours."""
    red, green, blue = ((1 - share) * p + share * q for p, q in zip(a, b, strict=True))
    return red, green, blue


def round_shade(x: np.ndarray, radius: float) -> np.ndarray:
    """Light on an upright cylinder: bright left of the middle, dark at the right edge."""
    t = np.clip(x / radius, -1, 1)
    return 1.08 - 0.42 * (t - (-0.35)) ** 2 + 0.22 * np.exp(-(((t + 0.45) / 0.16) ** 2))


def cup(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.16, -0.16, 0.20, 0.18, density)
    ring = np.clip(pen.ellipse(0.115, 0.0, 0.062, 0.066) - pen.ellipse(0.112, 0.0, 0.034, 0.038), 0, 1)
    pen.paint(ring, tone(colour, 0.85), pen.puffy(ring, 0.6))
    body = np.maximum(
        pen.polygon([(-0.11, -0.08), (0.11, -0.08), (0.085, 0.12), (-0.085, 0.12)]),
        pen.ellipse(0, 0.12, 0.085, 0.03),
    )
    pen.paint(body, colour, round_shade(pen.x, 0.11) * np.ones_like(pen.alpha))
    pen.paint(pen.ellipse(0, -0.08, 0.11, 0.045), tone(colour, 1.15))
    pen.paint(pen.ellipse(0, -0.077, 0.095, 0.036), tone(colour, 0.45), 0.8 + 1.2 * (pen.x + 0.1))
    pen.paint(pen.ellipse(0, -0.068, 0.082, 0.024), (0.30, 0.18, 0.10))
    return pen.finish()


def plate(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.24, -0.17, 0.24, 0.17, density)
    slope = 1.0 - 0.5 * (pen.x + 1.5 * pen.y)
    pen.paint(pen.ellipse(0, 0.012, 0.215, 0.135), tone(colour, 0.62))
    pen.paint(pen.ellipse(0, 0, 0.215, 0.132), colour, slope)
    pen.paint(pen.ellipse(0, 0, 0.195, 0.117), mix(colour, (0.25, 0.35, 0.65), 0.45), slope)
    pen.paint(pen.ellipse(0, 0, 0.182, 0.108), colour, slope)
    pen.paint(pen.ellipse(0, 0.006, 0.135, 0.078), tone(colour, 0.86), 1.0 + 0.9 * (pen.x + pen.y))
    pen.paint(pen.ellipse(0, 0.012, 0.124, 0.068), tone(colour, 0.97), slope)
    return pen.finish()


def bowl(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.20, -0.15, 0.20, 0.18, density)
    t = np.linspace(0, np.pi, 24)
    hull = pen.polygon(list(zip(0.17 * np.cos(t), -0.05 + 0.19 * np.sin(t) ** 0.8, strict=True)))
    pen.paint(hull, colour, round_shade(pen.x, 0.17) - 1.2 * np.clip(pen.y, 0, 1))
    pen.paint(pen.ellipse(0, -0.05, 0.17, 0.075), tone(colour, 1.2))
    pen.paint(pen.ellipse(0, -0.046, 0.152, 0.062), tone(colour, 0.55), 0.9 + 1.6 * (pen.x + 0.12))
    pen.paint(pen.ellipse(0, -0.032, 0.125, 0.042), (0.93, 0.86, 0.62), 1.0 + 0.8 * pen.x)
    return pen.finish()


def pan(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.46, -0.16, 0.22, 0.17, density)
    grip = pen.capsule((-0.18, 0.0), (-0.42, 0.06), 0.022, 0.028)
    pen.paint(grip, mix(colour, (0.12, 0.10, 0.10), 0.6), pen.puffy(grip, 0.8))
    pen.paint(
        pen.ellipse(0, 0.03, 0.19, 0.125),
        tone(colour, 0.6),
        round_shade(pen.x, 0.19) * np.ones_like(pen.alpha),
    )
    pen.paint(pen.ellipse(0, 0, 0.19, 0.12), tone(colour, 1.9), 1.0 - 0.8 * pen.x - pen.y)
    pen.paint(pen.ellipse(0, 0.004, 0.175, 0.108), tone(colour, 0.75), 1 + 1.5 * (pen.x + pen.y))
    pen.paint(pen.ellipse(0, 0.018, 0.15, 0.085), tone(colour, 1.15), 1 + 0.8 * (pen.x - pen.y))
    pen.paint(pen.ellipse(-0.05, 0.0, 0.05, 0.02, -0.3), mix(colour, (1, 1, 1), 0.35))
    return pen.finish()


def bottle(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.10, -0.27, 0.10, 0.22, density)
    outline = [(-0.028, -0.22), (0.028, -0.22), (0.03, -0.11), (0.075, -0.05), (0.075, 0.18), (-0.075, 0.18)]
    body = np.maximum(pen.polygon([*outline, (-0.075, -0.05), (-0.03, -0.11)]), pen.ellipse(0, 0.18, 0.075, 0.024))
    pen.paint(body, colour, round_shade(pen.x, 0.075) * np.ones_like(pen.alpha))
    label = pen.polygon([(-0.075, 0.0), (0.075, 0.0), (0.075, 0.12), (-0.075, 0.12)])
    pen.paint(label, (0.95, 0.92, 0.82), round_shade(pen.x, 0.09) * np.ones_like(pen.alpha))
    pen.paint(pen.polygon([(-0.05, 0.03), (0.05, 0.03), (0.05, 0.07), (-0.05, 0.07)]), tone(colour, 0.8))
    cap = pen.polygon([(-0.034, -0.255), (0.034, -0.255), (0.034, -0.20), (-0.034, -0.20)])
    pen.paint(cap, (0.82, 0.25, 0.18), round_shade(pen.x, 0.034) * np.ones_like(pen.alpha))
    return pen.finish()


def tomato(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.13, -0.13, 0.13, 0.13, density)
    ball = pen.ellipse(0, 0, 0.108, 0.096)
    pen.paint(ball, colour, pen.puffy(ball, 1.0, 0.38))
    for k in range(5):
        a = k * 2 * np.pi / 5 + 0.4
        tip = (0.045 * np.cos(a), -0.05 + 0.026 * np.sin(a))
        pen.paint(pen.capsule((0, -0.05), tip, 0.013, 0.003), (0.20, 0.45, 0.14))
    pen.paint(pen.ellipse(-0.045, -0.015, 0.022, 0.014, -0.5), mix(colour, (1, 1, 1), 0.75))
    return pen.finish()


def carrot(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.21, -0.09, 0.25, 0.09, density)
    for k in (-0.05, -0.015, 0.02, 0.055):
        leaf = pen.capsule((0.12, 0.0), (0.235, k), 0.014, 0.008)
        pen.paint(leaf, (0.22, 0.52, 0.16), pen.puffy(leaf, 0.7))
    root = pen.capsule((0.11, 0.0), (-0.19, 0.018), 0.056, 0.010)
    pen.paint(root, colour, pen.puffy(root, 1.0, 0.42))
    for k in (-0.10, -0.03, 0.03, 0.08):
        pen.paint(pen.capsule((k, -0.02), (k + 0.006, 0.01), 0.004, 0.002), tone(colour, 0.62))
    return pen.finish()


def bread(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.23, -0.14, 0.23, 0.14, density)
    loaf = np.maximum(pen.capsule((-0.10, 0.02), (0.10, 0.02), 0.098, 0.098), pen.ellipse(0, -0.02, 0.17, 0.10))
    pen.paint(loaf, colour, pen.puffy(loaf, 0.9, 0.42))
    for k in (-0.10, -0.02, 0.06):
        cut = pen.capsule((k - 0.012, -0.055), (k + 0.045, 0.03), 0.013, 0.010)
        pen.paint(cut, mix(colour, (1.0, 0.93, 0.75), 0.65), pen.puffy(cut, 0.5))
    return pen.finish()


def spoon(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.22, -0.10, 0.24, 0.10, density)
    stem = pen.capsule((-0.08, -0.004), (0.21, 0.035), 0.016, 0.022)
    pen.paint(stem, colour, pen.puffy(stem, 0.9))
    head = pen.ellipse(-0.135, -0.012, 0.072, 0.052)
    pen.paint(head, tone(colour, 1.05), pen.puffy(head, 0.6))
    pen.paint(pen.ellipse(-0.135, -0.008, 0.052, 0.036), tone(colour, 0.6), 1.0 - 5.0 * (pen.x + 0.135))
    return pen.finish()


def box(colour: Colour, density: float) -> Sprite:
    pen = Pen(-0.14, -0.22, 0.17, 0.20, density)
    pen.paint(pen.polygon([(0.10, -0.13), (0.15, -0.18), (0.15, 0.13), (0.10, 0.18)]), tone(colour, 0.55))
    pen.paint(pen.polygon([(-0.11, -0.13), (-0.06, -0.18), (0.15, -0.18), (0.10, -0.13)]), tone(colour, 1.25))
    front = pen.polygon([(-0.11, -0.13), (0.10, -0.13), (0.10, 0.18), (-0.11, 0.18)])
    pen.paint(front, colour, 1.0 - 0.5 * pen.y - 0.4 * pen.x)
    pen.paint(pen.ellipse(-0.005, 0.045, 0.07, 0.07), (0.98, 0.92, 0.70))
    pen.paint(pen.ellipse(-0.005, 0.045, 0.045, 0.045), mix(colour, (0.95, 0.55, 0.15), 0.7))
    pen.paint(pen.polygon([(-0.09, -0.10), (0.08, -0.10), (0.08, -0.06), (-0.09, -0.06)]), (0.97, 0.97, 0.95))
    return pen.finish()


OBJECTS: dict[str, Callable[[Colour, float], Sprite]] = {
    "cup": cup,
    "plate": plate,
    "bowl": bowl,
    "pan": pan,
    "bottle": bottle,
    "tomato": tomato,
    "carrot": carrot,
    "bread": bread,
    "spoon": spoon,
    "box": box,
}
