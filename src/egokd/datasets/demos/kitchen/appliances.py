"""What stands at the back of the counter: one appliance is in view at every place of a kitchen.

Drawn around the anchor (0, 0), the middle of its foot; units are picture heights. Colours are the same in all kitchens.
"""

from collections.abc import Callable

import numpy as np

from egokd.datasets.demos.kit.paint import Pen, Sprite
from egokd.datasets.demos.kit.sprites import STEEL, WOOD, round_shade, tone

RED, GREEN, BLACK, CREAM = (0.80, 0.16, 0.14), (0.24, 0.55, 0.22), (0.15, 0.15, 0.17), (0.93, 0.86, 0.66)
BLUE, YELLOW, CLAY = (0.18, 0.38, 0.70), (0.95, 0.78, 0.20), (0.72, 0.38, 0.22)


def kettle(density: float) -> Sprite:
    pen = Pen(-0.17, -0.30, 0.17, 0.04, density)
    handle = np.clip(pen.ellipse(0.08, -0.15, 0.075, 0.10) - pen.ellipse(0.08, -0.15, 0.045, 0.07), 0, 1)
    pen.paint(handle, BLACK)
    body = pen.polygon([(-0.07, -0.24), (0.07, -0.24), (0.11, 0.0), (-0.11, 0.0)])
    pen.paint(body, STEEL, round_shade(pen.x, 0.11) * np.ones_like(pen.alpha))
    pen.paint(pen.polygon([(-0.07, -0.21), (-0.15, -0.24), (-0.085, -0.15)]), tone(STEEL, 0.85))
    pen.paint(pen.ellipse(0, -0.24, 0.07, 0.025), BLACK)
    return pen.finish()


def toaster(density: float) -> Sprite:
    pen = Pen(-0.19, -0.26, 0.19, 0.04, density)
    body = pen.capsule((-0.10, -0.09), (0.10, -0.09), 0.085, 0.085)
    pen.paint(body, RED, pen.puffy(body, 0.8, 0.45))
    for x in (-0.055, 0.055):
        toast = pen.polygon([(x - 0.04, -0.24), (x + 0.04, -0.24), (x + 0.04, -0.14), (x - 0.04, -0.14)])
        pen.paint(toast, (0.80, 0.58, 0.30))
    pen.paint(pen.ellipse(0.13, -0.06, 0.02, 0.02), STEEL)
    return pen.finish()


def plant(density: float) -> Sprite:
    pen = Pen(-0.19, -0.34, 0.19, 0.04, density)
    pot = pen.polygon([(-0.08, -0.12), (0.08, -0.12), (0.06, 0.0), (-0.06, 0.0)])
    pen.paint(pot, CLAY, round_shade(pen.x, 0.08) * np.ones_like(pen.alpha))
    for angle in np.linspace(-2.6, -0.5, 7):
        leaf = pen.ellipse(0.09 * np.cos(angle), -0.13 + 0.10 * np.sin(angle), 0.085, 0.032, angle)
        pen.paint(leaf, tone(GREEN, 0.8 + 0.1 * (np.cos(5 * angle) + 1)), pen.puffy(leaf, 0.6))
    return pen.finish()


def radio(density: float) -> Sprite:
    pen = Pen(-0.20, -0.30, 0.20, 0.04, density)
    pen.paint(pen.capsule((0.10, -0.18), (0.16, -0.29), 0.008, 0.005), STEEL)
    pen.paint(pen.polygon([(-0.17, -0.19), (0.17, -0.19), (0.17, 0.0), (-0.17, 0.0)]), BLUE, 1.0 - 0.8 * pen.y)
    pen.paint(pen.ellipse(-0.08, -0.095, 0.065, 0.065), BLACK)
    pen.paint(pen.polygon([(0.02, -0.16), (0.14, -0.16), (0.14, -0.09), (0.02, -0.09)]), CREAM)
    return pen.finish()


def knife_block(density: float) -> Sprite:
    pen = Pen(-0.16, -0.32, 0.16, 0.04, density)
    pen.paint(pen.polygon([(-0.10, -0.18), (0.06, -0.24), (0.11, 0.0), (-0.10, 0.0)]), WOOD, 1.0 - 0.5 * pen.y)
    for x in (-0.07, -0.02, 0.03):
        grip = pen.capsule((x, -0.20 - x * 0.4), (x - 0.03, -0.29 - x * 0.4), 0.017, 0.017)
        pen.paint(grip, BLACK, pen.puffy(grip, 0.7))
    return pen.finish()


def coffee_machine(density: float) -> Sprite:
    pen = Pen(-0.17, -0.34, 0.17, 0.04, density)
    pen.paint(pen.polygon([(-0.14, -0.31), (0.14, -0.31), (0.14, 0.0), (-0.14, 0.0)]), BLACK, 1.2 + 1.5 * pen.x)
    pen.paint(pen.polygon([(-0.10, -0.19), (0.10, -0.19), (0.10, -0.03), (-0.10, -0.03)]), (0.33, 0.33, 0.36))
    pen.paint(pen.polygon([(-0.06, -0.13), (0.06, -0.13), (0.05, -0.03), (-0.05, -0.03)]), (0.30, 0.16, 0.08))
    pen.paint(pen.ellipse(0.09, -0.25, 0.02, 0.02), (0.9, 0.2, 0.1))
    return pen.finish()


def fruit_bowl(density: float) -> Sprite:
    pen = Pen(-0.20, -0.24, 0.20, 0.04, density)
    for x, y in ((-0.09, -0.12), (0.09, -0.12), (0.0, -0.15)):
        fruit = pen.ellipse(x, y, 0.062, 0.058)
        pen.paint(fruit, YELLOW, pen.puffy(fruit, 0.9, 0.45))
    t = np.linspace(0, np.pi, 24)
    hull = pen.polygon(list(zip(0.17 * np.cos(t), -0.10 + 0.10 * np.sin(t) ** 0.8, strict=True)))
    pen.paint(hull, CREAM, round_shade(pen.x, 0.17) * np.ones_like(pen.alpha))
    return pen.finish()


def mixer(density: float) -> Sprite:
    pen = Pen(-0.20, -0.32, 0.20, 0.04, density)
    pink = (0.92, 0.55, 0.66)
    pen.paint(pen.capsule((-0.14, -0.02), (0.13, -0.02), 0.025, 0.025), pink)
    post = pen.capsule((0.11, -0.03), (0.10, -0.22), 0.04, 0.045)
    pen.paint(post, pink, pen.puffy(post, 0.8))
    head = pen.capsule((0.12, -0.245), (-0.12, -0.235), 0.055, 0.045)
    pen.paint(head, pink, pen.puffy(head, 0.9))
    pen.paint(pen.polygon([(-0.13, -0.15), (0.05, -0.15), (0.03, -0.04), (-0.10, -0.04)]), STEEL, 1.0 + pen.x)
    return pen.finish()


APPLIANCES: dict[str, Callable[[float], Sprite]] = {
    "kettle": kettle,
    "toaster": toaster,
    "plant": plant,
    "radio": radio,
    "knife block": knife_block,
    "coffee machine": coffee_machine,
    "fruit bowl": fruit_bowl,
    "mixer": mixer,
}
