"""T cells per area of a mass do not depend on how large a section stands for the lesion: what leaves at the edge is scaled."""

import math

import numpy as np
import pytest

from lesionlab.sim.processes import t_cell_entry, t_cell_exhaustion, t_cell_motion
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import State
from tests.made_state import bare_tissue, clock_at, fill_disc, state_of

ENTRY = t_cell_entry.Parameters(entry_per_vessel_per_d=0.2)
LESION_RADIUS = 3000.0  # in sites: 6 cm
VESSELS = 0.024  # per site, 60 per mm2
DAYS, COUNTED = 24, 12


def resting_density(n_cells: int, is_scaled: bool = True) -> float:
    """Return specific T cells per site of a mass that living cells fill, mean over the last days; the blood pools are constant."""
    radius = math.sqrt(n_cells / math.pi)
    edge = 2 * math.ceil(radius + 25) + 1
    tissue = bare_tissue((1, edge, edge))
    mask = fill_disc(tissue, radius, CellState.APOPTOTIC)
    tissue.scale = LESION_RADIUS / radius if is_scaled else 1.0
    tissue.perfusion[:] = np.random.default_rng(3).random(tissue.state.shape) < VESSELS
    state, found = state_of(tissue, specific_blood=1e9), []
    for step in range(24 * DAYS):
        _step(state, step)
        if step >= 24 * COUNTED:
            found.append(tissue.t_count[mask].mean())
    return float(np.mean(found)) * VESSELS / tissue.perfusion[mask].mean()


def _step(state: State, step: int) -> None:
    now = clock_at(step, burn_in_steps=10**6)
    t_cell_entry.update(state, ENTRY, now)
    for micro_step in range(10):
        t_cell_motion.update(state, t_cell_motion.Parameters(), clock_at(step, burn_in_steps=10**6, micro_step=micro_step))
    t_cell_exhaustion.update(state, t_cell_exhaustion.Parameters(), now)


@pytest.mark.slow
def test_density_is_that_of_entry_and_death_in_a_section_of_any_size() -> None:
    """Entry 0.2 a vessel and day and a life of 10 days: 0.048 T cells a site. Control: unscaled, a small section loses most of them."""
    expected = VESSELS * ENTRY.entry_per_vessel_per_d * ENTRY.lifespan_d
    large, small = resting_density(5000), resting_density(300)
    assert large == pytest.approx(expected, rel=0.12)
    assert small == pytest.approx(large, rel=0.3)
    assert resting_density(300, is_scaled=False) < 0.6 * small
