"""T-cell motion: which T cells move and which stay; places, counts and caps hold."""

import numpy as np
import pytest

from lesionlab.sim.processes.t_cell_motion import MICRO_STEP_MIN, Parameters, hop_probability, update
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import SITE_UM, Tissue
from tests.invariants import check
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters()
ALWAYS = P._replace(motility_um2_per_min=1e3)
CENTRE = 220


def micro_steps(tissue: Tissue, n: int, p: Parameters = P) -> None:
    """Move the T cells for some micro-steps of ten in an hour and check the counts each time."""
    state = state_of(tissue)
    for i in range(n):
        update(state, p, clock_at(i // 10, micro_step=i % 10))
        check(state)


def sites(tissue: Tissue) -> list[int]:
    return tissue.t_cells.site[: tissue.t_cells.n].tolist()


def test_the_hop_probability_gives_the_motility_coefficient() -> None:
    """Mean squared displacement of a micro-step: p x mean squared hop = 4 M t (2-D), 6 M t (3-D)."""
    for n_dimensions, squared_hop in ((2, 1.5), (3, 54.0 / 26.0)):
        p_hop = hop_probability(P, n_dimensions)
        assert p_hop * squared_hop * SITE_UM**2 == pytest.approx(2 * n_dimensions * P.motility_um2_per_min * MICRO_STEP_MIN)
        assert p_hop < 1.0


@pytest.mark.parametrize("shape", [(1, 21, 21), (9, 9, 9)])
def test_a_free_t_cell_hops_to_a_touching_site(shape: tuple[int, int, int]) -> None:
    tissue = bare_tissue(shape)
    start = int(np.ravel_multi_index(tissue.centre, shape))
    add_t_cells(tissue, [start])
    micro_steps(tissue, 1, ALWAYS)
    offset = np.array(np.unravel_index(sites(tissue)[0], shape)) - np.array(tissue.centre)
    assert np.abs(offset).max() == 1


def test_an_engaged_t_cell_stays() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [CENTRE, CENTRE], target=5)
    micro_steps(tissue, 50, ALWAYS)
    assert sites(tissue) == [CENTRE, CENTRE]


def test_without_motility_no_t_cell_moves() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, range(100))
    state = state_of(tissue)
    before = remember(state)
    update(state, P._replace(motility_um2_per_min=0.0), clock_at())
    assert changed(before, state) == set()


def test_the_caps_of_a_site_hold_in_a_crowd() -> None:
    tissue = bare_tissue((1, 9, 9))
    tissue.state[0, :, :4] = CellState.PROLIFERATING
    tissue.state[0, :, 4] = CellState.NECROTIC
    add_t_cells(tissue, [8 + 9 * y for y in range(9) for _ in range(8)] + [7 + 9 * y for y in range(9) for _ in range(8)])
    state = state_of(tissue)
    for i in range(200):
        update(state, ALWAYS, clock_at(i // 10, micro_step=i % 10))
        check(state)
        assert tissue.t_count[0, :, :4].max() <= 1 and tissue.t_count.max() <= 8
    assert tissue.t_count[0, :, :4].sum() > 9


def test_a_closed_neighbourhood_lets_no_t_cell_out() -> None:
    tissue = bare_tissue((1, 3, 3))
    tissue.state.fill(CellState.PROLIFERATING)
    add_t_cells(tissue, range(9))
    micro_steps(tissue, 20, ALWAYS)
    assert sites(tissue) == list(range(9))


def test_the_box_keeps_its_t_cells() -> None:
    tissue = bare_tissue((1, 5, 5))
    add_t_cells(tissue, range(25))
    micro_steps(tissue, 100, ALWAYS)
    assert tissue.t_cells.n == 25 and tissue.t_count.sum() == 25


def drift(bias: float, slope: float) -> tuple[float, float]:
    """Return the mean displacement along x of 900 T cells in a gradient over ten micro-steps, in sites, and its standard error."""
    tissue = bare_tissue((1, 120, 120))
    tissue.chemoattractant[:] = 0.5 + slope * np.arange(120, dtype=np.float32)
    starts = (np.arange(15, 105, 3)[:, None] * 120 + np.arange(15, 105, 3)).reshape(-1)
    add_t_cells(tissue, starts)
    micro_steps(tissue, 10, P._replace(bias=bias))
    moved = np.array(sites(tissue)) % 120 - starts % 120
    return float(moved.mean()), float(moved.std() / np.sqrt(len(moved)))


@pytest.mark.parametrize(("bias", "slope"), [(0.0, 0.001), (0.5, 0.0)])
def test_without_bias_or_gradient_there_is_no_drift(bias: float, slope: float) -> None:
    mean, error = drift(bias, slope)
    assert abs(mean) < 3.3 * error


def test_the_bias_drifts_up_the_gradient() -> None:
    """The better of two uniform Moore neighbours is 9/16 (not 0) of a site further up on average: E max of two draws of -1, 0, 1."""
    mean, error = drift(0.5, 0.001)
    expected_max = 1 * (1 - (5 / 8) ** 2) - 1 * (3 / 8) ** 2
    assert abs(mean - 10 * hop_probability(P, 2) * 0.5 * expected_max) < 3.3 * error


def test_random_stream_belongs_to_the_t_cell_not_to_its_row() -> None:
    one, other = bare_tissue(), bare_tissue()
    add_t_cells(one, [CENTRE, 100])
    add_t_cells(other, [100, CENTRE])
    other.t_cells.id[:2] = [1, 0]
    for tissue in (one, other):
        micro_steps(tissue, 30)
    assert sites(one) == sites(other)[::-1]


def test_motion_writes_places_only() -> None:
    tissue = bare_tissue()
    tissue.state[0, 10, 10] = CellState.PROLIFERATING
    add_t_cells(tissue, [CENTRE, CENTRE + 2, CENTRE + 4])
    freeze(tissue, "state", "chemoattractant")
    state = state_of(tissue)
    before = remember(state)
    update(state, ALWAYS, clock_at())
    assert changed(before, state) == {"site", "t_count"}
