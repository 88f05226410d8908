"""Random draws: the generator is Philox as published, and a draw depends on everything it is keyed by and on nothing else."""

import itertools
import math

import numpy as np
import pytest

from lesionlab.sim.numerics.random import RandomStream, draw, draw_many, name_entity, normal, philox, seed_key, site_entity, uniform
from lesionlab.sim.state.codes import Purpose

STREAM = RandomStream(*(np.uint32(word) for word in (1, 2, 3, 4)))


@pytest.mark.parametrize(("counter", "key", "expected"), [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
])
def test_philox_gives_the_published_answers(counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Known-answer vectors of Random123 for philox4x32-10."""
    assert philox(*(np.uint32(word) for word in (*key, *counter))) == expected


def test_a_draw_is_a_pure_function_of_its_key() -> None:
    assert draw(STREAM, 5, 6) == draw(STREAM, 5, 6)


def test_many_draws_at_once_are_those_of_each_entity() -> None:
    entities = np.array([*range(37), 2**31, 2**32 - 1], np.uint32)
    words = np.zeros((4, len(entities)), np.uint32)
    draw_many(STREAM, 5, entities, words)
    assert words.T.tolist() == [list(draw(STREAM, 5, entity)) for entity in entities]


@pytest.mark.parametrize("other", [
    (STREAM._replace(key0=np.uint32(9)), 5, 6), (STREAM._replace(key1=np.uint32(9)), 5, 6), (STREAM._replace(step=np.uint32(9)), 5, 6),
    (STREAM._replace(lesion=np.uint32(9)), 5, 6), (STREAM, 9, 6), (STREAM, 5, 9),
], ids=["first key", "second key", "step", "lesion", "purpose", "entity"])
def test_a_draw_changes_with_each_part_of_its_key(other: tuple[RandomStream, int, int]) -> None:
    assert all(one != another for one, another in zip(draw(STREAM, 5, 6), draw(*other), strict=True))


def test_a_uniform_lies_strictly_between_0_and_1() -> None:
    assert 0.0 < uniform(np.uint32(0)) < 2.0**-32
    assert 1.0 - 2.0**-32 < uniform(np.uint32(0xFFFFFFFF)) < 1.0


def test_a_normal_is_that_of_box_and_muller() -> None:
    a, b = np.uint32(123456789), np.uint32(3456789012)
    assert normal(a, b) == pytest.approx(math.sqrt(-2 * math.log((int(a) + 0.5) / 2**32)) * math.cos(2 * math.pi * (int(b) + 0.5) / 2**32))


def test_no_two_sites_share_an_entity() -> None:
    edges = ([-32, -1, 0, 1, 31], [-4096, -4095, -1, 0, 1, 4095], [-4096, -4095, -1, 0, 1, 4095])
    offsets = {*itertools.product(*edges), *itertools.product(range(-2, 3), range(-20, 21), range(-20, 21))}
    assert len({int(site_entity(*offset)) for offset in offsets}) == len(offsets)


@pytest.mark.parametrize("other", [(8, 0, 0), (7, 1, 0), (7, 0, 1), (0, 7, 0)])
def test_seed_patient_and_replicate_each_give_another_key(other: tuple[int, int, int]) -> None:
    assert seed_key(7, 0, 0) == seed_key(7, 0, 0)
    assert seed_key(7, 0, 0) != seed_key(*other)


def test_a_key_never_changes_between_versions() -> None:
    """A record made years ago is repeated from its seed."""
    assert seed_key(20210706, 0, 0) == tuple(np.random.SeedSequence(20210706, spawn_key=(0, 0)).generate_state(2, np.uint32))
    assert name_entity("123456789") == 0xCBF43926  # the check value of CRC-32


def test_each_purpose_has_its_own_number_below_the_micro_steps() -> None:
    """Micro-steps add multiples of 256 to a purpose."""
    assert len({int(purpose) for purpose in Purpose}) == len(Purpose)
    assert max(Purpose) < 256
