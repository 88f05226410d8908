"""A mass that grows and contracts freely: the model's own cell processes in the order of the schedule, with given oxygen.

No vessels, no T cells, no population control: what is left is births, deaths and displacement.
"""

import numpy as np

from lesionlab.sim.processes import (
    apoptosis,
    cell_cycle,
    cell_death,
    cell_fate,
    clearance,
    displacement,
    hypoxia,
    population_control,
    radiobiology,
)
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import State
from lesionlab.sim.verification.specimens import bare_tissue, state_of

RULES = (cell_cycle, hypoxia, apoptosis, cell_fate, population_control, cell_death, clearance, displacement)
PLENTY_MMHG = 1e4


def disc(n: int, edge: int, seed: int, oxygen_mmHg: float = PLENTY_MMHG, layers: int = 1) -> State:
    """Return a state of a round mass of n cells at one pO2: a disc in a box of edge x edge sites, or with layers a ball in a block."""
    tissue = bare_tissue((layers, edge, edge))
    tissue.depth_cm = tissue.size_cm[0] if layers > 1 else tissue.depth_cm
    z, y, x = (np.arange(length) - length // 2 for length in tissue.state.shape)
    distance = (z**2)[:, None, None] + (y**2)[:, None] + x**2
    tissue.state.reshape(-1)[np.argsort(distance, axis=None, kind="stable")[:n]] = CellState.PROLIFERATING
    tissue.oxygen.fill(oxygen_mmHg)
    return state_of(tissue, seed=seed)


def parameters(**changed: tuple) -> dict[str, tuple]:
    """Return the parameters of the rules, defaults where not `changed`; without weight control."""
    names = [rule.__name__.rsplit(".", 1)[-1] for rule in RULES]
    given = {name: rule.Parameters() for name, rule in zip(names, RULES, strict=True)}
    return given | {"population_control": population_control.Parameters(n_min=0)} | changed


def advance(state: State, given: dict[str, tuple], step: int, dt_h: float = 1.0,
            irradiation: radiobiology.Parameters | None = None) -> None:
    """Take one step; the fractions that `state.orders` hold are given first if `irradiation` is."""
    clock = Clock(step, dt_h, 0)
    if irradiation is not None:
        radiobiology.update(state, irradiation, clock)
    for rule in RULES:
        rule.update(state, given[rule.__name__.rsplit(".", 1)[-1]], clock)


def clonogens(state: State) -> int:
    """Return the number of clonogens of the section."""
    codes = state.tissues[0].state
    return int(np.count_nonzero((codes == CellState.PROLIFERATING) | (codes == CellState.QUIESCENT)))
