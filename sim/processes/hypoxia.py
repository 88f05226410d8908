"""Hypoxia: cells fall quiescent when oxygen is short and die (necrosis) when it is nearly gone.

    quiescent            if p < p_q, else cycling
    hazard of necrosis   k_nec (p_on - p) / (p_on - p_full), between 0 and k_nec

p is the pO2 at the cell. Quiescence concerns clonogens only; it sets their uptake of oxygen and the growth fraction, while `cell_cycle`
has its own dependence on oxygen. Necrosis concerns every living cell: none above p_on, all of k_nec below p_full.

The onset is at 1 mmHg, not at the 5 mmHg of PhysiCell: a higher onset kills the radioresistant cells (oxygen
enhancement is still about 2 at 5 mmHg) and so hides viable hypoxia. In vivo diffusion models use 0.5-1.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.threads import in_bands
from lesionlab.sim.numerics.window import all_rows, row_of
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import State

_PROLIFERATING, _QUIESCENT, _DOOMED = int(CellState.PROLIFERATING), int(CellState.QUIESCENT), int(CellState.DOOMED)
_HYPOXIA = int(Hazard.HYPOXIA)


class Parameters(NamedTuple):
    """Thresholds of quiescence and necrosis."""

    ORDERED = (("full_mmHg", "onset_mmHg"),)  # type: ignore[misc]
    quiescent_mmHg: Annotated[float, quantity("mmHg", "pO2 below which a cell is quiescent", 0.1, 50.0, "assumed", "half-maximal division",
        prior=(2.0, 8.0))] = 4.0
    onset_mmHg: Annotated[float, quantity("mmHg", "pO2 at which necrosis begins", 0.05, 40.0, "assumed",
        "about 1 in vivo; PhysiCell's 5 hides viable hypoxia",
        prior=(0.5, 5.0))] = 1.0
    full_mmHg: Annotated[float, quantity("mmHg", "pO2 of the full necrosis rate", 0.0, 40.0, "assumed", "0.2 in vivo",
        prior=(0.05, 2.5))] = 0.2
    necrosis_per_h: Annotated[float, quantity("1/h", "largest necrosis rate", 0.0, 1.0, "literature", "OncoAMBER 0.02-0.03, PhysiCell 1/6",
        prior=(1.0 / 72.0, 1.0 / 6.0))] = 1.0 / 24.0


@kernel
def is_quiescent(p, oxygen_mmHg):
    """Return whether a clonogen is quiescent: p < p_q."""
    return oxygen_mmHg < p.quiescent_mmHg


@kernel
def necrosis_hazard_per_h(p, oxygen_mmHg):
    """Return the hazard of necrosis (1/h) of a living cell: k_nec (p_on - p) / (p_on - p_full), between 0 and k_nec."""
    shortage = min(max((p.onset_mmHg - oxygen_mmHg) / (p.onset_mmHg - p.full_mmHg), 0.0), 1.0)
    return p.necrosis_per_h * shortage


@kernel
def _apply_to_row(p, dt_h, state, oxygen, hazard):
    """Apply both laws to a row: label each clonogen (a doomed cell stays doomed), and write each living cell's hazard over the step."""
    for x in range(len(state)):
        # Read before anything is written, and selected without branches: only such a loop vectorises.
        code, oxygen_mmHg = state[x], oxygen[x]
        is_living = (code >= _PROLIFERATING) & (code <= _DOOMED)
        label = _QUIESCENT if is_quiescent(p, oxygen_mmHg) else _PROLIFERATING
        state[x] = label if is_living & (code != _DOOMED) else code
        hazard[x] = np.float32(necrosis_hazard_per_h(p, oxygen_mmHg) * dt_h) if is_living else hazard[x]


@kernel
def _apply(rows, window, p, dt_h, state, oxygen, hazard):
    """Apply both laws to a span of a window's rows. Reads oxygen (mmHg); writes state and hazard; shapes (nz, ny, nx). No draws."""
    x0, x1 = window.first_x, window.end_x
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        _apply_to_row(p, dt_h, state[z, y][x0:x1], oxygen[z, y][x0:x1], hazard[z, y][x0:x1])


@kernel
def act(p, now, numbers, state, oxygen, hazard):
    """Write the quiescent state and the hazard of necrosis in one lesion."""
    window = window_of(numbers)
    _apply(all_rows(window, len(state)), window, p, now.dt_h, state, oxygen, hazard[_HYPOXIA])


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Write the quiescent state and the hazard of necrosis in every lesion."""
    for tissue in state.active:
        in_bands(tissue.state.shape, tissue.window, _apply, p, clock.dt_h, tissue.state, tissue.oxygen, tissue.hazard[_HYPOXIA])
