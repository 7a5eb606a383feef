"""How hand and object move in each action: positions as a function of the share of the clip that has passed.

Units: picture heights; x to the right, y down, both of the place on the table; `lift` is the height above it. An action
and its reverse differ in the direction of time and in nothing else: the free choices are drawn from distributions that
are the same both ways.
"""

from dataclasses import dataclass

import numpy as np

from egokd.datasets.demos.compositional.script import ACTIONS, Clip
from egokd.datasets.demos.kit.easing import Point, between, ease

GRIP = (0.075, 0.045)  # where a hand grips, from the middle of the object towards the hand's own side
HORIZON = 0.10  # where the table's depth would end, from the top: things shrink towards it


@dataclass(frozen=True)
class Script:
    """Random choices of one clip, fixed before it is drawn."""

    motion: str
    backwards: bool
    start: Point
    stop: Point
    lift: float
    second: Point
    left_handed: bool
    turn: float
    twist: float
    size: float
    arrive: float
    leave: float
    rest: Point


@dataclass(frozen=True)
class State:
    """Where everything is at one moment; `size` is the scale of the object."""

    thing: Point
    lift: float
    size: float
    turn: float
    hand: Point
    grip: bool


def make_script(clip: Clip, width: float, rng: np.random.Generator) -> Script:
    """Draw the free choices of a clip; the picture is `width` wide."""
    action = ACTIONS[clip.action]
    middle = width / 2 + rng.uniform(-0.08, 0.08)
    start = stop = second = (middle + rng.uniform(-0.12, 0.12), rng.uniform(0.50, 0.72))
    lift = 0.0
    if action.motion == "push":
        reach, slope = rng.uniform(0.15, 0.24), rng.uniform(-0.04, 0.04)
        row = rng.uniform(0.45, 0.70)
        start, stop = (middle - reach, row - slope), (middle + reach, row + slope)
    elif action.motion == "recede":
        near, far, drift = rng.uniform(0.68, 0.80), rng.uniform(0.34, 0.46), rng.uniform(-0.05, 0.05)
        start, stop = (middle - drift, near), (middle + drift, far)
    elif action.motion == "approach":
        side = -1 if rng.uniform() < 0.5 else 1
        row, gap, reach = rng.uniform(0.45, 0.70), rng.uniform(0.24, 0.30), rng.uniform(0.24, 0.34)
        second = (middle + side * rng.uniform(0.20, 0.26), row + rng.uniform(-0.05, 0.05))
        stop = (second[0] - side * gap, row)
        start = (stop[0] - side * reach, row + rng.uniform(-0.06, 0.06))
    else:
        lift = rng.uniform(0.22, 0.36)
    pauses = rng.uniform(0.12, 0.26, 2)
    return Script(
        motion=action.motion,
        backwards=action.backwards,
        start=start,
        stop=stop,
        lift=lift,
        second=second,
        left_handed=bool(rng.uniform() < 0.3),
        turn=float(rng.uniform(-0.4, 0.4)),
        twist=float(rng.uniform(-0.25, 0.25)),
        size=float(rng.uniform(0.90, 1.15)),
        arrive=float(pauses[0]),
        leave=float(1 - pauses[1]),
        rest=(float(rng.uniform(0.25, 0.40)), float(rng.uniform(1.10, 1.22))),
    )


def depth_scale(y: float) -> float:
    """How large things appear at height y of the picture; 1 at 0.6."""
    return (y - HORIZON) / (0.6 - HORIZON) * 0.6 + 0.4


def state_at(script: Script, passed: float) -> State:
    """State when the share `passed` (0 to 1) of the clip is over."""
    u = 1 - passed if script.backwards else passed
    arrive, leave = script.arrive, script.leave
    held = arrive <= u <= leave or (script.motion == "lift" and u > leave)
    done = ease(u, arrive + 0.04, leave - 0.04)
    thing, lift = between(script.start, script.stop, done), script.lift * done
    size = script.size * depth_scale(thing[1]) * (1 + 0.5 * lift)
    side = -1 if script.left_handed else 1
    rest = thing[0] + side * script.rest[0], script.rest[1]
    gripping = thing[0] + side * GRIP[0], thing[1] + GRIP[1] - lift
    near = ease(u, arrive - 0.22, arrive) if u < arrive else 1 - ease(u, leave, leave + 0.22)
    hand = gripping if held else between(rest, gripping, near)
    return State(thing, lift, size, script.turn + script.twist * done, hand, held)
