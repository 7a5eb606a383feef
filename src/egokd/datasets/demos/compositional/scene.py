"""Draws one clip frame by frame: a table, a hand, the objects; with the true boxes of hand and objects."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from egokd.datasets.demos.compositional.motion import Script, State, depth_scale, make_script, state_at
from egokd.datasets.demos.compositional.script import COLOURS, Clip, Thing
from egokd.datasets.demos.kit import hands, sprites
from egokd.datasets.demos.kit.colours import SKIN, hsv
from egokd.datasets.demos.kit.easing import Point
from egokd.datasets.demos.kit.noise import smooth_noise
from egokd.datasets.demos.kit.paint import Box, Sprite, moved, paste, placed_box, shadow_of
from egokd.hashing import world_generator

MARGIN = 0.08  # how much of the table is drawn outside the picture on each side, picture heights
HAND = "hand"
TABLES = ((0.09, 0.50, 0.62), (0.07, 0.45, 0.40), (0.10, 0.10, 0.86), (0.58, 0.12, 0.62), (0.33, 0.14, 0.55))  # HSV


@dataclass(frozen=True)
class Seen:
    """One true box in picture heights: HAND, or the number of an object in the clip's `things`."""

    what: str | int
    box: Box


@lru_cache(maxsize=64)
def thing_sprites(thing: Thing, density: float) -> tuple[Sprite, Sprite]:
    """The object and its shadow."""
    sprite = sprites.OBJECTS[thing.shape](hsv(*COLOURS[thing.colour]), density)
    return sprite, shadow_of(sprite, 0.022)


@lru_cache(maxsize=64)
def person_hands(seed: int, split: str, person: int, density: float) -> dict[bool, tuple[Sprite, Sprite]]:
    """Gripping (True) and open hand of one person, each with its shadow."""
    rng = world_generator(seed, "person", split, person)
    skin = SKIN[int(rng.integers(len(SKIN)))]
    sleeve = hsv(rng.uniform(), rng.uniform(0.05, 0.6), rng.uniform(0.25, 0.85))
    stripes = bool(rng.uniform() < 0.3)
    drawn = {grip: hands.hand(skin, sleeve, stripes, grip, density) for grip in (False, True)}
    return {grip: (sprite, shadow_of(sprite, 0.03)) for grip, sprite in drawn.items()}


