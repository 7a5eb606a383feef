"""Noise for the textures of counters and tables."""

import cv2
import numpy as np


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], blur: float) -> np.ndarray:
    """Noise with mean 0 and standard deviation 1, blurred by `blur` pixels; float32 of the given shape."""
    noise: np.ndarray = rng.standard_normal(shape, dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), max(blur, 0.6))
    return (noise - noise.mean()) / max(float(noise.std()), 1e-6)
