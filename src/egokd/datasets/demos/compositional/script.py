"""What happens in the compositional demo: actions, objects, and the script of every clip.

Actions come in pairs that are each other played backwards, so no single picture tells them apart. Objects are a shape
in a colour; those of validation never occur in training. In training each action has its favourite objects, in
validation none: who looks at objects instead of motion is right in training and wrong in validation.

Everything is a pure function of the seed.
"""

from dataclasses import dataclass

import numpy as np

from egokd.datasets.demos.kit.sprites import OBJECTS
from egokd.hashing import world_generator

SHAPES = tuple(OBJECTS)
COLOURS = {  # hue, saturation, value
    "red": (0.99, 0.80, 0.82),
    "orange": (0.07, 0.85, 0.93),
    "yellow": (0.14, 0.80, 0.95),
    "green": (0.34, 0.65, 0.60),
    "turquoise": (0.48, 0.65, 0.75),
    "blue": (0.60, 0.70, 0.80),
    "purple": (0.75, 0.55, 0.66),
    "pink": (0.90, 0.42, 0.92),
}
FAVOURITES = 2  # objects of each colour in each split; in training a colour belongs to one action
PERSONS = {"train": 24, "val": 12}
FRAMES = (16, 24)  # of a clip, at the official 12 per second: 1.3 to 2 s
ID_RANGE = 220_847  # clips of the real dataset; ids are numbers below it


@dataclass(frozen=True, kw_only=True)
class World:
    """The size of the demo and its chances; shares are in 0 to 1.

    short_side         height of the videos in pixels
    correlation        share of training clips that show a favourite object of their action; in validation objects are
                       drawn evenly
    label_noise        share of training clips with a wrong label
    unannotated_share  share of clips without boxes
    """

    seed: int
    train_clips: int
    val_clips: int
    short_side: int
    correlation: float
    label_noise: float
    unannotated_share: float


@dataclass(frozen=True)
class Action:
    """A class: official template, wording of its label, and the motion that shows it, maybe backwards."""

    template: str
    motion: str
    backwards: bool = False

    @property
    def things(self) -> int:
        """Objects that take part."""
        return self.template.count("[")


ACTIONS = (
    Action("Pushing [something] from left to right", "push"),
    Action("Pushing [something] from right to left", "push", True),
    Action("Moving [something] away from the camera", "recede"),
    Action("Moving [something] towards the camera", "recede", True),
    Action("Picking [something] up", "lift"),
    Action("Putting [something] on a surface", "lift", True),
    Action("Moving [something] closer to [something]", "approach"),
    Action("Moving [something] away from [something]", "approach", True),
)


@dataclass(frozen=True)
class Thing:
    """An object: its shape (a key of the sprites) and the name of its colour."""

    shape: str
    colour: str

    @property
    def name(self) -> str:
        toy = "toy " if self.shape in ("tomato", "carrot", "bread") else ""
        return f"{self.colour} {toy}{self.shape}"


@dataclass(frozen=True)
class Clip:
    """One clip: `action` is what is shown, `label` what the annotation says (indices of ACTIONS)."""

    clip_id: str
    split: str
    action: int
    label: int
    things: tuple[Thing, ...]
    clutter: Thing | None
    person: int
    frames: int
    annotated_frames: int


def make_things(seed: int) -> dict[str, list[list[Thing]]]:
    """Split -> for each action, its objects (in validation the grouping means nothing); no object is in both splits."""
    rng = world_generator(seed, "things")
    colours = [list(COLOURS)[k] for k in rng.permutation(len(COLOURS))]
    order = rng.permutation(len(SHAPES))
    favourites, others = [], []
    for number, colour in enumerate(colours):
        # a shape is shared by two actions at most, and always in another colour
        own = [SHAPES[order[(number + 4 * k) % len(SHAPES)]] for k in range(FAVOURITES)]
        rest = [shape for shape in SHAPES if shape not in own]
        favourites.append([Thing(shape, colour) for shape in own])
        others.append([Thing(rest[k], colour) for k in rng.permutation(len(rest))[:FAVOURITES]])
    return {"train": favourites, "val": others}


def plan_clips(world: World) -> list[Clip]:
    """All clips, training first; every action equally often in each split."""
    seed, train_clips, val_clips = world.seed, world.train_clips, world.val_clips
    things = make_things(seed)
    numbers = 1 + world_generator(seed, "ids").permutation(ID_RANGE)[: train_clips + val_clips]
    ids = iter(str(number) for number in numbers)
    clips = []
    for split, count in (("train", train_clips), ("val", val_clips)):
        actions = world_generator(seed, "actions", split).permutation(np.arange(count) % len(ACTIONS))
        for action in actions.tolist():
            clip_id = next(ids)
            rng = world_generator(seed, "clip", clip_id)
            first = draw_thing(rng, things[split], action, world.correlation if split == "train" else None)
            wrong = split == "train" and rng.uniform() < world.label_noise
            label = int(rng.choice([k for k in range(len(ACTIONS)) if k != action])) if wrong else action
            pool = [thing for group in things[split] for thing in group if thing != first]
            second, third = (pool[k] for k in rng.permutation(len(pool))[:2])
            frames = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
            annotated = 0 if rng.uniform() < world.unannotated_share else frames - int(rng.integers(0, 3))
            clips.append(
                Clip(
                    clip_id,
                    split,
                    action,
                    label,
                    (first, second)[: ACTIONS[action].things],
                    third if rng.uniform() < 0.5 else None,
                    int(rng.integers(PERSONS[split])),
                    frames,
                    annotated,
                )
            )
    return clips


def draw_thing(rng: np.random.Generator, groups: list[list[Thing]], action: int, correlation: float | None) -> Thing:
    """A favourite of the action with probability `correlation`, else one of the others; evenly from all for None."""
    favourite = [] if correlation is None else groups[action]
    others = [thing for group in groups for thing in group if thing not in favourite]
    pool = favourite if correlation is not None and rng.uniform() < correlation else others
    return pool[int(rng.integers(len(pool)))]
