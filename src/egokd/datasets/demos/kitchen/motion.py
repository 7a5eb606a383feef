"""How objects and hands move in each action: positions as a function of the time since the segment's start.

Units: picture heights and seconds; x to the right, y down; `lift` is the height above the counter.
"""

from dataclasses import dataclass, field

import numpy as np

from egokd.datasets.demos.kit.easing import Point, between, ease
from egokd.datasets.demos.kitchen.backdrop import SINK_Y
from egokd.datasets.demos.kitchen.script import Segment

GRIP = (0.085, 0.05)  # where a hand grips, from the middle of the object towards the hand's own side
PHASES = {  # shares of the segment at which: the hand arrives, the main motion begins, it ends, the hand leaves
    "take": (0.42, 0.50, 0.55, 0.95),
    "wash": (0.12, 0.20, 0.88, 1.0),
    "cut": (0.12, 0.20, 0.88, 1.0),
    "stir": (0.12, 0.20, 0.88, 1.0),
    "pour": (0.16, 0.30, 0.85, 1.0),
    "push": (0.25, 0.33, 0.75, 1.0),
}


@dataclass(frozen=True)
class Script:
    """Random choices of one segment, fixed before it is drawn."""

    segment: Segment
    x: float
    y: float
    left_handed: bool
    rate_hz: float
    phase: float
    turn: float
    size: float
    reach: float
    knots: tuple[float, float, float, float]
    rest: Point


@dataclass
class State:
    """Where everything is at one moment."""

    obj: Point = (0.0, 0.0)
    lift: float = 0.0
    angle: float = 0.0
    hand: Point = (0.0, 0.0)
    hand_angle: float = 0.0
    grip: bool = False
    contact: bool = False
    tool: str = ""
    tool_angle: float = 0.0
    water: float = 0.0
    stream: float = 0.0
    chop: float = field(default=0.0)


def make_script(segment: Segment, sink_x: float, rng: np.random.Generator) -> Script:
    """Draw the free choices of a segment."""
    verb = segment.verb
    kind = "push" if verb.startswith("push") else "take" if verb in ("take", "put") else verb
    knots = np.sort(np.clip(np.array(PHASES[kind]) + rng.uniform(-0.05, 0.05, 4), 0.05, 1.0))
    x, y = rng.uniform(0.48, 0.86), rng.uniform(0.48, 0.66)
    if verb == "wash":
        x, y = sink_x + rng.uniform(-0.02, 0.02), SINK_Y + rng.uniform(0.08, 0.12)
    return Script(
        segment=segment,
        x=float(x),
        y=float(y),
        left_handed=bool(rng.uniform() < 0.3),
        rate_hz=float(rng.uniform(1.3, 2.0) if verb == "stir" else rng.uniform(1.8, 2.8)),
        phase=float(rng.uniform(0, 2 * np.pi)),
        turn=float(rng.uniform(-0.35, 0.35)),
        size=float(rng.uniform(1.15, 1.35)),
        reach=float(rng.uniform(0.09, 0.14)),
        knots=(float(knots[0]), float(knots[1]), float(knots[2]), float(knots[3])),
        rest=(float(rng.uniform(0.75, 1.05)), float(rng.uniform(1.12, 1.25))),
    )


def state_at(script: Script, time_s: float) -> State:
    """State `time_s` seconds after the segment's start (may be negative or after its end)."""
    segment = script.segment
    u = time_s / (segment.stop_s - segment.start_s)
    rest = (2 * script.x - script.rest[0], script.rest[1]) if script.left_handed else script.rest
    verb = segment.verb
    if verb in ("take", "put"):
        return carry(script, 1 - u if verb == "put" else u, rest)
    if verb in ("push-left", "push-right"):
        return push(script, u, rest, -1 if verb == "push-left" else 1)
    if verb in ("cut", "stir"):
        return use_tool(script, u, time_s, rest)
    return hold(script, u, time_s, rest)


def gripping(script: Script, obj: Point, lift: float = 0.0) -> Point:
    """Where the hand is while it holds an object at `obj`, `lift` above the counter."""
    side = -1 if script.left_handed else 1
    return obj[0] + side * GRIP[0], obj[1] + GRIP[1] - lift


