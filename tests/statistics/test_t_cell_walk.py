"""The random walk of T cells: mean squared displacement 4 M t (6 M t in a block) and the same in every direction, within 3 SE."""

import numpy as np
import pytest

from lesionlab.sim.processes.t_cell_motion import Parameters, update
from lesionlab.sim.state.clock import MICRO_STEP_MIN
from lesionlab.sim.state.state import SITE_UM
from tests.made_state import add_t_cells, bare_tissue, clock_at, state_of

P = Parameters(bias=0.0)
HOURS = 6
MINUTES = 60.0 * HOURS


def displacements(shape: tuple[int, int, int], p: Parameters = P) -> np.ndarray:
    """Return the displacements (um) of many T cells that start apart, shape (cells, 3), after some hours far from the box's edge."""
    tissue = bare_tissue(shape)
    n = 90 if shape[0] == 1 else 12
    edges = [np.arange(size // 2 - n, size // 2 + n, 3) if size > 1 else np.zeros(1, int) for size in shape]
    starts = np.array(np.meshgrid(*edges, indexing="ij")).reshape(3, -1)
    sites = np.ravel_multi_index(tuple(starts), shape)
    add_t_cells(tissue, sites)
    state = state_of(tissue)
    for step in range(HOURS):
        for micro_step in range(10):
            update(state, p, clock_at(step, micro_step=micro_step))
    ends = np.array(np.unravel_index(tissue.t_cells.site[: len(sites)], shape))
    return (ends - starts).T * SITE_UM


@pytest.fixture(scope="module")
def walked() -> np.ndarray:
    return displacements((1, 320, 320))


def mean_within(values: np.ndarray, expected: float, n_errors: float = 3.0) -> bool:
    return bool(abs(values.mean() - expected) < n_errors * values.std() / np.sqrt(len(values)))


def test_the_mean_squared_displacement_is_4_m_t(walked: np.ndarray) -> None:
    assert MINUTES / MICRO_STEP_MIN == 60
    assert mean_within((walked**2).sum(axis=1), 4.0 * P.motility_um2_per_min * MINUTES)


def test_a_motility_wrong_by_a_tenth_would_be_seen(walked: np.ndarray) -> None:
    """Negative control."""
    assert not mean_within((walked**2).sum(axis=1), 4.4 * P.motility_um2_per_min * MINUTES)


def test_the_walk_has_no_direction(walked: np.ndarray) -> None:
    y, x = walked[:, 1], walked[:, 2]
    assert mean_within(y, 0.0) and mean_within(x, 0.0)
    assert mean_within(y * x, 0.0)
    assert mean_within(y**2 - x**2, 0.0)
    # Half of the squared displacement lies along any axis, a diagonal too.
    assert mean_within((y + x) ** 2 / 2.0, 2.0 * P.motility_um2_per_min * MINUTES)


def test_walkers_do_not_share_their_random_streams(walked: np.ndarray) -> None:
    assert mean_within(walked[:-1, 1] * walked[1:, 1], 0.0)


def test_in_a_block_it_is_6_m_t_and_alike_along_all_axes() -> None:
    walked = displacements((60, 60, 60))
    assert mean_within((walked**2).sum(axis=1), 6.0 * P.motility_um2_per_min * MINUTES)
    for axis in range(3):
        assert mean_within(walked[:, axis], 0.0)
        assert mean_within(walked[:, axis] ** 2, 2.0 * P.motility_um2_per_min * MINUTES)
