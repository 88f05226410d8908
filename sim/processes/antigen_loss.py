"""Antigen loss: a dividing clonogen may lose the antigen that T cells recognise, and so do its descendants.

    rate of loss = mu x rate of division, a clonogen; both daughters inherit it

T cells no longer engage such cells; radiation and hypoxia kill them as before. A section of a lesion of 1e10 cells meets a
loss only as often as its own divisions allow, and such a cell then stands for w clonogens. The mean over replicates is
right; a single replicate varies widely. Losses older than day 0 are cleared on day 0, though at any mu above 1e-9 a lesion
of this size must hold some. So mu is 0 by default. The rule is for sensitivity runs: it decides late escape, and no
measurement in this cancer was found.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import each_section
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import draw, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard, Purpose
from lesionlab.sim.state.state import State

_PROLIFERATING, _QUIESCENT = int(CellState.PROLIFERATING), int(CellState.QUIESCENT)
_DIVISION, _ANTIGEN_LOSS = int(Hazard.DIVISION), int(Purpose.ANTIGEN_LOSS)


class Parameters(NamedTuple):
    """Escape from T cells."""

    loss_per_division: Annotated[float, quantity("1", "probability of antigen loss at a division", 0.0, 1.0, "assumed",
        "0 = none; 1e-8 to 1e-4 are quoted for immunoediting, not measured here", prior=(0.0, 1e-4))] = 0.0


@kernel
def _largest(hazards):
    """Return the largest of a lattice of hazards."""
    largest = np.float32(0.0)
    for hazard in hazards.reshape(-1):
        largest = max(largest, hazard)
    return float(largest)


@kernel
def _divisions(codes, hazards):
    """Return the flat sites of the clonogens and the cumulative sums of their hazards of division, float64; both arrays flat."""
    sites, sums, n, total = np.empty(len(codes), np.int64), np.empty(len(codes)), 0, 0.0
    for s in range(len(codes)):
        if codes[s] == _PROLIFERATING or codes[s] == _QUIESCENT:
            total += hazards[s]
            sites[n], sums[n] = s, total
            n += 1
    return sites[:n], sums[:n]


@kernel
def act(p, stream, state, hazard, lost_antigen):
    """Let at most one clonogen of a lesion lose its antigen in this step: one draw."""
    if p.loss_per_division == 0.0:
        return
    words = draw(stream, _ANTIGEN_LOSS, np.uint32(0))
    # 1 - exp(-h) <= h, and h is at most that of a section full of its fastest-dividing cell: most steps are decided here.
    if uniform(words[0]) >= p.loss_per_division * state.size * _largest(hazard[_DIVISION]):
        return
    clonogens, divisions = _divisions(state.reshape(-1), hazard[_DIVISION].reshape(-1))
    if len(clonogens) and uniform(words[0]) < -math.expm1(-p.loss_per_division * divisions[-1]):
        chosen = 0
        while divisions[chosen] < uniform(words[1]) * divisions[-1]:
            chosen += 1
        lost_antigen.reshape(-1)[clonogens[chosen]] = 1


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Let at most one clonogen of every lesion lose its antigen in this step."""
    each_section(act, state, p, clock)
