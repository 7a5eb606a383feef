"""What an accelerometer on the camera would measure: gravity, a hand-held unrest, and a shake that goes with the verb.

In the files of EPIC-KITCHENS-100, PXX/meta_data/PXX_YY-accl.csv. Only written on request: it serves as the example of a
new modality in docs/extending.md.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from egokd.datasets.demos.kitchen.script import VERBS, VideoPlan
from egokd.hashing import world_generator
from egokd.io import atomic_path

RATE = 100.0  # samples per second
GRAVITY = 9.81  # m/s^2, along Y
UNREST, SHAKE = 0.4, 1.5  # m/s^2: standard deviation of the noise, amplitude of a verb's shake
SLOWEST_HZ, STEP_HZ = 1.0, 1.2  # rate of the first verb's shake, and how much faster each next one is


def write_imu(root: Path, seed: int, plans: Sequence[VideoPlan]) -> None:
    """Write one file per video, with the columns Milliseconds, AcclX, AcclY, AcclZ (m/s^2)."""
    for plan in plans:
        path = Path(root) / plan.participant / "meta_data" / f"{plan.video_id}-accl.csv"
        with atomic_path(path) as temporary:
            acceleration(seed, plan).to_csv(temporary, index=False, float_format="%.4f")


def acceleration(seed: int, plan: VideoPlan) -> pd.DataFrame:
    """The whole video's signal, one row per sample."""
    rng = world_generator(seed, "imu", plan.video_id)
    time = np.arange(int(plan.duration_s * RATE)) / RATE
    signal = rng.normal(0, UNREST, (len(time), 3))
    signal[:, 1] += GRAVITY
    for segment in plan.segments:
        inside = (time >= segment.start_s) & (time < segment.stop_s)
        place = VERBS.index(segment.verb)
        phase = 2 * np.pi * ((SLOWEST_HZ + STEP_HZ * place) * time[inside] + rng.uniform())
        signal[inside, place % 3] += SHAKE * rng.uniform(0.5, 1.5) * np.sin(phase)
    return pd.DataFrame({"Milliseconds": 1000 * time, **dict(zip(("AcclX", "AcclY", "AcclZ"), signal.T, strict=True))})
