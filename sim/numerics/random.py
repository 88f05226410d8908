"""Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, doi 10.1145/2063384.2063405).

A draw is a pure function of (seed key, step, purpose, entity). Scan order, thread count, the order of lesions,
and arms that draw more or fewer numbers change no other draw, so arms use common random numbers.
"""

import zlib
from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10
_TO_UNIT = 1.0 / 4294967296.0


class RandomStream(NamedTuple):
    """What all draws of one lesion in one step have in common: the run's key, the step and the lesion's name, all uint32."""

    key0: np.uint32
    key1: np.uint32
    step: np.uint32
    lesion: np.uint32
AT_ONCE = 2048
"""Draws made per block where there are very many: as many as fit the first-level cache."""


@kernel
def philox(key0, key1, c0, c1, c2, c3):
    """Return four uint32 draws for key (key0, key1) and counter (c0..c3), all uint32."""
    for _ in range(_ROUNDS):
        p0 = _M0 * np.uint64(c0)
        p1 = _M1 * np.uint64(c2)
        c0, c1, c2, c3 = (
            np.uint32(np.uint32(p1 >> _SHIFT) ^ np.uint32(c1 ^ key0)),
            np.uint32(p1 & _LOW),
            np.uint32(np.uint32(p0 >> _SHIFT) ^ np.uint32(c3 ^ key1)),
            np.uint32(p0 & _LOW),
        )
        key0 = np.uint32(key0 + _W0)
        key1 = np.uint32(key1 + _W1)
    return c0, c1, c2, c3


@kernel
def draw(stream, purpose, entity):
    """Return four uint32 draws for one purpose and one entity (a site or a T cell, uint32) of a lesion in a step."""
    return philox(stream.key0, stream.key1, stream.step, np.uint32(purpose), np.uint32(entity), stream.lesion)


@kernel
def draw_pair(stream, purpose, first, second):
    """Return four uint32 draws for a pair of entities (uint32), such as a T cell and a site."""
    words = draw(stream, purpose, first)
    return philox(words[0], words[1], np.uint32(second), words[2], words[3], stream.lesion)


@kernel
def draw_many(stream, purpose, entities, words):
    """Write into words uint32 (4, n) what `draw` returns for each of n entities (uint32): the same numbers, six times faster.

    One loop of narrow arithmetic without branches vectorises; a call of `draw` inside other work does not.
    """
    keys = np.empty((2, _ROUNDS), np.uint64)
    key0, key1 = stream.key0, stream.key1
    for r in range(_ROUNDS):
        keys[0, r], keys[1, r] = key0, key1
        key0, key1 = np.uint32(key0 + _W0), np.uint32(key1 + _W1)
    first, second, third, fourth = words[0], words[1], words[2], words[3]
    for i in range(len(entities)):
        c0, c1, c2, c3 = np.uint64(stream.step), np.uint64(np.uint32(purpose)), np.uint64(entities[i]), np.uint64(stream.lesion)
        for r in range(_ROUNDS):
            p0, p1 = _M0 * c0, _M1 * c2
            c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ keys[0, r], p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ keys[1, r], p0 & _LOW
        first[i], second[i], third[i], fourth[i] = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)


@kernel
def draw_fixed(stream, purpose, first, second):
    """Return four uint32 draws that a pair of entities (uint32) of a lesion keeps at every step."""
    return philox(stream.key0, stream.key1, first, np.uint32(purpose), second, stream.lesion)


@kernel
def uniform(word):
    """Return a float64 strictly inside (0, 1) from one uint32 word."""
    return (np.float64(word) + 0.5) * _TO_UNIT


@kernel
def normal(word_a, word_b):
    """Return a standard normal float64 from two uint32 words (Box-Muller)."""
    return np.sqrt(-2.0 * np.log(uniform(word_a))) * np.cos(2.0 * np.pi * uniform(word_b))


@kernel
def site_entity(dz, dy, dx):
    """Return the uint32 name of a site by its offset from the lesion's centre: independent of the box's size.

    Unique for |dz| < 32, |dy| and |dx| < 4096 sites; inside these bounds no two sites share random numbers.
    """
    return np.uint32((np.uint32(dz + 32) << np.uint32(26)) ^ (np.uint32(dy + 4096) << np.uint32(13)) ^ np.uint32(dx + 4096))


@kernel
def name_row(codes, first, last, offset, places, entities):
    """Find the sites of a row whose code lies in [first, last]; return their number.

    Reads codes uint8 (nx,); offset = (dz, dy, x of the centre). Writes places int32 (x) and entities uint32 (as of
    `site_entity`), both with room for the row.
    """
    dz, dy, middle = offset
    n = 0
    for x in range(len(codes)):
        # Always written, counted only if the condition holds: no branch to mispredict.
        places[n] = x
        n += (codes[x] >= first) & (codes[x] <= last)
    for i in range(n):
        entities[i] = site_entity(dz, dy, places[i] - middle)
    return n


def seed_key(seed: int, patient: int, replicate: int) -> tuple[np.uint32, np.uint32]:
    """Return the Philox key of one run: addressed by (patient, replicate), so order and retries do not matter."""
    words = np.random.SeedSequence(seed, spawn_key=(patient, replicate)).generate_state(2, np.uint32)
    return np.uint32(words[0]), np.uint32(words[1])


def name_entity(name: str) -> np.uint32:
    """Return a stable uint32 for a lesion's name, so that the order of lesions changes no draw."""
    return np.uint32(zlib.crc32(name.encode()))
