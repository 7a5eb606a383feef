"""What happens in the demo: classes, the long tail, kitchens, and the script of every video.

Everything is a pure function of the seed: a random number generator is made for each named thing (kitchen,
video, segment), so videos can be rendered in any order and in several processes.
"""

from dataclasses import dataclass, replace

import numpy as np

from egokd.hashing import world_generator

VERBS = ("take", "put", "wash", "cut", "stir", "pour", "push-left", "push-right")
NOUNS = ("cup", "plate", "bowl", "pan", "bottle", "tomato", "carrot", "bread", "spoon", "box")
PHRASES = {
    "take": "take {}",
    "put": "put down {}",
    "wash": "wash {}",
    "cut": "cut {}",
    "stir": "stir {}",
    "pour": "pour from {}",
    "push-left": "push {} to the left",
    "push-right": "push {} to the right",
}
VERB_CATEGORY = {
    "take": "retrieve",
    "put": "leave",
    "wash": "clean",
    "cut": "split",
    "stir": "merge",
    "pour": "distribute",
    "push-left": "manipulate",
    "push-right": "manipulate",
}
NOUN_CATEGORY = {
    "cup": "crockery",
    "plate": "crockery",
    "bowl": "crockery",
    "pan": "cookware",
    "bottle": "containers",
    "tomato": "vegetables",
    "carrot": "vegetables",
    "bread": "baked goods and grains",
    "spoon": "cutlery",
    "box": "containers",
}
# which nouns a verb goes with, most frequent first: the order makes the long tail of pairs
POSSIBLE = {
    "take": ("cup", "plate", "tomato", "bottle", "spoon", "bowl", "bread", "pan", "box", "carrot"),
    "put": ("plate", "cup", "bowl", "bottle", "pan", "tomato", "spoon", "box", "carrot", "bread"),
    "wash": ("plate", "cup", "tomato", "bowl", "pan", "spoon", "carrot", "bottle"),
    "cut": ("tomato", "carrot", "bread", "box"),
    "stir": ("pan", "cup", "bowl"),
    "pour": ("bottle", "cup", "box", "bowl", "pan"),
    "push-left": ("bowl", "cup", "pan", "plate", "bottle", "box", "bread", "tomato", "carrot"),
    "push-right": ("pan", "plate", "bowl", "box", "cup", "bottle", "carrot", "bread", "tomato"),
}
# most segments show actions whose direction tells the verb, not a tool or a place: a single picture is not enough
VERB_SHARE = {
    "take": 0.21,
    "put": 0.19,
    "wash": 0.09,
    "cut": 0.07,
    "stir": 0.05,
    "pour": 0.08,
    "push-left": 0.16,
    "push-right": 0.15,
}
# the appliance at the back of the counter tells the place in the kitchen; persons with habits do the same thing at the
# same place more often than not, and all of those seen in training have the same habits
PLACE = {
    "take": "fruit bowl",
    "put": "toaster",
    "wash": "plant",
    "cut": "knife block",
    "stir": "mixer",
    "pour": "coffee machine",
    "push-left": "radio",
    "push-right": "kettle",
}
NOUN_DECAY = 0.45  # share of the k-th noun of a verb falls as (k + 1) ** -NOUN_DECAY
CLOCK_2018, CLOCK_2020 = 60, 50  # official frame clocks of video ids PXX_YY and PXX_1YY, frames per second


def clock_of(video_id: str) -> int:
    """Frame clock of a video, frames per second: 50 for 2020-style ids (PXX_1YY), else 60."""
    return CLOCK_2020 if len(video_id.split("_")[1]) == 3 else CLOCK_2018


@dataclass(frozen=True, kw_only=True)
class World:
    """The size of the demo and its chances; shares are in 0 to 1.

    train_kitchens      participants in the training videos, each with a kitchen of their own
    val_only_kitchens   participants that appear in validation only
    segments_per_video  at most
    frame_rate          of the video files; the annotated frame numbers follow the fixed clocks of 50 and 60
    short_side          height of the pictures in pixels, multiplied by `scale`, which draws the same world larger
    label_noise         share of training segments with a wrong verb or noun
    habits              share of segments that happen at their verb's place; persons in unseen kitchens do things
                        anywhere
    silent_share        share of videos without sound; at least one is silent when it is above zero
    missed_box_share    share of detections left out
    imu                 whether to write accelerometer files as well
    """

    seed: int
    train_kitchens: int
    val_only_kitchens: int
    train_segments: int
    val_segments: int
    segments_per_video: int = 12
    frame_rate: float
    short_side: int
    scale: int = 1
    label_noise: float
    habits: float
    silent_share: float
    missed_box_share: float
    imu: bool = False


@dataclass(frozen=True)
class Segment:
    """One scripted action. Times in seconds from the start of the video; `verb`, `noun` are what is shown.

    `place` is the appliance behind it.
    """

    start_s: float
    stop_s: float
    verb: str
    noun: str
    label_verb: str
    label_noun: str
    place: str


