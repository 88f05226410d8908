"""VEGF: secreted by tumour cells, ten times more when hypoxic; quasi-steady diffusion with decay, once a day.

    D lap(V) - k V + k s(state, p) = 0,   s = 1 for a living tumour cell, 10 below the HIF threshold

V is relative: 1 is what a tissue of normoxic tumour cells holds. Length sqrt(D / k) = 390 um. Secretion ratio and
transport as in spQSP-HCC.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.linear_fields import range_of, steady_linear
from lesionlab.sim.numerics.window import cut
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import SITE_UM, State

EVERY_H = 24.0
_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)


class Parameters(NamedTuple):
    """Secretion and transport of VEGF."""

    diffusivity_um2_per_s: Annotated[float, quantity("um2/s", "diffusivity", 1.0, 500.0, "literature", "spQSP-HCC, 2.9e-7 cm2/s",
        prior=(10.0, 110.0))] = 29.0
    decay_per_s: Annotated[float, quantity("1/s", "decay", 1e-06, 0.1, "literature", "spQSP-HCC", prior=(1e-5, 1e-3))] = 1.92e-4
    hypoxic_ratio: Annotated[float, quantity("1", "secretion of a hypoxic cell relative to a normoxic one", 1.0, 100.0, "literature",
        "spQSP-HCC: stem 1.27e-12, progenitor 1.27e-13", prior=(5.0, 20.0))] = 10.0
    hif_mmHg: Annotated[float, quantity("mmHg", "pO2 below which a cell secretes as hypoxic", 0.1, 50.0, "literature",
        "PhysiCell's HIF thresholds 15 / 8 / 4", prior=(4.0, 15.0))] = 8.0


@kernel
def secretion(p, oxygen_mmHg):
    """Return what a living tumour cell secretes, relative to a normoxic one: 1, and more below the HIF threshold."""
    return p.hypoxic_ratio if oxygen_mmHg < p.hif_mmHg else 1.0


@kernel
def _secrete(p, window, state, oxygen, source):
    """Reads state, oxygen (mmHg), both (nz, ny, nx); writes source, float32 as large as the window, relative units per second. No draws."""
    nz, ny, nx = source.shape
    for z in range(nz):
        for y in range(ny):
            codes, pressures = state[z, window.first_y + y][window.first_x :], oxygen[z, window.first_y + y][window.first_x :]
            for x in range(nx):
                secreted = secretion(p, pressures[x]) if _FIRST <= codes[x] <= _LAST else 0.0
                source[z, y, x] = secreted * p.decay_per_s


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Solve every lesion's VEGF."""
    if not clock.is_due(EVERY_H):
        return
    for tissue in state.active:
        around = range_of(tissue.window, tissue.state.shape, p.diffusivity_um2_per_s, p.decay_per_s, SITE_UM)
        source = np.empty(cut(tissue.vegf, around).shape, np.float32)
        _secrete(p, around, tissue.state, tissue.oxygen, source)
        tissue.vegf.fill(0.0)
        cut(tissue.vegf, around)[:] = steady_linear(source, p.diffusivity_um2_per_s, p.decay_per_s, SITE_UM)