class Stage:
    """One clip's world. `frame(k)` may be called for any frame, in any order."""

    def __init__(self, seed: int, clip: Clip, width: float, density: float) -> None:
        self.clip, self.width, self.density = clip, width, density
        rng = world_generator(seed, "stage", clip.clip_id)
        self.script: Script = make_script(clip, width, rng)
        self.hands = person_hands(seed, clip.split, clip.person, density)
        self.table = table(rng, width, density)
        self.light = light(rng, width, density)
        self.sway = rng.uniform(0.003, 0.010) * rng.uniform(-1, 1, 2)
        self.rhythm = rng.uniform(0, 2 * np.pi, 2)
        self._set_table(rng)

    def _set_table(self, rng: np.random.Generator) -> None:
        """Draw what never moves into the table: clutter behind, and the second object of the action."""
        self.still: list[tuple[int, Box]] = []
        if self.clip.clutter:
            place = rng.uniform(0.15, self.width - 0.15), rng.uniform(0.16, 0.26)
            self._lay(self.table, self.clip.clutter, place, 0.85 * depth_scale(place[1]), MARGIN)
        if len(self.clip.things) > 1:
            size = rng.uniform(0.90, 1.15) * depth_scale(self.script.second[1])
            box = self._lay(self.table, self.clip.things[1], self.script.second, size, MARGIN)
            self.still.append((1, box))

    def _lay(
        self,
        picture: np.ndarray,
        thing: Thing,
        place: Point,
        size: float,
        margin: float = 0.0,
        turn: float = 0.0,
        lift: float = 0.0,
    ) -> Box:
        """Draw an object with its shadow in place; returns its box. The picture begins at -margin."""
        sprite, shadow = thing_sprites(thing, self.density)
        far = 0.012 + 0.10 * lift
        x, y = place[0] + margin, place[1] + margin
        paste(picture, shadow, x + far, y + 0.02 + far, self.density, size, turn, opacity=1 / (1 + 3 * lift))
        paste(picture, sprite, x, y - lift, self.density, size, turn)
        return placed_box(sprite, place[0], place[1] - lift, size, turn)

    def camera(self, frame: int) -> Point:
        """Offset of the picture's upper left corner: a hand-held camera."""
        t = 2 * np.pi * frame / 12
        x, y = (float(a * np.sin(0.6 * t + p)) for a, p in zip(self.sway, self.rhythm, strict=True))
        return x, y

    def frame(self, number: int) -> tuple[np.ndarray, list[Seen]]:
        """Frame `number` (from 0) as float32 RGB [h, w, 3] in 0 to 1 at full density, and the true boxes."""
        state = state_at(self.script, number / max(self.clip.frames - 1, 1))
        cx, cy = self.camera(number)
        size = (round(self.width * self.density), round(self.density))
        shift = np.array([[1, 0, (cx + MARGIN) * self.density], [0, 1, (cy + MARGIN) * self.density]], np.float64)
        picture = cv2.warpAffine(self.table, shift, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        seen = [Seen(k, moved(box, -cx, -cy)) for k, box in self.still]
        place = state.thing[0] - cx, state.thing[1] - cy
        box = self._lay(picture, self.clip.things[0], place, state.size, turn=state.turn, lift=state.lift)
        seen.append(Seen(0, box))
        seen.append(Seen(HAND, self._draw_hand(picture, state, cx, cy)))
        picture *= self.light
        return np.clip(picture, 0, 1, out=picture), seen

    def _draw_hand(self, picture: np.ndarray, state: State, cx: float, cy: float) -> Box:
        sprite, shadow = self.hands[state.grip]
        x, y, left = state.hand[0] - cx, state.hand[1] - cy, self.script.left_handed
        far = 0.02 + 0.12 * state.lift
        paste(picture, shadow, x + far, y + 0.015 + far, self.density, 0.95, 0.0, left, 0.6)
        paste(picture, sprite, x, y, self.density, 0.95, 0.0, left)
        return placed_box(sprite, x, y, 0.95, 0.0, left)


def table(rng: np.random.Generator, width: float, density: float) -> np.ndarray:
    """Table top, float32 RGB [H, W, 3], from -MARGIN to `width` + MARGIN and from -MARGIN to 1 + MARGIN."""
    shape = round((1 + 2 * MARGIN) * density), round((width + 2 * MARGIN) * density)
    hue, saturation, value = TABLES[int(rng.integers(len(TABLES)))]
    base = hsv(hue + rng.uniform(-0.03, 0.03), saturation * rng.uniform(0.7, 1.2), value * rng.uniform(0.85, 1.1))
    cloud = 0.05 * smooth_noise(rng, shape, 0.10 * density)
    grain = smooth_noise(rng, (shape[0], max(2, shape[1] // int(rng.integers(1, 10)))), 0.012 * density)
    grain = cv2.resize(grain, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    pattern = 1 + cloud + rng.uniform(0.03, 0.08) * grain
    if rng.uniform() < 0.5:  # planks or tiles
        lines = np.mod(np.arange(shape[0]) / density + rng.uniform(), rng.uniform(0.25, 0.4)) < 0.012
        pattern = pattern * (1 - 0.2 * lines[:, None])
    top = np.asarray(base, np.float32) * pattern[..., None]
    return np.ascontiguousarray(np.clip(top, 0, 1), np.float32)


def light(rng: np.random.Generator, width: float, density: float) -> np.ndarray:
    """Light of one clip, float32 [h, w, 3]: brightness, colour, a soft gradient."""
    ys, xs = np.mgrid[0 : round(density), 0 : round(width * density)].astype(np.float32) / density
    angle, warm = rng.uniform(0, 2 * np.pi), rng.uniform(-0.08, 0.08)
    slope = np.cos(angle) * (xs - width / 2) + np.sin(angle) * (ys - 0.5)
    level = rng.uniform(0.85, 1.10) * (1 + 0.16 * slope)
    return (level[..., None] * np.array([1 + warm, 1, 1 - warm])).astype(np.float32)
