"""Fields: steady states with exact answers, convergence to the given tolerance."""

import numpy as np
import pytest

from lesionlab.sim.numerics.diffusion import relax
from lesionlab.sim.numerics.linear_fields import range_of, steady_linear
from lesionlab.sim.numerics.window import Window, cut

SHAPES = [(1, 12, 15), (6, 8, 9)]


def spikes(shape: tuple[int, int, int]) -> np.ndarray:
    """Return float32 zeros with three sources at odd places."""
    field = np.zeros(shape, np.float32)
    field[0, 1, 2], field[-1, -1, 0], field[-1, 5, 5] = 1.0, 2.0, 0.5
    return field


@pytest.mark.parametrize("shape", SHAPES)
def test_a_uniform_source_gives_source_over_decay(shape: tuple[int, int, int]) -> None:
    assert np.allclose(steady_linear(np.full(shape, np.float32(0.02)), 30.0, 0.01, 20.0), 2.0, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_linear_steady_state_satisfies_its_equation(shape: tuple[int, int, int]) -> None:
    source, diffusivity, decay, spacing = spikes(shape), 30.0, 0.01, 20.0
    field = steady_linear(source, diffusivity, decay, spacing).astype(np.float64)
    padded = np.pad(field, 1, mode="edge")
    laplacian = sum(np.roll(padded, by, axis) - padded for axis in range(3) for by in (-1, 1))[1:-1, 1:-1, 1:-1]
    assert np.abs(diffusivity / spacing**2 * laplacian - decay * field + source).max() < 1e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_secreted_decays_and_nothing_leaves_the_box(shape: tuple[int, int, int]) -> None:
    field = steady_linear(spikes(shape), 30.0, 0.01, 20.0)
    assert field.dtype == np.float32 and field.min() >= 0.0
    assert 0.01 * field.sum(dtype=np.float64) == pytest.approx(3.5, rel=1e-5)


def test_a_source_spreads_alike_along_all_axes() -> None:
    source = np.zeros((1, 21, 21), np.float32)
    source[0, 10, 10] = 1.0
    field = steady_linear(source, 30.0, 0.01, 20.0)
    for same in (field.transpose(0, 2, 1), field[:, ::-1], field[:, :, ::-1]):
        assert np.allclose(field, same, rtol=1e-4)


def relaxed(exchange: np.ndarray, uptake: np.ndarray, start: float = 1.0, limits: tuple[float, int] = (1e-4, 2000)):
    """Return (field, largest correction, sweeps) with rate 5 1/s, level 40 and half-saturation 2.5."""
    field = np.full(exchange.shape, np.float32(start))
    return (field, *relax(1.7, 5.0, 40.0, 2.5, limits, exchange, uptake, field))


@pytest.mark.parametrize("shape", SHAPES)
def test_one_vessel_fills_a_tissue_that_takes_up_nothing(shape: tuple[int, int, int]) -> None:
    exchange = np.zeros(shape, np.float32)
    exchange[0, 4, 4] = 100.0
    field, residual, _ = relaxed(exchange, np.zeros(shape, np.float32))
    assert residual <= 1e-4
    assert np.abs(field - 40.0).max() < 0.05


@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_supply_and_uptake_balance_at_every_site(shape: tuple[int, int, int]) -> None:
    field, _, _ = relaxed(np.full(shape, np.float32(0.4)), np.full(shape, np.float32(12.0)))
    p = field.astype(np.float64)
    assert np.ptp(p) < 1e-3
    assert 0.4 * (40.0 - p) == pytest.approx(12.0 * p / (p + 2.5), abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 24, 37), (1, 25, 38), (6, 11, 13), (7, 12, 10), (1, 1, 9)])
def test_every_site_of_a_random_tissue_is_in_balance(shape: tuple[int, int, int]) -> None:
    """The equation itself in double precision, faces without flux: odd and even boxes, two and three dimensions."""
    random = np.random.default_rng(5)
    exchange = np.where(random.random(shape) < 0.05, 125.0, 0.0).astype(np.float32)
    uptake = random.choice([0.0, 4.5, 15.0], shape).astype(np.float32)
    field, residual, _ = relaxed(exchange, uptake, 20.0, (1e-4, 5000))
    p = np.pad(field.astype(np.float64), 1, mode="edge")
    inner = (slice(1, -1),) * 3
    around = sum(np.roll(p, shift, axis)[inner] - p[inner] for axis in range(3) for shift in (-1, 1))
    p = p[inner]
    net = 5.0 * around + exchange * (40.0 - p) - uptake * p / (p + 2.5)
    assert residual <= 1e-4
    assert np.abs(net).max() < 0.02


def test_without_supply_everything_is_taken_up() -> None:
    field, _, _ = relaxed(np.zeros((1, 9, 9), np.float32), np.full((1, 9, 9), np.float32(15.0)))
    assert field.min() >= 0.0 and field.max() < 1e-3


def test_relaxation_stops_at_its_tolerance_or_at_its_limit_and_says_which() -> None:
    exchange = np.zeros((1, 31, 31), np.float32)
    exchange[0, 5, 5] = 100.0
    uptake = np.full((1, 31, 31), np.float32(1.0))
    field, residual, sweeps = relaxed(exchange, uptake, limits=(1e-3, 2000))
    assert residual <= 1e-3 and 1 < sweeps < 2000
    again, _ = relax(1.7, 5.0, 40.0, 2.5, (1e-3, 2000), exchange, uptake, field)[::-1]
    assert again == 1
    _, residual, sweeps = relaxed(exchange, uptake, limits=(1e-3, 2))
    assert residual > 1e-3 and sweeps == 2


def test_a_field_is_solved_as_far_as_its_sources_matter() -> None:
    """Three lengths around a disc of sources the field is that of the whole box within 0.2 % at the sources, and 5 % of it at the cut."""
    shape, window = (1, 301, 301), Window(140, 161, 140, 161)
    _, y, x = np.indices(shape)
    source = np.where((y - 150) ** 2 + (x - 150) ** 2 <= 100, np.float32(1e-3), np.float32(0.0))
    exact = steady_linear(source, 30.0, 1e-3, 20.0)
    around = range_of(window, shape, 30.0, 1e-3, 20.0)
    assert 26 <= window.first_y - around.first_y <= 40 and around.end_y - around.first_y < 110
    near = steady_linear(np.ascontiguousarray(cut(source, around)), 30.0, 1e-3, 20.0)
    inside = cut(source, around) > 0.0
    assert np.abs(near / cut(exact, around) - 1.0)[inside].max() < 0.002
    assert cut(exact, around)[0, 0].max() < 0.05 * cut(exact, around)[inside].min()
