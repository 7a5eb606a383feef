"""Puts one video together frame by frame, with the true boxes of hands and objects."""

from dataclasses import dataclass

import cv2
import numpy as np

from egokd.datasets.demos.kit.easing import Point
from egokd.datasets.demos.kit.paint import Box, moved, paste, placed_box
from egokd.datasets.demos.kitchen.backdrop import MARGIN, SINK_Y, backdrop
from egokd.datasets.demos.kitchen.kitchens import Kitchen, make_kitchen
from egokd.datasets.demos.kitchen.look import look_of
from egokd.datasets.demos.kitchen.motion import Script, State, make_script, state_at
from egokd.datasets.demos.kitchen.script import NOUNS, VideoPlan
from egokd.hashing import world_generator

FLAT = ("carrot", "bread", "spoon", "tomato")  # may lie turned in any direction
IDLE_TAP, IDLE_BOARD, IDLE_GLASS = 0.35, 0.3, 0.3  # shares of segments
APPLIANCE_Y = 0.27  # where the appliance stands, from the top
WATER = np.array([0.86, 0.94, 1.0], np.float32)


@dataclass(frozen=True)
class Seen:
    """One true box in picture heights: a hand (with side and contact) or an object."""

    kind: str
    box: Box
    left: bool = False
    contact: bool = False
    handled: bool = False


@dataclass(frozen=True)
class Clutter:
    name: str
    x: float
    y: float
    angle: float
    size: float


@dataclass(frozen=True)
class Shot:
    """One frame while it is drawn: its picture and boxes, which grow, and what it shows.

    number  of the action on show
    cx, cy  place of the picture's upper left corner
    """

    picture: np.ndarray
    seen: list[Seen]
    number: int
    time_s: float
    script: Script
    state: State
    cx: float
    cy: float


