"""Hands with sleeves.

A hand is drawn as a right hand coming from the lower right; its anchor is the point between thumb and
fingers. Left hands are the mirror image. Units are picture heights.
"""

import numpy as np

from egokd.datasets.demos.kit.colours import Colour
from egokd.datasets.demos.kit.paint import Pen, Sprite
from egokd.datasets.demos.kit.sprites import mix, tone

HAND_EXTENT = (-0.10, -0.12, 0.20, 0.21)
OPEN_FINGERS = (
    ((0.07, 0.05), (-0.10, -0.02)),
    ((0.08, 0.03), (-0.055, -0.095)),
    ((0.10, 0.02), (0.005, -0.125)),
)
GRIP_FINGERS = (
    ((0.08, 0.06), (-0.055, 0.045)),
    ((0.08, 0.03), (-0.065, 0.0)),
    ((0.09, 0.0), (-0.05, -0.042)),
)


def hand(skin: Colour, sleeve: Colour, stripes: bool, grip: bool, density: float) -> Sprite:
    """Open or gripping hand with forearm; the extent covers the hand without the arm."""
    pen = Pen(-0.20, -0.20, 0.72, 1.05, density)
    arm = pen.capsule((0.13, 0.13), (0.52, 0.86), 0.085, 0.13)
    pen.paint(arm, skin, pen.puffy(arm, 1.0, 0.45))
    cloth = pen.capsule((0.27, 0.39), (0.60, 1.02), 0.118, 0.165)
    shade = pen.puffy(cloth, 1.0, 0.42)
    along = pen.x * 0.47 + pen.y * 0.88
    shade = shade * (1 + 0.07 * np.sin(along * 70 + 6 * np.sin(pen.x * 14)))
    pen.paint(cloth, sleeve, shade)
    if stripes:
        pen.paint(cloth * (np.sin(along * 75) > 0.3), mix(sleeve, (1, 1, 1), 0.55), shade)
    cuff = pen.capsule((0.235, 0.40), (0.355, 0.345), 0.032, 0.032)
    pen.paint(cuff, tone(sleeve, 0.8), pen.puffy(cuff, 0.8))
    palm = np.maximum(pen.ellipse(0.105, 0.09, 0.098, 0.115, -0.5), pen.capsule((0.09, 0.05), (0.15, 0.15), 0.07, 0.08))
    pen.paint(palm, skin, pen.puffy(palm, 0.8, 0.5))
    fingers = GRIP_FINGERS if grip else OPEN_FINGERS
    bent = ((0.13, 0.0), (0.03, -0.085)) if grip else ((0.13, 0.01), (0.07, -0.13))
    for start, tip in [bent, *reversed(fingers)]:
        joint = (0.45 * start[0] + 0.55 * tip[0] + 0.012, 0.45 * start[1] + 0.55 * tip[1] - 0.018)
        for a, b, r0, r1 in ((start, joint, 0.032, 0.029), (joint, tip, 0.029, 0.022)):
            edge = pen.capsule(a, b, r0 + 0.005, r1 + 0.005)
            pen.paint(edge * 0.55, tone(skin, 0.55))
        for a, b, r0, r1 in ((start, joint, 0.032, 0.029), (joint, tip, 0.029, 0.022)):
            part = pen.capsule(a, b, r0, r1)
            pen.paint(part, skin, pen.puffy(part, 0.9, 0.5))
        pen.paint(pen.ellipse(*tip, 0.012, 0.010) * 0.6, mix(skin, (1, 0.85, 0.82), 0.6))
    thumb_tip = (-0.03, 0.115) if grip else (-0.075, 0.13)
    thumb = pen.capsule((0.08, 0.155), thumb_tip, 0.037, 0.025)
    pen.paint(pen.capsule((0.08, 0.155), thumb_tip, 0.042, 0.030) * 0.5, tone(skin, 0.55))
    pen.paint(thumb, skin, pen.puffy(thumb, 0.9, 0.5))
    return pen.finish(HAND_EXTENT)