def carry(script: Script, u: float, rest: Point) -> State:
    """Reach, grip, carry out of the picture (backwards: put)."""
    arrive, begin, _, leave = script.knots
    home = (script.x, script.y)
    held = u >= arrive + 0.02
    out = ease(u, begin, leave)
    obj = between(home, (rest[0], rest[1] + 0.28), out)
    lift = 0.09 * ease(u, arrive, begin + 0.1)
    hand = obj if held else between(rest, home, ease(u, -0.1, arrive))
    return State(obj, lift, script.turn * (1 - out), (hand[0], hand[1] - lift * held), -0.25 * out, held, held)


def push(script: Script, u: float, rest: Point, direction: int) -> State:
    """Slide the object over the counter; the same grip whatever the direction."""
    arrive, begin, end, leave = script.knots
    start, stop = (
        (script.x - direction * script.reach, script.y),
        (script.x + direction * script.reach, script.y),
    )
    obj = between(start, stop, ease(u, begin, end))
    held = arrive <= u <= end + 0.03
    if held:
        hand = gripping(script, obj)
    elif u < arrive:
        hand = between(rest, gripping(script, start), ease(u, -0.05, arrive))
    else:
        hand = between(gripping(script, stop), rest, ease(u, end + 0.03, leave + 0.15))
    return State(obj, 0.0, script.turn, hand, 0.0, held, held)


def use_tool(script: Script, u: float, time_s: float, rest: Point) -> State:
    """Cut with a knife or stir with a spoon."""
    arrive, begin, end, leave = script.knots
    home = (script.x, script.y)
    active = ease(u, begin, begin + 0.06) * (1 - ease(u, end - 0.06, end))
    turn = 2 * np.pi * script.rate_hz * time_s + script.phase
    there = ease(u, -0.12, arrive) * (1 - ease(u, end, leave + 0.15))
    if script.segment.verb == "cut":
        chop = 0.5 - 0.5 * np.cos(turn)
        forward = 0.12 * (ease(u, begin, end) - 0.5)
        target = (home[0] + 0.20 - forward, home[1] - 0.075 + 0.075 * chop * active)
        tool, angle = "knife", 0.35 * (1 - chop) * active
    else:
        chop = 0.5 - 0.5 * np.cos(turn)
        target = (
            home[0] + 0.19 + 0.055 * np.cos(turn) * active,
            home[1] - 0.20 + 0.035 * np.sin(turn) * active,
        )
        tool, angle = "stirrer", 0.12 * np.sin(turn) * active
    if script.left_handed:
        target = (2 * home[0] - target[0], target[1])
    hand = between(rest, target, there)
    turn_of_object = script.turn * (0.3 if script.segment.verb == "cut" else 1.0)
    return State(home, 0.0, turn_of_object, hand, 0.0, True, there > 0.9, tool, float(angle), chop=float(chop * active))


def hold(script: Script, u: float, time_s: float, rest: Point) -> State:
    """Wash under the tap or pour: the hand holds the object all the time."""
    arrive, begin, end, leave = script.knots
    home = (script.x, script.y)
    active = ease(u, begin, begin + 0.1) * (1 - ease(u, end - 0.1, end))
    turn = 2 * np.pi * script.rate_hz * time_s + script.phase
    side = -1 if script.left_handed else 1
    there = ease(u, -0.12, arrive) * (1 - ease(u, end, leave + 0.2))
    if script.segment.verb == "wash":
        target = (home[0] + 0.035 * np.cos(turn) * active, home[1] + 0.03 * np.sin(2 * turn) * active)
        obj = between((rest[0], rest[1] + 0.2), target, there)
        angle = script.turn + 0.22 * np.sin(turn) * active
        return State(obj, 0.05, angle, gripping(script, obj, 0.05), 0.0, True, True, water=active)
    held = u >= arrive and u <= end + 0.08
    lift = 0.16 * active
    tilt = -side * 1.35 * active + 0.05 * np.sin(turn) * active
    hand = gripping(script, home, lift) if held else between(rest, gripping(script, home), there)
    stream = ease(active, 0.75, 0.95)
    return State(home, lift, float(tilt), hand, 0.25 * side * active, held, held, stream=stream)