class Stage:
    """One video's world. `frame(t)` may be called for any time, in any order."""

    def __init__(self, seed: int, plan: VideoPlan, width: float, density: float) -> None:
        kitchen = make_kitchen(seed, plan.kitchen, plan.shifted)
        self.plan, self.kitchen, self.width, self.density = plan, kitchen, width, density
        self.look = look_of(seed, plan.kitchen, plan.shifted, density)
        rng = world_generator(seed, "stage", plan.video_id)
        self.room = backdrop(kitchen, rng, width, density)
        self.rhythm = rng.uniform(0, 2 * np.pi, (2, 3))
        self.sway = rng.uniform(0.016, 0.032)
        self.light = frame_light(kitchen, rng, width, density)
        self.scripts, self.clutter, self.second_hand = [], [], []
        self.running, self.boards, self.appliance_x = [], [], []
        for number, segment in enumerate(plan.segments):
            own = world_generator(seed, "segment", plan.video_id, number)
            script = make_script(segment, kitchen.sink_x, own)
            self.scripts.append(script)
            self.clutter.append(place_clutter(script, own, width))
            self.second_hand.append(float(own.uniform(0.0, 1.0)))
            # taps, boards and glasses that have no part in the action: a place or a tool alone must not tell the verb
            self.running.append(bool(own.uniform() < IDLE_TAP))
            idle_board = bool(own.uniform() < IDLE_BOARD) and segment.verb != "wash"
            self.boards.append(segment.verb == "cut" or idle_board)
            offset = world_generator(seed, "appliance", plan.video_id, number).uniform(-0.04, 0.04)
            self.appliance_x.append(beside_sink(kitchen, width) + float(offset))
        # half-way between two actions the wearer looks aside, and the counter is set anew
        self.switches = [(a.stop_s + b.start_s) / 2 for a, b in zip(plan.segments[:-1], plan.segments[1:], strict=True)]
        self._static: tuple[int, np.ndarray] = (-1, self.room)

    def camera(self, time_s: float) -> Point:
        """Offset of the picture's upper left corner: head sway, and a look aside between actions."""
        t = 2 * np.pi * time_s
        dx, dy = (
            self.sway
            * sum(np.sin(t * f + p) / (1 + k) for k, (f, p) in enumerate(zip((0.31, 0.83, 1.9), row, strict=True)))
            for row in self.rhythm
        )
        for k, switch in enumerate(self.switches):
            gap = (self.plan.segments[k + 1].start_s - self.plan.segments[k].stop_s) / 2
            if abs(time_s - switch) < gap:
                dx += (0.30 if k % 2 else -0.30) * np.cos(np.pi / 2 * (time_s - switch) / gap) ** 2
        return float(dx), float(dy)

    def static_layer(self, number: int) -> np.ndarray:
        """The room with what does not move during action `number`."""
        if self._static[0] != number:
            layer = self.room.copy()
            script = self.scripts[number]
            self._appliance(layer, script.segment.place, self.appliance_x[number])
            if self.boards[number]:
                paste(layer, self.look.board, script.x + MARGIN, script.y + 0.03 + MARGIN, self.density)
            for item in sorted(self.clutter[number], key=lambda c: c.y):
                x, y = item.x + MARGIN, item.y + MARGIN
                shadow = self.look.shadows[item.name]
                paste(layer, shadow, x + 0.012, y + 0.02, self.density, item.size, item.angle)
                paste(layer, self.look.objects[item.name], x, y, self.density, item.size, item.angle)
            self._static = (number, layer)
        return self._static[1]

    def _appliance(self, layer: np.ndarray, name: str, x: float) -> None:
        """Draw what stands at the back: it tells the place in the kitchen."""
        paste(layer, self.look.appliance_shadows[name], x + MARGIN, APPLIANCE_Y + 0.02 + MARGIN, self.density)
        paste(layer, self.look.appliances[name], x + MARGIN, APPLIANCE_Y + MARGIN, self.density)

    def frame(self, time_s: float) -> tuple[np.ndarray, list[Seen]]:
        """float32 RGB [h, w, 3] in 0 to 1 at full density, and the true boxes."""
        number = int(np.searchsorted(self.switches, time_s))
        script = self.scripts[number]
        state = state_at(script, time_s - script.segment.start_s)
        cx, cy = self.camera(time_s)
        size = (round(self.width * self.density), round(self.density))
        shift = np.array([[1, 0, (cx + MARGIN) * self.density], [0, 1, (cy + MARGIN) * self.density]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(self.static_layer(number), shift, size, flags=flags)
        seen = [
            Seen("object", moved(placed_box(self.look.objects[c.name], c.x, c.y, c.size, c.angle), -cx, -cy))
            for c in self.clutter[number]
        ]
        self._draw_action(Shot(picture, seen, number, time_s, script, state, cx, cy))
        picture *= self.light
        return np.clip(picture, 0, 1, out=picture), seen

    def _draw_action(self, shot: Shot) -> None:
        """The handled object, hands, tool and water."""
        look, density, picture = self.look, self.density, shot.picture
        script, state, cx, cy = shot.script, shot.state, shot.cx, shot.cy
        noun, left = script.segment.noun, script.left_handed
        x, y = state.obj[0] - cx, state.obj[1] - cy
        flip = left and noun in ("cup", "pan")
        angle = (script.phase * 0.25 - 0.7 if noun in FLAT else 0.0) + state.angle
        far = 1 + 2.5 * state.lift  # a lifted object's shadow falls further away
        paste(picture, look.shadows[noun], x + 0.012 * far, y + 0.02 * far, density, script.size, angle, flip)
        tap_x, tap_y = self.kitchen.sink_x - cx, SINK_Y - 0.10 - cy
        if state.water or self.running[shot.number]:
            self._stream(picture, tap_x, tap_y, SINK_Y + 0.04 - cy, 0.016, shot.time_s)
        y -= state.lift
        if script.segment.verb == "cut":
            self._second_hand(shot, 0.6, (x, y))
        size = script.size * (1 + 0.6 * state.lift)
        paste(picture, look.objects[noun], x, y, density, size, angle, flip)
        shot.seen.append(Seen("object", placed_box(look.objects[noun], x, y, size, angle, flip), handled=True))
        if state.water:
            self._stream(picture, tap_x, tap_y, y, 0.018, shot.time_s, splash=True)
        if state.stream > 0.05:
            side = 1 if left else -1
            self._stream(picture, x + side * 0.17, y + 0.02, script.y - cy + 0.02, 0.012 * state.stream, shot.time_s)
        if script.segment.verb != "cut":
            self._second_hand(shot, 0.25, (x, y))
        hand = state.hand[0] - cx, state.hand[1] - cy
        if state.tool:
            turn = (1 if left else -1) * -state.tool_angle
            paste(picture, look.tools[state.tool], *hand, density, 1.0, turn, left)
        self._hand(shot, hand, state.hand_angle * (-1 if left else 1), left, state.grip, state.contact)

    def _hand(self, shot: Shot, at: Point, angle: float, left: bool, grip: bool, contact: bool) -> None:
        x, y = at
        paste(shot.picture, self.look.hand_shadows[grip], x + 0.02, y + 0.035, self.density, 1.0, angle, left, 0.7)
        paste(shot.picture, self.look.hands[grip], x, y, self.density, 1.0, angle, left)
        shot.seen.append(Seen("hand", placed_box(self.look.hands[grip], x, y, 1.0, angle, left), left, contact))

    def _second_hand(self, shot: Shot, share: float, target: Point) -> None:
        """The other hand steadies what is cut, or just lies on the counter now and then."""
        if self.second_hand[shot.number] > share:
            return
        script = shot.script
        side = 1 if script.left_handed else -1
        holding = script.segment.verb == "cut"
        x = target[0] + side * 0.13 if holding else script.x - shot.cx + side * 0.42
        y = target[1] + 0.02 if holding else 0.80 - shot.cy
        self._hand(shot, (x, y), 0.0, not script.left_handed, holding, holding)

    def _stream(
        self,
        picture: np.ndarray,
        x: float,
        top: float,
        bottom: float,
        radius: float,
        time_s: float,
        splash: bool = False,
    ) -> None:
        """Running water from top to bottom, with a splash where it hits."""
        k, r = self.density, max(radius * self.density, 0.8)
        x1, x2 = max(int((x - 0.08) * k), 0), min(int((x + 0.08) * k) + 1, picture.shape[1])
        y1, y2 = max(int(top * k), 0), min(int((bottom + 0.03) * k) + 1, picture.shape[0])
        if x2 <= x1 or y2 <= y1:
            return
        px, py = (
            np.arange(x1, x2, dtype=np.float32)[None] - x * k,
            np.arange(y1, y2, dtype=np.float32)[:, None],
        )
        ripple = 0.75 + 0.25 * np.sin(py / k * 60 - time_s * 40)
        alpha = 0.75 * np.exp(-((px / r) ** 2)) * ripple * (py < bottom * k)
        if splash:
            ring = np.exp(-((px / (3 * r)) ** 2) - ((py - bottom * k) / (1.5 * r)) ** 2)
            alpha = np.maximum(alpha, 0.6 * ring * (0.7 + 0.3 * np.sin(time_s * 50)))
        region = picture[y1:y2, x1:x2]
        region += (WATER - region) * alpha[..., None]


def beside_sink(kitchen: Kitchen, width: float) -> float:
    """Where there is room next to the sink, towards the middle of the picture."""
    return kitchen.sink_x + (0.40 if kitchen.sink_x < width / 2 else -0.40)


def frame_light(kitchen: Kitchen, rng: np.random.Generator, width: float, density: float) -> np.ndarray:
    """Light of one video, float32 [h, w, 3]: brightness, colour, a soft gradient from the window."""
    size = (round(density), round(width * density))
    ys, xs = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32) / density
    angle = kitchen.light_angle + rng.uniform(-0.3, 0.3)
    slope = np.cos(angle) * (xs - width / 2) + np.sin(angle) * (ys - 0.5)
    level = rng.uniform(0.88, 1.08) * (1 + 0.16 * slope)
    return (level[..., None] * np.asarray(kitchen.light, np.float32)).astype(np.float32)


def place_clutter(script: Script, rng: np.random.Generator, width: float) -> list[Clutter]:
    """One or two other objects, away from the action, and a glass: pouring needs it, elsewhere it may just stand by."""
    items = []
    if script.segment.verb == "pour" or rng.uniform() < IDLE_GLASS:
        side = 1 if script.left_handed else -1
        items.append(Clutter("glass", script.x + side * 0.19, script.y + 0.06, 0.0, 1.0))
    names = [noun for noun in NOUNS if noun != script.segment.noun]
    for _ in range(int(rng.integers(1, 3))):
        name = "glass" if rng.uniform() < 0.12 else str(rng.choice(names))
        for _ in range(8):
            x, y = rng.uniform(0.08, width - 0.08), rng.uniform(0.30, 0.85)
            busy = [(script.x, script.y), *((c.x, c.y) for c in items)]
            if all(np.hypot((x - a) / 1.3, y - b) > 0.27 for a, b in busy):
                angle = rng.uniform(-1.2, 1.2) if name in FLAT else rng.uniform(-0.1, 0.1)
                items.append(Clutter(name, float(x), float(y), float(angle), float(rng.uniform(0.8, 1.05))))
                break
    return items
