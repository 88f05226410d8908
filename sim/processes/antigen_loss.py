"""Antigen loss: a dividing clonogen may lose the antigen that T cells recognise, and so do its descendants.

    rate of loss = mu x rate of division, a clonogen; both daughters inherit it

T cells no longer engage such cells; radiation and hypoxia kill them as before. A section of a lesion of 1e10 cells meets a
loss only as often as its own divisions allow, and such a cell then stands for w clonogens. The mean over replicates is
right; a single replicate varies widely. Losses older than day 0 are cleared on day 0, though at any mu above 1e-9 a lesion
of this size must hold some. So mu is 0 by default. The rule is for sensitivity runs: it decides late escape, and no
measurement in this cancer was found.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.random import draw, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard, Purpose
from lesionlab.sim.state.state import State


class Parameters(NamedTuple):
    """Escape from T cells."""

    loss_per_division: Annotated[float, quantity("1", "probability of antigen loss at a division", 0.0, 1.0, "assumed",
        "0 = none; 1e-8 to 1e-4 are quoted for immunoediting, not measured here", prior=(0.0, 1e-4))] = 0.0


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Let at most one clonogen of every lesion lose its antigen in this step: one draw a lesion."""
    if p.loss_per_division == 0.0:
        return
    for tissue in state.active:
        words = draw(state.stream(tissue, clock), int(Purpose.ANTIGEN_LOSS), np.uint32(0))
        codes = tissue.state.reshape(-1)
        # 1 - exp(-h) <= h, and h is at most that of a section full of its fastest-dividing cell: most steps are decided here.
        if uniform(words[0]) >= p.loss_per_division * codes.size * float(tissue.hazard[Hazard.DIVISION].max()):
            continue
        clonogens = np.flatnonzero((codes == CellState.PROLIFERATING) | (codes == CellState.QUIESCENT))
        divisions = np.cumsum(tissue.hazard[Hazard.DIVISION].reshape(-1)[clonogens], dtype=np.float64)
        if len(clonogens) and uniform(words[0]) < -np.expm1(-p.loss_per_division * divisions[-1]):
            chosen = clonogens[np.searchsorted(divisions, uniform(words[1]) * divisions[-1])]
            tissue.lost_antigen.reshape(-1)[chosen] = 1
