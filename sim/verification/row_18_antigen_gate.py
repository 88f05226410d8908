"""The antigen gate and absolute priming: T cells that follow their tumour hold it, whatever number of cells it began with.

Law, well mixed: dn/dt = n (g - k rho), drho/dt = e_max (e0 + (1 - e0) n / (n + n50)) - rho / tau. With G = g / (k tau e_max) and e0 < G < 1
the one interior fixed point is n* = n50 (G - e0) / (1 - G), and it is stable: the trace of its Jacobian is -1 / tau, the determinant
k n* e'(n*) > 0. Simulated: this system with the shipped law of the gate; arrivals through `t_cell_entry` at vessels in rich and in poor
interferon; the pool of specific effectors through `t_cell_priming` under absolute supply, at rest under a burden and a hundred times that.
Judged: starts at 0.1 n* and 10 n* end within 10 % of n* after 20 tau; arrivals within 3 binomial standard errors; pools within 1 % of
S_max tau_blood A / (A + A50). Negative controls: e0 = 1, which has no interior fixed point; arrivals by vessels alone; a supply relative to
day 0, which holds the same pool at either burden.
"""

import math

from lesionlab.sim.processes import t_cell_entry, t_cell_priming
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import State
from lesionlab.sim.verification import Check
from lesionlab.sim.verification.judging import Law
from lesionlab.sim.verification.specimens import bare_tissue, state_of

LAW = Law(18, "antigen gate")
GROWTH_PER_D, KILLS_PER_D, LIFE_D, HALF, BALANCE = 0.05, 0.5, 10.0, 1.0, 0.6
"""g, k, tau, n50 and G of the well-mixed system."""
STEP_D, LIVES = 0.05, 20.0
UNGATED, INTERFERON_HALF, RICH, POOR, ARRIVALS = 0.2, 0.01, 0.03, 0.002, 20_000
BURDEN_PER_D, TIMES, POOL_D = 2e7, 100.0, 150
PRIMING = t_cell_priming.Parameters(antigen_half_per_d=1e9, memory_share=0.0, supply_most_per_d=1e8)


def interior(ungated_share: float) -> float:
    """Return n*, the number of tumour cells at the interior fixed point."""
    return HALF * (BALANCE - ungated_share) / (1.0 - BALANCE)


def held(n_0: float, ungated_share: float) -> float:
    """Return the tumour cells that T cells leave after 20 tau, from n_0 cells and T cells in balance with growth (Heun's method)."""
    most_per_d = GROWTH_PER_D / (KILLS_PER_D * LIFE_D * BALANCE)

    def slope(log_n: float, t_cells: float) -> tuple[float, float]:
        entering = most_per_d * t_cell_entry.antigen_gate(ungated_share, HALF, math.exp(log_n))
        return GROWTH_PER_D - KILLS_PER_D * t_cells, entering - t_cells / LIFE_D

    log_n, t_cells = math.log(n_0), GROWTH_PER_D / KILLS_PER_D
    for _ in range(round(LIVES * LIFE_D / STEP_D)):
        first = slope(log_n, t_cells)
        second = slope(log_n + STEP_D * first[0], t_cells + STEP_D * first[1])
        log_n += STEP_D * (first[0] + second[0]) / 2.0
        t_cells += STEP_D * (first[1] + second[1]) / 2.0
    return math.exp(log_n)


def arrivals(effort: float) -> tuple[int, int]:
    """Return (T cells that entered where interferon is rich, all that entered), by as many vessels there as where it is poor."""
    tissue = bare_tissue((1, 40, 80))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.perfusion[:, ::4, ::4] = 1.0
    tissue.ifn_gamma[:, :, :40], tissue.ifn_gamma[:, :, 40:] = RICH, POOR
    state = state_of(tissue, seed=18, bystander_blood=1e9)
    p = t_cell_entry.Parameters(entry_per_vessel_per_d=1.5, ungated_share=UNGATED, interferon_half=INTERFERON_HALF)
    step, in_burn_in = 10**5, 2 * 10**5
    while tissue.t_cells.n < max(ARRIVALS * effort, 2000):
        t_cell_entry.update(state, p, Clock(step, 1.0, in_burn_in))
        step += 1
    in_rich = tissue.t_cells.site[: tissue.t_cells.n] % 80 < 40
    return int(in_rich.sum()), tissue.t_cells.n


def pool(antigen_per_d: float, is_absolute: bool) -> float:
    """Return the specific effectors in blood after months in which cells die of radiation at a constant rate."""
    state: State = state_of(bare_tissue((1, 3, 3)), seed=18, specific_blood=1e8, is_supply_absolute=is_absolute,
                            antigen_ledger=30.0 * antigen_per_d)
    t_cell_priming.hold_baseline(state.systemic, PRIMING, 30.0)
    for step in range(24 * POOL_D):
        state.tissues[0].ledger[Hazard.RADIATION] += antigen_per_d / 24.0
        t_cell_priming.update(state, PRIMING, Clock(step, 1.0, 0))
    return state.systemic.specific_blood


def supplied(antigen_per_d: float) -> float:
    """Return the pool that the Michaelis law of supply holds against death in blood."""
    share = antigen_per_d / (antigen_per_d + PRIMING.antigen_half_per_d)
    return PRIMING.supply_most_per_d * PRIMING.blood_lifespan_d * share


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer arrivals."""
    found = []
    for ungated_share in (0.05, UNGATED):
        expected = interior(ungated_share)
        found += [LAW.close(f"held from {factor:g} n*, e0 {ungated_share:g}", held(factor * expected, ungated_share), expected, 0.1)
                  for factor in (0.1, 10.0)]
    found.append(LAW.close("held from 0.1 n*, e0 1", held(0.1 * interior(UNGATED), 1.0), interior(UNGATED), 0.1, is_control=True))
    (in_rich, n), (rich, poor) = arrivals(effort), (UNGATED + (1.0 - UNGATED) * i / (i + INTERFERON_HALF) for i in (RICH, POOR))
    for what, share, is_control in (("arrivals where interferon is rich", rich / (rich + poor), False),
                                    ("arrivals where interferon is rich, by vessels alone", 0.5, True)):
        found.append(LAW.within(what, in_rich / n, share, math.sqrt(share * (1.0 - share) / n), is_control=is_control))
    for burden in (BURDEN_PER_D, TIMES * BURDEN_PER_D):
        found.append(LAW.close(f"pool at {burden:.2g} dead cells a day", pool(burden, True), supplied(burden), 0.01, "cells"))
    rise = supplied(TIMES * BURDEN_PER_D) / supplied(BURDEN_PER_D)
    found += [LAW.close(f"pool at {TIMES:g} times the burden, {kind} supply", pool(TIMES * BURDEN_PER_D, is_absolute)
                        / pool(BURDEN_PER_D, is_absolute), rise, 0.01, is_control=not is_absolute)
              for kind, is_absolute in (("absolute", True), ("relative", False))]
    return tuple(found)
