"""Colours of both demo worlds: how they are written, and those of skin."""

import colorsys

Colour = tuple[float, float, float]  # RGB, 0 to 1

SKIN = (
    (0.96, 0.80, 0.69),
    (0.89, 0.69, 0.55),
    (0.78, 0.57, 0.43),
    (0.62, 0.43, 0.31),
    (0.45, 0.30, 0.21),
    (0.33, 0.22, 0.16),
)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """RGB of a hue (any real number, whole turns are dropped), saturation and value."""
    return colorsys.hsv_to_rgb(float(hue) % 1.0, float(saturation), float(value))
