"""Antigen loss: at its rate per division, inherited, unseen by T cells, selected in a weight-controlled section."""

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes import displacement, population_control, t_cell_killing
from lesionlab.sim.processes.antigen_loss import Parameters, update
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, fill_disc, freeze, remember, state_of

P = Parameters(loss_per_division=0.01)
CENTRE = (0, 10, 10)


def dividing(n_steps: int, p: Parameters = P) -> Tissue:
    """Return a disc whose clonogens had a division hazard of 0.01 a step; a quarter of it is doomed and does not count."""
    tissue = bare_tissue()
    mask = fill_disc(tissue, 8.0)
    tissue.state[mask & (np.indices(mask.shape)[1] > 13)] = CellState.DOOMED
    tissue.hazard[Hazard.DIVISION, mask] = 0.01
    state = state_of(tissue)
    for step in range(n_steps):
        update(state, p, clock_at(step))
    return tissue


def test_antigen_is_lost_at_the_rate_of_divisions_and_by_clonogens_only() -> None:
    """At most one loss a step: seen losses are counted one step at a time."""
    n_clonogens = int((dividing(0).state == CellState.PROLIFERATING).sum())
    n_lost = 0
    for step in range(3000):
        tissue = dividing(0)
        update(state_of(tissue), P, clock_at(step))
        assert not tissue.lost_antigen[tissue.state != CellState.PROLIFERATING].any()
        n_lost += int(tissue.lost_antigen.sum())
    low, high = binom.interval(0.9999, 3000, -np.expm1(-0.01 * 0.01 * n_clonogens))
    assert low <= n_lost <= high


def test_zero_loses_nothing_and_reads_only() -> None:
    tissue = dividing(0)
    freeze(tissue, "state", "hazard")
    state = state_of(tissue)
    before = remember(state)
    update(state, Parameters(loss_per_division=0.0), clock_at())
    assert changed(before, state) == set()


def test_daughters_inherit_the_loss_and_shoved_cells_keep_it() -> None:
    tissue = bare_tissue()
    fill_disc(tissue, 5.0)
    tissue.lost_antigen[CENTRE] = 1
    for step in range(3):
        tissue.fate.fill(255)
        tissue.fate[(tissue.lost_antigen == 1) & (tissue.state > 0)] = Hazard.DIVISION
        displacement.update(state_of(tissue), displacement.Parameters(), clock_at(step + 1))
    assert (tissue.lost_antigen[tissue.state > 0]).sum() == 2**3


@pytest.mark.parametrize("lost", [0, 1])
def test_t_cells_do_not_engage_a_cell_without_antigen(lost: int) -> None:
    tissue = bare_tissue()
    tissue.state[CENTRE], tissue.lost_antigen[CENTRE] = CellState.PROLIFERATING, lost
    add_t_cells(tissue, [220])
    t_cell_killing.update(state_of(tissue), t_cell_killing.Parameters(), clock_at(100))
    assert tissue.t_cells.target[0] == (-1 if lost else 220)


def test_a_weight_controlled_section_selects_what_t_cells_cannot_kill() -> None:
    """One weighted clonogen of twenty has lost its antigen; T cells kill all others again and again."""
    tissue = bare_tissue((1, 1, 60), weight=1e12, volume_weight=1e13)
    tissue.state[0, 0, :20] = CellState.PROLIFERATING
    tissue.lost_antigen[0, 0, 7] = 1
    for step in range(12):
        is_hit = (tissue.state[0, 0] > 0) & (tissue.lost_antigen[0, 0] == 0)
        tissue.hazard[Hazard.T_CELL, 0, 0] = np.where(is_hit, 1e6, 0.0)
        tissue.fate[0, 0] = np.where(is_hit, int(Hazard.T_CELL), 255)
        population_control.update(state_of(tissue), population_control.Parameters(n_min=20), clock_at(step))
    assert tissue.lost_antigen[0, 0, :20].all()
    assert tissue.weight == pytest.approx(1e12 / 20, rel=1e-6)
