"""What hands use in the kitchen: knife, spoon, cutting board, glass and tap. Units are picture heights."""

import numpy as np

from egokd.datasets.demos.kit.paint import Pen, Sprite
from egokd.datasets.demos.kit.sprites import STEEL, WOOD, mix, round_shade, tone


def knife(density: float) -> Sprite:
    """Held by its anchor; the blade points to the left."""
    pen = Pen(-0.36, -0.06, 0.14, 0.08, density)
    blade = pen.polygon([(-0.03, -0.03), (-0.30, -0.022), (-0.34, 0.0), (-0.30, 0.032), (-0.03, 0.040)])
    pen.paint(blade, STEEL, 0.9 - 4.0 * pen.y + 0 * pen.x)
    edge = pen.polygon([(-0.03, 0.028), (-0.30, 0.022), (-0.33, 0.006), (-0.30, 0.032), (-0.03, 0.040)])
    pen.paint(edge, (0.97, 0.98, 1.0))
    grip = pen.capsule((-0.02, 0.0), (0.11, 0.008), 0.026, 0.028)
    pen.paint(grip, (0.16, 0.14, 0.14), pen.puffy(grip, 0.8))
    return pen.finish()


def stirrer(density: float) -> Sprite:
    """A wooden spoon held by its upper end; its head is down to the left."""
    pen = Pen(-0.26, -0.06, 0.08, 0.22, density)
    stem = pen.capsule((0.04, -0.03), (-0.16, 0.13), 0.014, 0.015)
    pen.paint(stem, WOOD, pen.puffy(stem, 0.9))
    head = pen.ellipse(-0.19, 0.152, 0.05, 0.035, -0.66)
    pen.paint(head, tone(WOOD, 0.9), pen.puffy(head, 0.8))
    return pen.finish()


def board(density: float) -> Sprite:
    """Cutting board lying on the counter."""
    pen = Pen(-0.36, -0.22, 0.36, 0.24, density)
    outline = [(-0.27, -0.18), (0.27, -0.18), (0.33, 0.18), (-0.33, 0.18)]
    pen.paint(pen.polygon([(x, y + 0.025) for x, y in outline]), tone(WOOD, 0.6))
    grain = 1.0 + 0.07 * np.sin(pen.y * 130 + 3 * np.sin(pen.x * 9)) + 0.05 * np.sin(pen.y * 310 + pen.x * 12)
    pen.paint(pen.polygon(outline), mix(WOOD, (0.95, 0.80, 0.58), 0.5), grain)
    return pen.finish()


def glass(density: float) -> Sprite:
    """A half-transparent tumbler; anchor in its middle."""
    pen = Pen(-0.11, -0.16, 0.11, 0.16, density)
    body = np.maximum(
        pen.polygon([(-0.09, -0.11), (0.09, -0.11), (0.07, 0.11), (-0.07, 0.11)]),
        pen.ellipse(0, 0.11, 0.07, 0.025),
    )
    pen.paint(body * 0.55, (0.80, 0.90, 0.95), round_shade(pen.x, 0.09) * np.ones_like(pen.alpha))
    pen.paint(pen.ellipse(0, -0.11, 0.09, 0.034) * 0.8, (0.95, 0.98, 1.0))
    pen.paint(pen.ellipse(0, -0.108, 0.078, 0.026) * 0.7, (0.62, 0.72, 0.78))
    return pen.finish()


def tap(density: float) -> Sprite:
    """A tap standing behind the sink; the anchor is the mouth of its spout."""
    pen = Pen(-0.12, -0.30, 0.16, 0.05, density)
    for a, b, r in (((0.09, 0.0), (0.09, -0.20), 0.028), ((0.09, -0.20), (0.0, -0.17), 0.026)):
        pipe = pen.capsule(a, b, r, r * 0.95)
        pen.paint(pipe, STEEL, pen.puffy(pipe, 1.0, 0.4))
    mouth = pen.capsule((0.0, -0.17), (0.0, -0.01), 0.024, 0.026)
    pen.paint(mouth, STEEL, pen.puffy(mouth, 1.0, 0.4))
    lever = pen.capsule((0.09, -0.21), (0.13, -0.27), 0.014, 0.017)
    pen.paint(lever, tone(STEEL, 0.9), pen.puffy(lever, 1.0, 0.4))
    return pen.finish()
