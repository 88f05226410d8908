"""Oxygen: quasi-steady diffusion from perfused vessels with Michaelis-Menten uptake by cell state.

    D lap(p) + k q (P_v - p) - M(state) p / (p + K) = 0,   k = 2 pi r_v Pm / a^2

Vessels are Robin sources weighted by perfusion q: one vessel site of a 20 um lattice stands for a capillary of 4 um
radius (0.2 of the spacing, the lattice's own equivalent radius). Solved to a stated tolerance with a warm start; the
largest pointwise correction left is recorded as `oxygen_residual`. Relaxation takes about 20 s of model time, so the
steady state is always reached within a step.

Sources: D and K as in Dasu 2003; uptake 12.9 mmHg/s computed from Secomb 1995 (PMID 7779415); the result is
insensitive to K (Grimes 2014, PMC4448765).
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.diffusion import relax
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.window import Window, ahead, cut, whole
from lesionlab.sim.numerics.workspace import scratch
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import SITE_UM, State, Tissue

EVERY_H = 4.0
_OVER_RELAXATION = 1.7
_MOST_SWEEPS = 2000
_REACH = 20
"""Sites around the window that are solved too, with zero flux beyond as at the faces of the box. Where a shrunken mass has left
tissue without vessels, ten are too few: cells of a remnant then lie up to 1.5 mmHg too low, with twenty 0.04."""


class Parameters(NamedTuple):
    """Transport and uptake of oxygen."""

    diffusivity_um2_per_s: Annotated[float, quantity("um2/s", "diffusivity in tissue", 500.0, 5000.0, "literature",
        "2e-9 m2/s, Dasu 2003 and Grimes 2014, to be checked; 2.8e-5 cm2/s in spQSP-HCC", prior=(1600.0, 2800.0))] = 2000.0
    uptake_mmHg_per_s: Annotated[float, quantity("mmHg/s", "largest uptake of a proliferating cell's site", 0.5, 100.0, "literature",
        "Dasu 2003, to be checked; 12.9 from Secomb 1995", prior=(5.0, 30.0))] = 15.0
    half_uptake_mmHg: Annotated[float, quantity("mmHg", "Michaelis-Menten half-saturation", 0.05, 20.0, "literature",
        "Dasu 2003, to be checked", prior=(0.5, 4.6))] = 2.5
    uptake_quiescent: Annotated[float, quantity("1", "uptake of a quiescent cell relative to a proliferating one", 0.0, 1.0, "literature",
        "Freyer's spheroids, to be checked", prior=(0.2, 1.0))] = 0.5
    uptake_stroma: Annotated[float, quantity("1", "uptake of host tissue relative to a proliferating cell", 0.0, 1.0, "assumed",
        "assumed", prior=(0.1, 0.5))] = 0.3
    vessel_mmHg: Annotated[float, quantity("mmHg", "pO2 in perfused vessels", 1.0, 150.0, "assumed",
        "Krogh-type models take 40 at the inlet", prior=(20.0, 60.0))] = 40.0
    vessel_radius_um: Annotated[float, quantity("um", "capillary radius", 1.0, 10.0, "literature",
        "4 um in spQSP-HCC; what one site of the lattice stands for", prior=(3.0, 5.0))] = 4.0
    wall_transfer_um_per_s: Annotated[float, quantity("um/s", "mass transfer through the vessel wall", 10.0, 10000.0, "assumed",
        "set so that pO2 at the wall stays above 90 % of the vessel's", prior=(100.0, 3000.0))] = 2000.0
    tolerance_mmHg: Annotated[float, quantity("mmHg", "largest pointwise correction left in the field", 1e-4, 0.1, "assumed",
        "numerical")] = 0.01


def uptake_by_state(p: Parameters) -> np.ndarray:
    """Return the largest uptake (mmHg/s, float32) of a site by cell state code; dead cells take up nothing."""
    full = p.uptake_mmHg_per_s
    return np.array([full * p.uptake_stroma, full, full * p.uptake_quiescent, full, 0.0, 0.0, 0.0, 0.0], np.float32)


@kernel
def _coefficients(window, by_state, wall_rate, state, perfusion, uptake, exchange):
    """Reads state, perfusion (nz, ny, nx); writes uptake (mmHg/s) and exchange (1/s), as large as the window. No draws."""
    nz, ny, nx = uptake.shape
    for z in range(nz):
        for y in range(ny):
            codes, supply = state[z, window.first_y + y][window.first_x :], perfusion[z, window.first_y + y][window.first_x :]
            for x in range(nx):
                uptake[z, y, x] = by_state[codes[x]]
                exchange[z, y, x] = wall_rate * supply[x]


def solve(tissue: Tissue, p: Parameters) -> int:
    """Bring oxygen in and around the mass to its steady state, starting from the present field; return the number of sweeps.

    Farther out no rule reads the field, so it keeps its last value.
    """
    tissue.oxygen_residual, sweeps = _solve_in(ahead(tissue.window, tissue.state.shape, _REACH), tissue, p, tissue.oxygen)
    return sweeps


def whole_field(tissue: Tissue, p: Parameters) -> np.ndarray:
    """Return oxygen for pictures: the solved field around the cells, and beyond it the steady state of the whole box."""
    shape, field = tissue.state.shape, tissue.oxygen.copy()
    if ahead(tissue.window, shape, _REACH) != whole(shape):
        _solve_in(whole(shape), tissue, p, field)
        # Not farther out: the edge of the solved region would show as a seam.
        cut(field, tissue.window)[:] = cut(tissue.oxygen, tissue.window)
    return field


def _solve_in(around: Window, tissue: Tissue, p: Parameters, oxygen: np.ndarray) -> tuple[float, int]:
    """Bring a field to its steady state inside a window, zero flux at its edge; return (largest correction left, sweeps)."""
    here = cut(oxygen, around)
    field, uptake, exchange = (scratch(f"oxygen.{name}", here.shape, np.float32) for name in ("field", "uptake", "exchange"))
    field[:] = here
    wall_rate = 2.0 * math.pi * p.vessel_radius_um * p.wall_transfer_um_per_s / SITE_UM**2
    _coefficients(around, uptake_by_state(p), wall_rate, tissue.state, tissue.perfusion, uptake, exchange)
    rate = p.diffusivity_um2_per_s / SITE_UM**2
    limits = (p.tolerance_mmHg, _MOST_SWEEPS)
    residual, sweeps = relax(_OVER_RELAXATION, rate, p.vessel_mmHg, p.half_uptake_mmHg, limits, exchange, uptake, field)
    here[:] = field
    return float(residual), int(sweeps)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Solve every lesion's oxygen every few hours."""
    if clock.is_due(EVERY_H):
        for tissue in state.active:
            solve(tissue, p)
