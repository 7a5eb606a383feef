"""Noisy hand-object detections of a video, in the official file format."""

import io
import pickle

import numpy as np

from egokd.datasets.demos.kitchen.scene import Seen
from egokd.datasets.demos.kitchen.script import VideoPlan
from egokd.hashing import world_generator
from egokd.media.hand_object_proto import detections_class

JITTER = 0.010  # standard deviation of box edges, picture heights
NO_CONTACT, PORTABLE_OBJECT = 0, 3
WRONG_STATE, WRONG_SIDE = 0.06, 0.02
CLUTTER_SHARE = 0.35  # how often an object that nobody touches is reported
BLIND_SHARE = 0.5  # share of `missed_box_share` that hits whole segments


def detect(
    seed: int,
    plan: VideoPlan,
    times_s: np.ndarray,
    frames: list[list[Seen]],
    width: float,
    missed_box_share: float,
) -> bytes:
    """Pickle of list[bytes], one message per frame of the video's fixed clock.

    `frames` holds the true boxes at the video's own frames `times_s`; clock frames between two of them repeat
    the detections of the one shown at that time, as a detector run on the decoded video would.
    """
    rng = world_generator(seed, "detections", plan.video_id)
    blind = [s for s in plan.segments if rng.uniform() < missed_box_share * BLIND_SHARE]
    bodies = []
    for time, seen in zip(times_s, frames, strict=True):
        missed = any(s.start_s - 0.2 <= time <= s.stop_s + 0.2 for s in blind)
        bodies.append(b"" if missed else body(rng, seen, width, missed_box_share))
    count = int(plan.duration_s * plan.clock)
    clock_times = np.arange(count) / plan.clock
    shown = np.clip(np.searchsorted(times_s, clock_times + 1e-6, side="right") - 1, 0, len(times_s) - 1)
    message = detections_class()
    parts = []
    for number, index in enumerate(shown):
        head = message(video_id=plan.video_id, frame_number=number + 1).SerializeToString(deterministic=True)
        # concatenated messages of one type are their union: the boxes are serialised once per video frame
        parts.append(head + bodies[index])
    buffer = io.BytesIO()
    pickle.dump(parts, buffer, protocol=4)
    return buffer.getvalue()


def body(rng: np.random.Generator, seen: list[Seen], width: float, missed: float) -> bytes:
    """The serialised boxes of one frame: jittered, some missed, clutter now and then with a low score."""
    message = detections_class()()
    handled = next((s for s in seen if s.handled), None)
    for item in seen:
        draws = rng.uniform(size=5)
        edges = rng.normal(0, JITTER, 4)
        box = np.clip((np.array(item.box) + edges) / np.array([width, 1, width, 1]), 0, 1)
        if box[2] - box[0] < 0.02 or box[3] - box[1] < 0.02 or draws[0] < missed:
            continue
        if item.kind == "object" and not item.handled and draws[1] > CLUTTER_SHARE:
            continue
        entry = message.hands.add() if item.kind == "hand" else message.objects.add()
        sure = item.kind == "hand" or item.handled
        entry.score = 0.55 + 0.44 * draws[2] if sure else 0.05 + 0.6 * draws[2]
        entry.bbox.left, entry.bbox.top, entry.bbox.right, entry.bbox.bottom = (float(v) for v in box)
        if item.kind == "hand":
            contact = item.contact != (draws[3] < WRONG_STATE)
            entry.state = PORTABLE_OBJECT if contact else NO_CONTACT
            entry.side = int(item.left == (draws[4] < WRONG_SIDE))
            if contact and handled is not None:
                dx, dy = (
                    ((handled.box[i] + handled.box[i + 2]) - (item.box[i] + item.box[i + 2])) / 2 / (width, 1)[i]
                    for i in (0, 1)
                )
                entry.object_offset.x, entry.object_offset.y = float(dx), float(dy)
    return message.SerializeToString(deterministic=True)
