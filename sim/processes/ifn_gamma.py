"""Interferon gamma: secreted by T cells engaged with a tumour cell; quasi-steady diffusion with decay.

    D lap(I) - k I + k n = 0,   n = engaged T cells on the site

I is relative: the local density of engaged T cells per site, smoothed over sqrt(D / k) = 390 um. Transport as in
spQSP-HCC (1e-7 cm2/s, 6.5e-5 1/s).
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.linear_fields import range_of, steady_linear
from lesionlab.sim.numerics.window import cut
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import SITE_UM, State

EVERY_H = 12.0


class Parameters(NamedTuple):
    """Transport of interferon gamma."""

    diffusivity_um2_per_s: Annotated[float, quantity("um2/s", "diffusivity", 1.0, 500.0, "literature",
        "1e-7 cm2/s in spQSP-HCC, 1e-6 in SPQSP_IO",
        prior=(10.0, 100.0))] = 10.0
    decay_per_s: Annotated[float, quantity("1/s", "decay", 1e-06, 0.1, "literature", "SPQSP_IO", prior=(1e-5, 1e-3))] = 6.5e-5


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Solve every lesion's interferon gamma from its engaged T cells."""
    if not clock.is_due(EVERY_H):
        return
    for tissue in state.active:
        t = tissue.t_cells
        engaged = t.site[: t.n][t.target[: t.n] >= 0]
        tissue.ifn_gamma.fill(0.0)
        if not len(engaged):
            continue
        around = range_of(tissue.window, tissue.state.shape, p.diffusivity_um2_per_s, p.decay_per_s, SITE_UM)
        source = np.zeros(tissue.state.shape, np.float32)
        np.add.at(source.reshape(-1), engaged, np.float32(p.decay_per_s))
        cut(tissue.ifn_gamma, around)[:] = steady_linear(cut(source, around), p.diffusivity_um2_per_s, p.decay_per_s, SITE_UM)
