"""Oxygen: supply and uptake balance at every site, to the tolerance; dead cells take up nothing."""

import math

import numpy as np
import pytest

from lesionlab.sim.processes.oxygen import EVERY_H, Parameters, solve, update, uptake_by_state
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import SITE_UM, Tissue
from tests.made_state import DEAD, bare_tissue, changed, clock_at, fill_disc, freeze, remember, state_of

P = Parameters()
SHARP = P._replace(tolerance_mmHg=1e-4)
WALL_PER_S = 2.0 * math.pi * P.vessel_radius_um * P.wall_transfer_um_per_s / SITE_UM**2


def uniform_tissue(code: int, perfusion: float, start_mmHg: float = 20.0) -> Tissue:
    tissue = bare_tissue()
    tissue.state.fill(code)
    tissue.perfusion.fill(perfusion)
    tissue.oxygen.fill(start_mmHg)
    return tissue


@pytest.mark.parametrize(("code", "relative_uptake"), [
    (CellState.STROMA, P.uptake_stroma), (CellState.PROLIFERATING, 1.0), (CellState.QUIESCENT, P.uptake_quiescent), (CellState.DOOMED, 1.0),
    *((code, 0.0) for code in DEAD)])
def test_a_vessel_on_every_site_gives_the_pointwise_root(code: int, relative_uptake: float) -> None:
    """k (P_v - p) = M p / (p + K): a quadratic."""
    tissue = uniform_tissue(code, 0.05)
    solve(tissue, SHARP)
    k, m = 0.05 * WALL_PER_S, relative_uptake * P.uptake_mmHg_per_s
    b = k * (P.half_uptake_mmHg - P.vessel_mmHg) + m
    root = (-b + math.sqrt(b * b + 4.0 * k * k * P.vessel_mmHg * P.half_uptake_mmHg)) / (2.0 * k)
    assert np.allclose(tissue.oxygen, root, rtol=1e-4)


def test_without_perfused_vessels_oxygen_is_used_up() -> None:
    tissue = uniform_tissue(CellState.PROLIFERATING, 0.0)
    tissue.vessel.fill(1)
    solve(tissue, P)
    assert tissue.oxygen.min() >= 0.0 and tissue.oxygen.max() < P.tolerance_mmHg


def test_one_vessel_fills_a_dead_section() -> None:
    tissue = uniform_tissue(CellState.NECROTIC, 0.0)
    tissue.perfusion[0, 3, 4] = 1.0
    solve(tissue, SHARP)
    assert np.allclose(tissue.oxygen, P.vessel_mmHg, rtol=1e-2)


def test_what_vessels_supply_is_what_cells_take_up() -> None:
    tissue = bare_tissue((1, 41, 41))
    fill_disc(tissue, 12.0)
    tissue.perfusion[0, 5::10, 5::10] = 1.0
    solve(tissue, SHARP)
    p = tissue.oxygen.astype(np.float64)
    supply = WALL_PER_S * (tissue.perfusion * (P.vessel_mmHg - p)).sum()
    uptake = (uptake_by_state(P)[tissue.state] * p / (p + P.half_uptake_mmHg)).sum()
    assert supply == pytest.approx(uptake, rel=1e-3)
    assert p.max() < P.vessel_mmHg


def test_the_residual_is_recorded_and_below_the_tolerance() -> None:
    tissue = uniform_tissue(CellState.PROLIFERATING, 0.0)
    tissue.perfusion[0, 3, 4] = 1.0
    update(state_of(tissue), P, clock_at())
    assert 0.0 < tissue.oxygen_residual <= P.tolerance_mmHg


def test_a_solved_field_is_left_nearly_alone() -> None:
    tissue = uniform_tissue(CellState.PROLIFERATING, 0.0)
    tissue.perfusion[0, 3, 4] = 1.0
    assert solve(tissue, P) > 5
    assert solve(tissue, P) == 1


def test_it_is_solved_every_few_hours_and_writes_the_field_only() -> None:
    tissue = uniform_tissue(CellState.PROLIFERATING, 0.1)
    freeze(tissue, "state", "perfusion", "vessel")
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at(int(EVERY_H) - 1))
    assert changed(before, state) == set()
    update(state, P, clock_at(int(EVERY_H)))
    assert changed(before, state) == {"oxygen", "oxygen_residual"}
