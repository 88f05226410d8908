"""The first state of a section: an elliptical mass in host tissue, vessels and PD-L1; the burn-in brings T cells and rest."""

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
from scipy.fft import next_fast_len

from sim.codes import CellState, Purpose
from sim.numerics.jit import kernel
from sim.numerics.random import Luck, draw, name_entity, site_entity, uniform
from sim.parameters import quantity
from sim.processes import oxygen, vessels
from sim.state import SITE_UM, SITES_PER_MM2, Tissue

_SITE_CM = SITE_UM * 1e-4
_PROLIFERATING = int(CellState.PROLIFERATING)
_VESSELS, _PD_L1 = int(Purpose.VESSEL_LAYOUT), int(Purpose.PD_L1_LAYOUT)


class Parameters(NamedTuple):
    """The section at the start of the burn-in."""

    margin_sites: Annotated[int, quantity("sites", "host tissue around the mass", 6, 60, "assumed",
        "numerical; wider than oxygen reaches")] = 12


@kernel
def _lay(p, shares, luck, centre, half_axes, tissue):
    """Fill an ellipse with tumour cells and lay vessels and PD-L1 by draws of each site. Writes tissue = (state, vessel, maturity, pd_l1).

    shares: (vessel share at the rim, in the core, in host tissue, PD-L1-positive share). One draw a site.
    """
    state, vessel, maturity, pd_l1 = tissue
    nz, ny, nx = state.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                dz, dy, dx = z - centre[0], y - centre[1], x - centre[2]
                radius = math.sqrt((dy / half_axes[0]) ** 2 + (dx / half_axes[1]) ** 2)
                words = draw(luck, _VESSELS, site_entity(dz, dy, dx))
                share = shares[2]
                if radius <= 1.0:
                    state[z, y, x] = _PROLIFERATING
                    share = shares[1] + (shares[0] - shares[1]) * max(2.0 * radius - 1.0, 0.0)
                    pd_l1[z, y, x] = uniform(words[1]) < shares[3]
                if uniform(words[0]) < share:
                    vessel[z, y, x] = 1
                    maturity[z, y, x] = p.maturity_tumour if radius <= 1.0 else p.maturity_normal


def geometry(size_cm: tuple[float, ...], section_cells: int, margin: int) -> tuple[tuple[int, int, int], tuple[float, float]]:
    """Return the box's shape and the mass's half axes (y, x) in sites; the section is never larger than the lesion (L >= 1)."""
    whole = math.pi / 4.0 * size_cm[0] * size_cm[1] / _SITE_CM**2
    cells = min(float(section_cells), whole)
    ratio = size_cm[1] / size_cm[0]
    half_x = math.sqrt(cells / (math.pi * ratio))
    half_y = half_x * ratio
    round_radius = math.sqrt(cells / math.pi)
    edges = (next_fast_len(2 * math.ceil(max(half, round_radius) + margin) + 1) for half in (half_y, half_x))
    return (1, *edges), (half_y, half_x)


def seed(name: str, lesion: tuple[tuple[float, ...], int, float, float], groups: dict[str, Any],
         key: tuple[np.uint32, np.uint32]) -> Tissue:
    """Return a section with its first vessels, PD-L1 and oxygen; its T cells arrive during the burn-in.

    Args:
        lesion: (size_cm, section_cells, T-cell entry factor, vessel density factor).
        groups: parameter tuples of `tissue`, `vessels`, `oxygen` and `pd_l1` by name.
        key: the run's Philox key.
    """
    size_cm, section_cells, entry_factor, vessel_factor = lesion
    shape, half_axes = geometry(size_cm, section_cells, groups["tissue"].margin_sites)
    tissue = Tissue.blank(name, name_entity(name), shape, size_cm=(size_cm[0], size_cm[1]), capacity=1,
                          t_cell_entry_factor=entry_factor, vessel_density_factor=vessel_factor)
    luck = Luck(*key, np.uint32(0), tissue.entity)
    p = groups["vessels"]
    per_site = vessel_factor / SITES_PER_MM2
    shares = (p.rim_density_per_mm2 / p.perfused_tumour * per_site, p.core_density_per_mm2 / p.perfused_tumour * per_site,
              p.rim_density_per_mm2 / p.perfused_normal * per_site, groups["pd_l1"].baseline_share)
    _lay(p, shares, luck, tissue.centre, half_axes, (tissue.state, tissue.vessel, tissue.maturity, tissue.pd_l1))
    tissue.capacity = int(np.count_nonzero(tissue.state))
    vessels.open_vessels(p, luck, tissue.centre, tissue.vessel, tissue.maturity, tissue.perfusion)
    tissue.oxygen.fill(groups["oxygen"].vessel_mmHg / 2.0)
    oxygen.solve(tissue, groups["oxygen"])
    return tissue