@dataclass(frozen=True)
class VideoPlan:
    """One video: who films it, in which split, with or without sound, and its actions in order of time."""

    video_id: str
    participant: str
    kitchen: int
    shifted: bool
    split: str
    silent: bool
    duration_s: float
    segments: tuple[Segment, ...]

    @property
    def clock(self) -> int:
        return clock_of(self.video_id)


def pair_shares() -> dict[tuple[str, str], float]:
    """Share of every verb-noun pair; they sum to one."""
    shares = {}
    for verb in VERBS:
        weights = np.arange(1, len(POSSIBLE[verb]) + 1, dtype=float) ** -NOUN_DECAY
        for noun, weight in zip(POSSIBLE[verb], weights / weights.sum(), strict=True):
            shares[verb, noun] = VERB_SHARE[verb] * float(weight)
    return shares


def draw_pairs(count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """`count` pairs in random order, each pair as often as its share says (rounded at random)."""
    shares = pair_shares()
    edges = np.cumsum(np.array(list(shares.values())) * count)
    marks = np.arange(count) + rng.uniform()
    pairs = list(shares)
    chosen = [pairs[min(int(i), len(pairs) - 1)] for i in np.searchsorted(edges, marks)]
    return [chosen[i] for i in rng.permutation(count)]


def plan_videos(world: World) -> list[VideoPlan]:
    """The script of the whole dataset; half of the validation segments come from unseen kitchens."""
    seed, train_kitchens, val_only_kitchens = world.seed, world.train_kitchens, world.val_only_kitchens
    unseen_val = world.val_segments // 2 if val_only_kitchens else 0
    jobs = [(k, "train", n) for k, n in enumerate(split_evenly(world.train_segments, train_kitchens))]
    jobs += [(k, "val", n) for k, n in enumerate(split_evenly(world.val_segments - unseen_val, train_kitchens))]
    unseen = split_evenly(unseen_val, val_only_kitchens) if val_only_kitchens else []
    jobs += [(train_kitchens + k, "val", n) for k, n in enumerate(unseen)]
    pairs = {
        "train": draw_pairs(world.train_segments, world_generator(seed, "pairs", "train")),
        "val": draw_pairs(world.val_segments, world_generator(seed, "pairs", "val")),
    }
    plans, used = [], dict.fromkeys(range(train_kitchens + val_only_kitchens), 0)
    for kitchen, split, count in jobs:
        for part in split_evenly(count, -(-count // world.segments_per_video)):
            shown, pairs[split] = pairs[split][:part], pairs[split][part:]
            used[kitchen] += 1
            plans.append(plan_video(world, kitchen, split, used[kitchen], shown))
    return silence(plans, seed, world.silent_share)


def silence(plans: list[VideoPlan], seed: int, share: float) -> list[VideoPlan]:
    """The plans with the given share of each split's videos made silent (at least one if the share is not 0)."""
    silent = set()
    for split in ("train", "val"):
        own = [p.video_id for p in plans if p.split == split]
        count = max(round(share * len(own)), 1 if share > 0 else 0)
        silent |= {own[i] for i in world_generator(seed, "silent", split).permutation(len(own))[:count]}
    return [replace(p, silent=p.video_id in silent) for p in plans]


def plan_video(world: World, kitchen: int, split: str, number: int, pairs: list[tuple[str, str]]) -> VideoPlan:
    """Times and labels of one video. Odd numbers get 2018-style ids, even ones 2020-style ids."""
    seed, shifted = world.seed, kitchen >= world.train_kitchens
    label_noise = world.label_noise if split == "train" else 0.0
    habits = 0.0 if shifted else world.habits
    participant = f"P{kitchen + 1:02d}"
    video_id = f"{participant}_{number:02d}" if number % 2 else f"{participant}_{100 + number}"
    rng = world_generator(seed, "video", video_id)
    time, segments = float(rng.uniform(0.4, 0.9)), []
    for index, (verb, noun) in enumerate(pairs):
        stop = time + float(rng.uniform(1.5, 2.6))
        label_verb, label_noun = verb, noun
        if rng.uniform() < label_noise:
            if rng.uniform() < 0.5:
                label_verb = str(rng.choice([v for v in VERBS if v != verb]))
            else:
                label_noun = str(rng.choice([n for n in NOUNS if n != noun]))
        place = place_of(verb, habits, world_generator(seed, "place", video_id, index))
        segments.append(Segment(round(time, 2), round(stop, 2), verb, noun, label_verb, label_noun, place))
        time = stop + float(rng.uniform(0.45, 0.8))
    duration = round(segments[-1].stop_s + 0.6, 2)
    return VideoPlan(video_id, participant, kitchen, shifted, split, False, duration, tuple(segments))


def place_of(verb: str, habits: float, rng: np.random.Generator) -> str:
    """The verb's own place with probability `habits`, else any of all places."""
    own, anywhere = rng.uniform() < habits, str(rng.choice(list(PLACE.values())))
    return PLACE[verb] if own else anywhere


def split_evenly(total: int, parts: int) -> list[int]:
    """Sizes of `parts` nearly equal parts of `total`; parts that would be empty are left out."""
    sizes = [total * (i + 1) // parts - total * i // parts for i in range(parts)] if parts else []
    return [size for size in sizes if size]
