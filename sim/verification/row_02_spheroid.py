"""The anoxic core of a spheroid: the viable rim of the three-dimensional oxygen field.

Law: in a sphere of radius r_o with pO2 p_o at its surface and uptake a that does not depend on pO2, pO2 and its
gradient vanish at the anoxic radius r_n with p_o = a (r_o^2 + 2 r_n^3 / r_o - 3 r_n^2) / 6D (Grimes 2014,
doi 10.1098/rsif.2013.1124, D in units that measure pO2); a core exists where r_o > sqrt(6 D p_o / a).
Simulated: one octant on the model's 20 um sites, through the model's `relax` with the surface held; faces without flux
are its planes of symmetry. The anoxic radius is that of the ball with the volume of the sites below 0.01 mmHg. Judged:
the rim r_o - r_n within one site; the ball that the process `oxygen` itself makes, its medium a layer of vessel sites
(a surface in steps of whole sites), too. Negative control: half the uptake.
"""

import math

import numpy as np
from scipy.optimize import brentq

from lesionlab.sim.numerics.diffusion import relax
from lesionlab.sim.processes import oxygen
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import SITE_UM
from lesionlab.sim.verification.held_regions import held_exchange
from lesionlab.sim.verification.judging import Check, Law
from lesionlab.sim.verification.specimens import bare_tissue

LAW = Law(2, "anoxic core of a spheroid")
D, UPTAKE, SURFACE = 2000.0, 15.0, 40.0
RADII_UM = (300.0, 400.0, 500.0, 600.0)
NO_SATURATION, ANOXIC = 1e-5, 0.01
NO_WALL = 1e6


def exact_rim_um(outer_um: float) -> float:
    """Return r_o - r_n from the closed form; r_o itself where there is no anoxic core."""
    def excess(core: float) -> float:
        return UPTAKE / (6.0 * D) * (outer_um**2 + 2.0 * core**3 / outer_um - 3.0 * core**2) - SURFACE

    return outer_um - float(brentq(excess, 0.0, outer_um)) if excess(0.0) > 0.0 else outer_um


def _octant(outer_um: float) -> list[np.ndarray]:
    """Return the squared coordinates (um2) of an octant's sites along (z, y, x), two sites of medium around the ball."""
    line = ((np.arange(math.ceil(outer_um / SITE_UM) + 2) + 0.5) * SITE_UM) ** 2
    return [line.reshape(-1, 1, 1), line.reshape(1, -1, 1), line.reshape(1, 1, -1)]


def _rim_um(outer_um: float, field: np.ndarray) -> float:
    """Return the rim from the volume of the anoxic sites of an octant."""
    return float(outer_um - (6.0 * int((field < ANOXIC).sum()) * SITE_UM**3 / math.pi) ** (1.0 / 3.0))


def resolved_rim_um(outer_um: float, uptake: float = UPTAKE) -> float:
    """Return the rim with the surface where it is, between the sites."""
    squares, rate = _octant(outer_um), D / SITE_UM**2
    exchange = held_exchange(squares, outer_um, rate, SITE_UM, is_outside_held=True)
    field = np.full(exchange.shape, SURFACE / 2.0, np.float32)
    relax(1.8, rate, SURFACE, NO_SATURATION, (1e-3, 5000), exchange, np.full_like(field, uptake), field)
    return _rim_um(outer_um, field)


def process_rim_um(outer_um: float) -> float:
    """Return the rim of a ball of tumour cells in a medium of vessel sites, from the model's process and its tolerance."""
    squares = _octant(outer_um)
    is_cell = squares[0] + squares[1] + squares[2] < outer_um**2
    tissue = bare_tissue(is_cell.shape)
    tissue.state[is_cell], tissue.perfusion[~is_cell] = CellState.PROLIFERATING, 1.0
    tissue.oxygen[:] = SURFACE / 2.0
    oxygen.solve(tissue, oxygen.Parameters(D, UPTAKE, NO_SATURATION, vessel_mmHg=SURFACE, wall_transfer_um_per_s=NO_WALL))
    return _rim_um(outer_um, tissue.oxygen)


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; nothing here is random, so `effort` changes nothing."""
    del effort
    found = []
    for outer in RADII_UM:
        exact = exact_rim_um(outer)
        found.append(LAW.bounded(f"rim, r_o {outer:g} um", resolved_rim_um(outer), exact, SITE_UM, "um"))
        found.append(LAW.bounded(f"rim, r_o {outer:g} um, whole sites", process_rim_um(outer), exact, SITE_UM, "um"))
    found.append(LAW.bounded("rim, r_o 400 um, half the uptake", resolved_rim_um(400.0, UPTAKE / 2.0), exact_rim_um(400.0), SITE_UM, "um",
                             is_control=True))
    return tuple(found)
