"""Vessels under VEGFR blockade: those that need no VEGF stay, the others are pruned at a rate that their maturity does not lower.

Law: a share f of vessels needs VEGF, each by its site's own draw. Without sprouting, regression, collapse and repair, and with pruning
k R, N(t) = N_0 [(1 - f) + f exp(-k R t)], whatever normalisation does to maturity. Simulated: vessels far apart in a section full
of tumour cells, through the process `vessels`, under full pruning and full normalisation. Judged: after two weeks and after months the
number within 3 binomial standard errors; at the end those that are left are, one by one, those whose draw marks them. Negative controls:
all vessels need VEGF; maturity spares from pruning (the product of earlier versions), which normalisation then cancels.
"""

import math
from typing import Any

import numpy as np

from lesionlab.sim.numerics.random import draw_fixed, site_entity, uniform
from lesionlab.sim.processes import vessels
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import State
from lesionlab.sim.verification import Check
from lesionlab.sim.verification.judging import Law
from lesionlab.sim.verification.specimens import bare_tissue, state_of

LAW = Law(13, "vessels that need no VEGF")
SPACING, PER_EDGE = 8, 60
DEPENDENT, PRUNING_PER_D, EARLY_D, LATE_D = 0.6, 0.1, 14, 200


def remodelled(p: vessels.Parameters, days: int, effort: float) -> State:
    """Return a section full of tumour cells after days of full pruning and full normalisation; vessels begin on a wide grid."""
    edge = SPACING * max(round(PER_EDGE * effort**0.5), 15)
    tissue = bare_tissue((1, edge, edge))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.vessel[0, 4::SPACING, 4::SPACING] = 1
    tissue.maturity[tissue.vessel == 1] = p.maturity_tumour
    state = state_of(tissue, seed=13, pruning=1.0, normalisation=1.0)
    for day in range(days):
        vessels.update(state, p, Clock(24 * day, 1.0, 0))
    return state


def rule(**changed: float) -> vessels.Parameters:
    """Return the parameters of vessels that can only be pruned."""
    given: dict[str, Any] = dict.fromkeys(("sprouting_per_d", "collapse_per_d", "regression_per_d", "repair_per_d",
                                           "pruning_spared_by_maturity"), 0.0)
    return vessels.Parameters(**(given | {"pruning_per_d": PRUNING_PER_D, "vegf_dependent_fraction": DEPENDENT} | changed))


def _marked(state: State) -> np.ndarray:
    """Return the flat sites of the grid whose own draw says that a vessel there needs no VEGF."""
    tissue = state.tissues[0]
    stream = state.stream(tissue, Clock(0, 1.0, 0))
    ny, nx = tissue.state.shape[1:]
    grid = [(y, x) for y in range(4, ny, SPACING) for x in range(4, nx, SPACING)]
    names = [site_entity(0, y - tissue.centre[1], x - tissue.centre[2]) for y, x in grid]
    draws = [uniform(draw_fixed(stream, int(Purpose.VESSEL_DEPENDENCE), np.uint32(0), name)[0]) for name in names]
    return np.array([y * nx + x for (y, x), own in zip(grid, draws, strict=True) if own >= DEPENDENT])


def _judge(quantity: str, state: State, days: int, is_control: bool = False) -> Check:
    """Judge the vessels that are left by the law with the dependent share."""
    tissue = state.tissues[0]
    n_0 = (tissue.state.shape[1] // SPACING) ** 2
    share = 1.0 - DEPENDENT + DEPENDENT * math.exp(-PRUNING_PER_D * days)
    return LAW.within(quantity, float(tissue.vessel.sum()), n_0 * share, math.sqrt(n_0 * share * (1.0 - share)), "vessels", is_control)


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 lays fewer vessels."""
    late = remodelled(rule(), LATE_D, effort)
    left = np.flatnonzero(late.tissues[0].vessel)
    marked = _marked(late)
    n_wrong = len(set(left.tolist()) ^ set(marked.tolist()))
    return (_judge(f"vessels left after {EARLY_D} days", remodelled(rule(), EARLY_D, effort), EARLY_D),
            _judge(f"vessels left after {LATE_D} days", late, LATE_D),
            LAW.bounded("vessels left that are not those marked, or the other way round", n_wrong, 0.0, 0.0, "vessels"),
            _judge("all vessels need VEGF", remodelled(rule(vegf_dependent_fraction=1.0), LATE_D, effort), LATE_D, True),
            _judge("maturity spares from pruning", remodelled(rule(pruning_spared_by_maturity=1.0), EARLY_D, effort), EARLY_D, True))
