"""Perfusion falls with size: a lesion of volume V divides as tissue whose vessels are that much rarer.

Law: q0(V) = q0 (V / V_ref)^-b. Vessels laid at one density, of which the share q0(V) is perfused, supply what vessels laid at
(V / V_ref)^-b times the density do at q0. Simulated: sections full of tumour cells, vessels laid at random, through `vessels`
(at rest), `oxygen` and `cell_cycle`; several sections a case. Judged: the perfused density within 3 standard errors of its Poisson
mean; the mean gate of division within 2 % of the section with the rarer vessels. Negative control: b = 0, which keeps the gate of V_ref.
"""

import math
from typing import Any

import numpy as np

from lesionlab.sim.processes import cell_cycle, oxygen, vessels
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import SITES_PER_MM2, State
from lesionlab.sim.verification import Check
from lesionlab.sim.verification.judging import Law
from lesionlab.sim.verification.specimens import bare_tissue, state_of

LAW = Law(15, "perfusion falls with size")
EXPONENT, REFERENCE_CM3, SHARE, PERFUSED_PER_MM2 = 0.17, 50.0, 0.5, 60.0
VOLUMES_CM3 = (251.0, 2000.0)
EDGE, SECTIONS = 300, 16


def _rule(exponent: float) -> vessels.Parameters:
    """Return the parameters of vessels that neither come nor go."""
    given: dict[str, Any] = dict.fromkeys(("sprouting_per_d", "collapse_per_d", "pruning_per_d", "regression_per_d", "repair_per_d"), 0.0)
    given |= {"perfusion_size_exponent": exponent, "reference_volume_cm3": REFERENCE_CM3, "perfused_tumour": SHARE}
    return vessels.Parameters(**given)


def _section(seed: int, per_mm2: float, volume_cm3: float, exponent: float) -> State:
    """Return a section of a lesion's volume, full of cells, with vessels of a density of which a share is perfused at V_ref."""
    tissue = bare_tissue((1, EDGE, EDGE))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.baseline_volume_cm3 = volume_cm3
    tissue.vessel[:] = np.random.default_rng(seed).random(tissue.state.shape) < per_mm2 / SHARE / SITES_PER_MM2
    p = _rule(exponent)
    tissue.maturity[tissue.vessel == 1] = p.maturity_tumour
    state = state_of(tissue, seed=seed)
    vessels.update(state, p, Clock(0, 1.0, 0))
    return state


def gate_and_density(first_seed: int, per_mm2: float, volume_cm3: float, exponent: float, effort: float) -> tuple[float, float]:
    """Return (mean gate of division, perfused vessels per mm2) over the sections of a case."""
    gates, densities = [], []
    full = math.log(2.0) / cell_cycle.Parameters().cycle_time_h
    for number in range(max(round(SECTIONS * effort), 2)):
        state = _section(first_seed + number, per_mm2, volume_cm3, exponent)
        tissue = state.tissues[0]
        tissue.oxygen.fill(10.0)
        oxygen.solve(tissue, oxygen.Parameters())
        cell_cycle.update(state, cell_cycle.Parameters(), Clock(0, 1.0, 0))
        dividing = tissue.hazard[Hazard.DIVISION] + tissue.hazard[Hazard.FAILED_DIVISION]
        gates.append(float(dividing.mean(dtype=np.float64)) / full)
        densities.append(float(tissue.perfusion.mean(dtype=np.float64)) * SITES_PER_MM2)
    return float(np.mean(gates)), float(np.mean(densities))


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer sections."""
    found = []
    area_mm2 = max(round(SECTIONS * effort), 2) * EDGE**2 / SITES_PER_MM2
    for number, volume_cm3 in enumerate(VOLUMES_CM3):
        factor = (volume_cm3 / REFERENCE_CM3) ** -EXPONENT
        gate, density = gate_and_density(1000 * number, PERFUSED_PER_MM2, volume_cm3, EXPONENT, effort)
        rarer, _ = gate_and_density(1000 * number + 500, factor * PERFUSED_PER_MM2, REFERENCE_CM3, EXPONENT, effort)
        expected = factor * PERFUSED_PER_MM2
        found += [LAW.within(f"perfused density, {volume_cm3:g} cm3", density, expected, math.sqrt(expected / area_mm2), "1/mm2"),
                  LAW.close(f"mean gate of division, {volume_cm3:g} cm3", gate, rarer, 0.02)]
    unscaled, _ = gate_and_density(1000 * number, PERFUSED_PER_MM2, volume_cm3, 0.0, effort)
    found.append(LAW.close(f"mean gate of division, {volume_cm3:g} cm3, b = 0", unscaled, rarer, 0.02, is_control=True))
    return tuple(found)
