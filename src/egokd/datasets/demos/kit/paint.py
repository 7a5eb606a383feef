"""Anti-aliased drawing of small shaded pictures with a transparent background.

Drawing happens once per kitchen at four times the needed resolution; frames then only paste the results.
Shapes are in local units (heights of the picture, x to the right, y down, origin at the anchor).
"""

from dataclasses import dataclass

import cv2
import numpy as np

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in picture heights

OVERSAMPLE = 4
LIGHT = np.array([-0.45, -0.65, 0.62], np.float32)  # towards the lamp: from the upper left, above


@dataclass(frozen=True)
class Sprite:
    """Premultiplied RGBA float32 [H, W, 4] in 0 to 1, pixels per unit, anchor in pixels.

    `extent` is the box of what counts for a detector, in units relative to the anchor: x1, y1, x2, y2.
    """

    rgba: np.ndarray
    density: float
    anchor: tuple[float, float]
    extent: Box


class Pen:
    """A transparent canvas; masks are float32 [h, w] in 0 to 1."""

    def __init__(self, left: float, top: float, right: float, bottom: float, density: float) -> None:
        self.box, self.density = (left, top, right, bottom), density
        self.k = density * OVERSAMPLE
        self.w, self.h = (max(8, round(v * density)) * OVERSAMPLE for v in (right - left, bottom - top))
        self.rgb = np.zeros((self.h, self.w, 3), np.float32)
        self.alpha = np.zeros((self.h, self.w), np.float32)
        xs = (np.arange(self.w, dtype=np.float32) + 0.5) / self.k + left
        ys = (np.arange(self.h, dtype=np.float32) + 0.5) / self.k + top
        self.x, self.y = xs[None, :], ys[:, None]

    def _points(self, points: list[tuple[float, float]]) -> np.ndarray:
        scaled = [((x - self.box[0]) * self.k, (y - self.box[1]) * self.k) for x, y in points]
        return np.round(np.array(scaled) * 16).astype(np.int32)

    def polygon(self, points: list[tuple[float, float]]) -> np.ndarray:
        mask = np.zeros((self.h, self.w), np.uint8)
        cv2.fillPoly(mask, [self._points(points)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255

    def ellipse(self, x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> np.ndarray:
        turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        c, s = np.cos(angle), np.sin(angle)
        px, py = rx * np.cos(turn), ry * np.sin(turn)
        return self.polygon(list(zip(x + c * px - s * py, y + s * px + c * py, strict=True)))

    def capsule(self, p: tuple[float, float], q: tuple[float, float], r0: float, r1: float) -> np.ndarray:
        """A thick line from p (radius r0) to q (radius r1) with round ends."""
        d = np.arctan2(q[1] - p[1], q[0] - p[0])
        a = np.linspace(d + np.pi / 2, d + 3 * np.pi / 2, 16)
        b = np.linspace(d - np.pi / 2, d + np.pi / 2, 16)
        points = [(p[0] + r0 * np.cos(t), p[1] + r0 * np.sin(t)) for t in a]
        points += [(q[0] + r1 * np.cos(t), q[1] + r1 * np.sin(t)) for t in b]
        return self.polygon(points)

    def paint(self, mask: np.ndarray, colour: tuple, shade: np.ndarray | float = 1.0) -> None:
        """Lay a colour, multiplied with `shade` (scalar or [h, w]), over what is there."""
        part = bounds(mask)
        shade = np.broadcast_to(np.asarray(shade, np.float32), mask.shape)[part]
        layer = np.asarray(colour, np.float32)[None, None] * shade[..., None]
        m = mask[part]
        self.rgb[part] += (np.clip(layer, 0, 1) - self.rgb[part]) * m[..., None]
        self.alpha[part] += (1 - self.alpha[part]) * m

    def puffy(self, mask: np.ndarray, depth: float = 1.0, ambient: float = 0.5) -> np.ndarray:
        """Shading [h, w] of a body that bulges towards the viewer inside the mask."""
        part = bounds(mask, border=4)
        inside = cv2.distanceTransform((mask[part] > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        top = max(float(inside.max()), 1.0)
        height = np.sqrt(np.clip(1 - (1 - inside / top) ** 2, 0, 1)) * top * depth
        height = cv2.GaussianBlur(height, (0, 0), max(1.0, top * 0.12))
        gx, gy = (
            cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
        lit = (-gx * LIGHT[0] - gy * LIGHT[1] + LIGHT[2]) / np.sqrt(gx**2 + gy**2 + 1)
        lit = np.clip(lit, 0, 1)
        shade = np.full(mask.shape, ambient, np.float32)
        shade[part] = ambient + (1.05 - ambient) * lit + np.clip(lit - 0.9, 0, 1)
        return shade

    def finish(self, extent: Box | None = None) -> Sprite:
        """Shrink to the final density; the extent is that of everything drawn unless given."""
        if extent is None:
            rows, cols = np.where(self.alpha.max(1) > 0.3)[0], np.where(self.alpha.max(0) > 0.3)[0]
            x1, x2 = self.box[0] + cols[0] / self.k, self.box[0] + (cols[-1] + 1) / self.k
            y1, y2 = self.box[1] + rows[0] / self.k, self.box[1] + (rows[-1] + 1) / self.k
            extent = (x1, y1, x2, y2)
        rgba = np.dstack([self.rgb * self.alpha[..., None], self.alpha])
        size = (self.w // OVERSAMPLE, self.h // OVERSAMPLE)
        rgba = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
        anchor = (-self.box[0] * self.density, -self.box[1] * self.density)
        return Sprite(np.ascontiguousarray(rgba), self.density, anchor, extent)


def bounds(mask: np.ndarray, border: int = 0) -> tuple[slice, slice]:
    """Rows and columns where the mask is not zero, with a border."""
    x, y, w, h = cv2.boundingRect((mask > 0).astype(np.uint8))
    return slice(max(y - border, 0), y + h + border), slice(max(x - border, 0), x + w + border)


def shadow_of(sprite: Sprite, blur: float) -> Sprite:
    """A soft dark copy of the sprite's outline; blur in units."""
    pad = max(2, round(3 * blur * sprite.density))
    alpha = cv2.copyMakeBorder(sprite.rgba[..., 3], pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    alpha = cv2.GaussianBlur(alpha, (0, 0), blur * sprite.density) * 0.5
    rgba = np.dstack([np.zeros((*alpha.shape, 3), np.float32), alpha])
    return Sprite(rgba, sprite.density, (sprite.anchor[0] + pad, sprite.anchor[1] + pad), sprite.extent)


def paste(
    frame: np.ndarray,
    sprite: Sprite,
    x: float,
    y: float,
    density: float,
    size: float = 1.0,
    angle: float = 0.0,
    mirror: bool = False,
    opacity: float = 1.0,
) -> None:
    """Draw the sprite into a float32 RGB frame with its anchor at (x, y) units, in place; angle in radians."""
    k = density * size / sprite.density
    c, s = k * np.cos(angle), k * np.sin(angle)
    matrix = np.array([[c, -s], [s, c]], np.float64)
    if mirror:
        matrix[:, 0] *= -1
    h, w = sprite.rgba.shape[:2]
    corners = np.array([[0, w, 0, w], [0, 0, h, h]], np.float64) - np.array(sprite.anchor)[:, None]
    placed = matrix @ corners + np.array([[x * density], [y * density]])
    x1, y1 = np.maximum(np.floor(placed.min(1)).astype(int) - 1, 0)
    x2, y2 = np.minimum(np.ceil(placed.max(1)).astype(int) + 1, (frame.shape[1], frame.shape[0]))
    if x2 <= x1 or y2 <= y1:
        return
    shift = np.array([x * density - x1, y * density - y1]) - matrix @ np.array(sprite.anchor)
    flags = cv2.INTER_AREA if k < 0.5 else cv2.INTER_LINEAR
    rgba = cv2.warpAffine(sprite.rgba, np.column_stack([matrix, shift]), (int(x2 - x1), int(y2 - y1)), flags=flags)
    if opacity != 1.0:
        rgba = rgba * np.float32(opacity)
    region = frame[y1:y2, x1:x2]
    # three equal planes: numpy multiplies whole rows then, where it would go pixel by pixel with a plane to share
    region *= 1 - cv2.cvtColor(cv2.extractChannel(rgba, 3), cv2.COLOR_GRAY2RGB)
    region += cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)


def placed_box(sprite: Sprite, x: float, y: float, size: float, angle: float, mirror: bool = False) -> Box:
    """Box around the sprite's extent when pasted so, in units: x1, y1, x2, y2."""
    x1, y1, x2, y2 = sprite.extent
    px, py = np.array([x1, x2, x1, x2]) * (-1 if mirror else 1), np.array([y1, y1, y2, y2])
    c, s = np.cos(angle) * size, np.sin(angle) * size
    qx, qy = x + c * px - s * py, y + s * px + c * py
    return float(qx.min()), float(qy.min()), float(qx.max()), float(qy.max())


def moved(box: Box, dx: float, dy: float) -> Box:
    """The box, dx further to the right and dy further down."""
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy
