"""Digests and generators: what they are made of is fixed, byte by byte."""

import hashlib

import numpy as np
import pytest

from egokd.hashing import digest, generator, number, unit, world_generator


def blake(text: str, size: int = 64) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


@pytest.mark.parametrize("size", [8, 16, 64])
def test_digests_are_blake2b_of_the_text(size):
    assert digest("P01_101", size) == blake("P01_101", size)
    assert len(digest("P01_101")) == 64


def test_numbers_are_little_endian_and_units_lie_below_one():
    assert number("a") == int.from_bytes(blake("a", 8), "little")
    assert unit("a") == number("a") / 2**64
    units = [unit(str(k)) for k in range(2000)]
    assert min(units) >= 0 and max(units) < 1 and abs(np.mean(units) - 0.5) < 0.02


def test_both_generators_have_their_own_formula():
    key = int.from_bytes(blake("view\x1f3\x1fs", 16), "little")
    assert generator("view", 3, "s").random() == np.random.Generator(np.random.Philox(key=key)).random()
    key = int.from_bytes(blake("3/video/v", 16), "little")
    assert world_generator(3, "video", "v").random() == np.random.Generator(np.random.PCG64(key)).random()


def test_parts_are_told_apart():
    assert generator("a", "b").random() != generator("ab").random()
    assert generator("a", 1, 23).random() != generator("a", 12, 3).random()
