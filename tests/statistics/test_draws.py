"""Draws: uniform and independent along every part of their key; a biased or repeated stream would be seen.

Limits are the exact 99.99 % quantiles of chi-square; the draws are deterministic, so a test that passes always passes.
"""

import numpy as np
import pytest
from scipy.stats import chi2

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import RandomStream, draw, normal, site_entity, uniform

STREAM = RandomStream(*(np.uint32(word) for word in (11, 22, 33, 44)))
BINS = 64


@kernel
def _fill(stream, along, words):
    """Fill words uint32 (n, 4) with draws that differ in one part of the key: 0 entity, 1 step, 2 purpose, 3 lesion, 4 site."""
    for i in range(len(words)):
        step, purpose, entity, lesion = stream.step, 7, 9, stream.lesion
        if along == 0:
            entity = i
        elif along == 1:
            step = np.uint32(i)
        elif along == 2:
            purpose = i
        elif along == 3:
            lesion = np.uint32(i)
        else:
            entity = site_entity(0, i // 256 - 128, i % 256 - 128)
        words[i] = draw(RandomStream(stream.key0, stream.key1, step, lesion), purpose, entity)


def words_along(along: int, n: int = 65536) -> np.ndarray:
    words = np.empty((n, 4), np.uint32)
    _fill(STREAM, along, words)
    return words


def is_uniform(counts: np.ndarray) -> bool:
    """Return whether counts of equally likely bins lie within the exact 99.99 % limits of chi-square."""
    expected = counts.sum() / counts.size
    statistic = float(((counts - expected) ** 2).sum() / expected)
    low, high = chi2.interval(0.9999, counts.size - 1)
    return bool(low < statistic < high)


def pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Count pairs of words by the highest three bits of each."""
    return np.bincount((first >> 29) * 8 + (second >> 29), minlength=64)


@pytest.mark.parametrize("along", range(5), ids=["entity", "step", "purpose", "lesion", "site"])
@pytest.mark.parametrize("word", range(4))
def test_words_are_uniform_in_their_high_and_low_bits(along: int, word: int) -> None:
    words = words_along(along)[:, word]
    assert is_uniform(np.bincount(words >> 26, minlength=BINS))
    assert is_uniform(np.bincount(words & 63, minlength=BINS))


@pytest.mark.parametrize("along", range(5), ids=["entity", "step", "purpose", "lesion", "site"])
def test_neighbouring_draws_and_the_words_of_one_draw_are_independent(along: int) -> None:
    words = words_along(along)
    assert is_uniform(pairs(words[:-1, 0], words[1:, 0]))
    assert all(is_uniform(pairs(words[:, i], words[:, j])) for i in range(4) for j in range(i))


def test_sites_above_one_another_are_independent() -> None:
    words = words_along(4)[:, 0].reshape(256, 256)
    assert is_uniform(pairs(words[:-1].reshape(-1), words[1:].reshape(-1)))


def test_a_normal_has_the_moments_of_a_normal() -> None:
    words = words_along(0)
    values = np.array([normal(a, b) for a, b in words[:20_000, :2]])
    assert abs(values.mean()) < 4.0 / np.sqrt(20_000)
    assert abs(values.var() - 1.0) < 4.0 * np.sqrt(2.0 / 20_000)
    assert abs((values > 1.959964).mean() - 0.025) < 4.0 * np.sqrt(0.025 * 0.975 / 20_000)


def test_a_share_of_uniforms_falls_below_it() -> None:
    below = np.array([uniform(word) < 0.01 for word in words_along(0)[:, 0]])
    assert abs(below.mean() - 0.01) < 4.0 * np.sqrt(0.01 * 0.99 / len(below))


def test_a_slight_bias_would_be_seen() -> None:
    """Negative control: every fiftieth word is replaced by a small one."""
    words = words_along(0)[:, 0]
    words[::50] >>= 6
    assert not is_uniform(np.bincount(words >> 26, minlength=BINS))


def test_a_dependence_would_be_seen() -> None:
    """Negative control: one draw in ten repeats the one before; each word alone is still uniform."""
    words = words_along(0)[:, 0]
    words[10::10] = words[9:-1:10][: len(words[10::10])]
    assert is_uniform(np.bincount(words >> 26, minlength=BINS))
    assert not is_uniform(pairs(words[:-1], words[1:]))


def test_draws_that_are_too_even_would_be_seen() -> None:
    """Negative control: a counter is more uniform than chance allows."""
    assert not is_uniform(np.bincount(np.arange(65536, dtype=np.uint32) % 64, minlength=BINS))
