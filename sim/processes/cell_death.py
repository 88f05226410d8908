"""Cell death: commit the fates of death by cause and keep the ledger.

A clonogen that radiation kills dies at once with probability f_int (interphase death), otherwise it is doomed: it lives on,
consumes oxygen and dies at a later mitosis. Dead cells keep their place until `clearance`. The ledger counts lesion cells: w
for a clonogen, W for a doomed cell; the death of a doomed cell is always counted under radiation, because radiation had ended
its line. Every dead cell stands for W. Where clonogens stand for less (w < W, an under-weighted section) their debris is
negligible, so they leave their site at once.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import each_section, lattice_of, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import entity_of
from lesionlab.sim.numerics.random import draw, uniform
from lesionlab.sim.numerics.window import sites_of
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard, Purpose
from lesionlab.sim.state.state import State, relative_weight_of

# No fate is the largest code, division the smallest: between them lie the causes of death.
_FIRST_CAUSE, _LAST_CAUSE = np.uint8(Hazard.DIVISION + 1), np.uint8(NO_FATE - 1)
_RADIATION = int(Hazard.RADIATION)
_STROMA, _DOOMED = int(CellState.STROMA), int(CellState.DOOMED)
_INTERPHASE = int(Purpose.INTERPHASE_DEATH)
REMAINS = np.full(len(Hazard), CellState.APOPTOTIC, np.uint8)
"""The CellState that a cell dead of each cause leaves on its site; an apoptotic body where no other is named."""
REMAINS[Hazard.HYPOXIA], REMAINS[Hazard.RADIATION], REMAINS[Hazard.T_CELL] = (
    CellState.NECROTIC, CellState.KILLED_BY_RADIATION, CellState.KILLED_BY_T_CELL)


class Parameters(NamedTuple):
    """Timing of death by radiation."""

    interphase_share: Annotated[float, quantity("1", "share of clonogens killed by radiation that die at once", 0.0, 1.0, "literature",
        "solid tumours die mostly at mitosis, to be checked",
        prior=(0.05, 0.3))] = 0.1


class CellColumns(NamedTuple):
    """What is lost with a dead cell: flat lattices."""

    state: np.ndarray
    pd_l1: np.ndarray
    hits: np.ndarray


@kernel
def _leave(cells, at, code):
    """Leave a code on a dead cell's site, without PD-L1 and hits."""
    cells.state[at], cells.pd_l1[at], cells.hits[at] = code, 0, 0


@kernel
def _commit(is_under_weighted, interphase, remains, stream, lattice, dying, fate, cells, deaths):
    """Commit deaths. Reads flat sites of the dying, fate flat; writes cells and deaths float64 (2, causes): clonogens, doomed.

    is_under_weighted: if true, dead clonogens leave no debris. One draw a clonogen killed by radiation.
    """
    for s in dying:
        cause = fate[s]
        is_doomed = cells.state[s] == _DOOMED
        if is_under_weighted and not is_doomed:
            deaths[0, cause] += 1.0
            _leave(cells, s, _STROMA)
            continue
        is_hit = cause == _RADIATION and not is_doomed
        if is_hit and uniform(draw(stream, _INTERPHASE, entity_of(s, lattice))[0]) >= interphase:
            cells.state[s] = _DOOMED
            continue
        deaths[1 if is_doomed else 0, cause] += 1.0
        _leave(cells, s, remains[cause])


@kernel
def act(p, numbers, stream, state, pd_l1, hits, fate, ledger):
    """Commit this step's deaths in one lesion."""
    dying = sites_of(fate, _FIRST_CAUSE, _LAST_CAUSE, window_of(numbers))
    if not len(dying):
        return
    deaths = np.zeros((2, len(ledger)))
    cells = CellColumns(state.reshape(-1), pd_l1.reshape(-1), hits.reshape(-1))
    is_under_weighted = relative_weight_of(numbers.weight, numbers.volume_weight) < 1.0 and not numbers.is_weight_controlled
    lattice = lattice_of(numbers, state.shape)
    _commit(is_under_weighted, p.interphase_share, REMAINS, stream, lattice, dying, fate.reshape(-1), cells, deaths)
    for cause in range(len(ledger)):
        ledger[cause] += numbers.weight * deaths[0, cause]
    ledger[_RADIATION] += numbers.volume_weight * deaths[1].sum()


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Commit this step's deaths in every lesion."""
    each_section(act, state, p, clock)
