"""The accelerometer files of the generated kitchen, which it writes on request."""

import numpy as np
import pandas as pd

from egokd.datasets.demos.kitchen.imu import acceleration, write_imu
from egokd.datasets.demos.kitchen.script import World, plan_videos

WORLD = World(
    seed=0,
    train_kitchens=2,
    val_only_kitchens=1,
    train_segments=24,
    val_segments=12,
    frame_rate=12.5,
    short_side=48,
    label_noise=0.0,
    habits=0.5,
    silent_share=0.0,
    missed_box_share=0.0,
)


def test_acceleration_follows_from_the_seed_and_shakes_inside_actions():
    plan = plan_videos(WORLD)[0]
    signal = acceleration(3, plan)
    pd.testing.assert_frame_equal(signal, acceleration(3, plan))
    assert not signal.equals(acceleration(4, plan))
    assert list(signal) == ["Milliseconds", "AcclX", "AcclY", "AcclZ"]
    seconds, rest = signal["Milliseconds"] / 1000, signal["AcclY"].median()
    assert abs(rest - 9.81) < 0.1 and seconds.iloc[-1] > plan.duration_s - 0.02
    inside = np.zeros(len(signal), bool)
    for segment in plan.segments:
        inside |= (seconds >= segment.start_s) & (seconds < segment.stop_s)
    assert signal[inside].filter(like="Accl").std().max() > 1.2 * signal[~inside].filter(like="Accl").std().max()


def test_files_lie_where_the_dataset_publishes_them(tmp_path):
    plans = plan_videos(WORLD)
    write_imu(tmp_path, 3, plans)
    for plan in plans:
        found = pd.read_csv(tmp_path / plan.participant / "meta_data" / f"{plan.video_id}-accl.csv")
        assert np.allclose(found, acceleration(3, plan), atol=1e-4)
