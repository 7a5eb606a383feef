"""The sound of a video: verbs have typical sounds, some share one, and all of them drown in noise at times."""

import numpy as np

from egokd.datasets.demos.kitchen.motion import Script
from egokd.datasets.demos.kitchen.script import VideoPlan
from egokd.hashing import world_generator

RATE = 16000  # samples per second
DISTRACTION = 0.15  # share of segments with another verb's sound in the background


def soundtrack(seed: int, plan: VideoPlan, scripts: list[Script]) -> np.ndarray:
    """Mono float32 [samples] in -1 to 1 for the whole video."""
    rng = world_generator(seed, "sound", plan.video_id)
    count = int(plan.duration_s * RATE)
    time = np.arange(count) / RATE
    wave = coloured(rng, count, 1.0) * rng.uniform(0.015, 0.035)
    wave += rng.uniform(0.0, 0.012) * np.sin(2 * np.pi * rng.choice([50.0, 100.0]) * time)
    for script in scripts:
        own = world_generator(seed, "sound", plan.video_id, script.segment.start_s)
        add(wave, script, script.segment.verb, own, own.uniform(0.05, 0.22))
        if own.uniform() < DISTRACTION:
            add(wave, script, str(own.choice(["wash", "cut", "stir", "pour"])), own, own.uniform(0.02, 0.07))
    return np.clip(wave, -1, 1).astype(np.float32)


def add(wave: np.ndarray, script: Script, verb: str, rng: np.random.Generator, loudness: float) -> None:
    """Add a verb's sound to the waveform in place."""
    segment = script.segment
    length = segment.stop_s - segment.start_s
    first = int(segment.start_s * RATE)
    count = min(int(length * RATE), len(wave) - first)
    time = np.arange(count) / RATE
    arrive, begin, end, _ = (k * length for k in script.knots)
    active = np.clip((time - begin) / 0.1, 0, 1) * np.clip((end - time) / 0.1, 0, 1)
    if verb == "wash":
        sound = coloured(rng, count, 0.2) * (0.8 + 0.2 * np.sin(2 * np.pi * 7 * time)) * active
    elif verb == "pour":
        tone = 350 + 500 * np.clip((time - begin) / max(end - begin, 0.1), 0, 1)
        bubbles = np.sin(2 * np.pi * np.cumsum(tone * (1 + 0.15 * np.sin(2 * np.pi * 11 * time))) / RATE)
        sound = (0.8 * bubbles * (0.5 + 0.5 * np.sin(2 * np.pi * 9 * time)) + 0.3 * coloured(rng, count, 0.5)) * active
    elif verb in ("cut", "stir"):
        strikes = np.arange(begin, end, 1 / script.rate_hz)
        pitch, decay = (180.0, 0.03) if verb == "cut" else (2300.0, 0.06)
        sound = sum((strike(rng, time - s, pitch, decay) for s in strikes), np.zeros(count))
    elif verb.startswith("push"):
        sound = coloured(rng, count, 1.6) * active
    else:
        when = (1 - script.knots[0]) * length if verb == "put" else arrive
        sound = strike(rng, time - when, rng.uniform(500, 1100), 0.05)
    wave[first : first + count] += loudness * sound


def strike(rng: np.random.Generator, time: np.ndarray, pitch: float, decay: float) -> np.ndarray:
    """A knock at time 0: a decaying tone with a click."""
    after = np.clip(time, 0, None)
    envelope = np.exp(-after / decay) * (time >= 0)
    tone = np.sin(2 * np.pi * pitch * rng.uniform(0.93, 1.07) * after)
    return envelope * (tone + 0.4 * rng.standard_normal(len(time))) * rng.uniform(0.7, 1.3)


def coloured(rng: np.random.Generator, count: int, power: float) -> np.ndarray:
    """Noise whose amplitude falls as frequency ** -power / 2, standard deviation 1."""
    size = 1 << max(count - 1, 1).bit_length()
    spectrum = rng.standard_normal(size // 2 + 1) + 1j * rng.standard_normal(size // 2 + 1)
    spectrum *= np.maximum(np.arange(size // 2 + 1), size * 60 / RATE) ** (-power / 2)
    noise = np.fft.irfft(spectrum, size)[:count]
    return noise / max(float(noise.std()), 1e-9)
