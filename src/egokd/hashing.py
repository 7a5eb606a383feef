"""Digests, numbers and random generators that follow from text alone, the same in every process and on every machine.

Shards, folds, splits, views, orders and the demo worlds are made of these. Each byte formula (separator, size of the
digest, byte order, bit generator) is therefore fixed: another one would change every dataset, view and world.
"""

import hashlib

import numpy as np

LONGEST = 64  # bytes of a full digest


def digest(text: str, size: int = LONGEST) -> bytes:
    """`size` bytes that follow from `text`."""
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


def number(text: str, size: int = 8) -> int:
    """A whole number of `size` bytes, evenly distributed."""
    return int.from_bytes(digest(text, size), "little")


def unit(text: str) -> float:
    """A number in [0, 1), evenly distributed."""
    return number(text) / 2**64


def generator(*parts: object) -> np.random.Generator:
    """The random generator of `parts` (numbers and strings).

    Their separator is a control character, which no id contains: different parts never make the same text.
    """
    return np.random.Generator(np.random.Philox(key=number("\x1f".join(map(str, parts)), 16)))


def world_generator(*keys: object) -> np.random.Generator:
    """The random generator of one thing in a demo world: a kitchen, a video, a segment.

    Not `generator`: the demo worlds were made with this formula, and another one would draw other worlds.
    """
    return np.random.Generator(np.random.PCG64(number("/".join(map(str, keys)), 16)))
