"""Chemoattractant (CXCL9/10 lumped): secreted by living tumour cells that see interferon gamma; quasi-steady.

    D lap(C) - k C + k I / (I + I50) = 0 on living tumour cells

C is relative, in [0, 1]: 1 where all cells around secrete fully. It biases T-cell motion slightly.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.linear_fields import range_of, steady_linear
from lesionlab.sim.numerics.window import cut
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import SITE_UM, State

EVERY_H = 12.0


class Parameters(NamedTuple):
    """Secretion and transport of the lumped chemoattractant."""

    diffusivity_um2_per_s: Annotated[float, quantity("um2/s", "diffusivity", 1.0, 500.0, "assumed", "as other small proteins",
        prior=(10.0, 110.0))] = 30.0
    decay_per_s: Annotated[float, quantity("1/s", "decay", 1e-06, 0.1, "assumed", "length about 170 um", prior=(1e-5, 1e-2))] = 1e-3
    ifn_half: Annotated[float, quantity(
        "relative", "interferon of half-maximal secretion (engaged T cells per site)", 1e-06, 100.0, "assumed",
        "as PD-L1 induction",
        prior=(1e-3, 0.5))] = 0.1


def secretion(p: Parameters, ifn_gamma: np.ndarray) -> np.ndarray:
    """Return what living tumour cells secrete under interferon, relative to the most they can, float32: I / (I + I50)."""
    return ifn_gamma / (ifn_gamma + np.float32(p.ifn_half))


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Solve every lesion's chemoattractant."""
    if not clock.is_due(EVERY_H):
        return
    for tissue in state.active:
        around = range_of(tissue.window, tissue.state.shape, p.diffusivity_um2_per_s, p.decay_per_s, SITE_UM)
        codes, ifn_gamma = cut(tissue.state, around), cut(tissue.ifn_gamma, around)
        living = (codes >= CellState.PROLIFERATING) & (codes <= CellState.DOOMED)
        source = np.where(living, secretion(p, ifn_gamma) * np.float32(p.decay_per_s), np.float32(0.0))
        tissue.chemoattractant.fill(0.0)
        cut(tissue.chemoattractant, around)[:] = steady_linear(source, p.diffusivity_um2_per_s, p.decay_per_s, SITE_UM)
