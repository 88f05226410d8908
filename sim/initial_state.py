"""The first state of a section: an elliptical mass in host tissue, vessels and PD-L1. T cells arrive during the burn-in."""

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
from scipy.fft import next_fast_len

from lesionlab.sim.measures.lesion_size import CELLS_PER_CM3, lesion_cells_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import depth_in
from lesionlab.sim.numerics.random import RandomStream, draw, name_entity, site_entity, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.processes import oxygen, vessels
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import SITE_UM, SITES_PER_MM2, Tissue

_SITE_CM = SITE_UM * 1e-4
MOST_LAYERS, MOST_SITES = 63, 8191
"""Layers and width in sites within which every site has random numbers of its own (`site_entity`)."""
_PLACES = 40
_PROLIFERATING = int(CellState.PROLIFERATING)
_VESSELS, _PD_L1 = int(Purpose.VESSEL_LAYOUT), int(Purpose.PD_L1_LAYOUT)


class Parameters(NamedTuple):
    """The section at the start of the burn-in."""

    margin_sites: Annotated[int, quantity("sites", "host tissue around the mass", 6, 60, "assumed",
        "numerical; as wide as oxygen is solved around the cells")] = 12


@kernel
def _share_in_mass(p, shares, radius, depth_um):
    """Return the share of sites with a vessel at an elliptical radius and a depth of the mass; shares as of `_lay`."""
    if p.density_depth_um > 0.0:
        return shares[0] * vessels.density_at(p, depth_um) / p.rim_density_per_mm2
    return shares[1] + (shares[0] - shares[1]) * max(2.0 * radius - 1.0, 0.0)


@kernel
def _lay(p, shares, stream, centre, half_axes, tissue):
    """Fill an ellipse (ellipsoid) with tumour cells and lay vessels and PD-L1 by draws of each site.

    Writes tissue = (state, vessel, maturity, pd_l1).

    shares: (vessel share at the rim, in the core, in host tissue, PD-L1-positive share). One draw a site.
    """
    state, vessel, maturity, pd_l1 = tissue
    nz, ny, nx = state.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                dz, dy, dx = z - centre[0], y - centre[1], x - centre[2]
                radius = math.sqrt((dz / half_axes[0]) ** 2 + (dy / half_axes[1]) ** 2 + (dx / half_axes[2]) ** 2)
                words = draw(stream, _VESSELS, site_entity(dz, dy, dx))
                share = shares[2]
                if radius <= 1.0:
                    state[z, y, x] = _PROLIFERATING
                    share = _share_in_mass(p, shares, radius, SITE_UM * depth_in((dz, dy, dx), half_axes))
                    pd_l1[z, y, x] = uniform(words[1]) < shares[3]
                if uniform(words[0]) < share:
                    vessel[z, y, x] = 1
                    maturity[z, y, x] = p.maturity_tumour if radius <= 1.0 else p.maturity_normal


class Section(NamedTuple):
    """How a lesion is cut: its clinical size (cm, longest first), cells at baseline, layers, and whether it is a whole block."""

    size_cm: tuple[float, ...]
    cells: int
    layers: int = 1
    is_block: bool = False

    @property
    def depth_cm(self) -> float:
        """Clinical size along z: infinite for a slab; a third diameter left out equals the second."""
        return self.size_cm[2 if len(self.size_cm) > 2 else 1] if self.is_block else math.inf

    @property
    def half_axes(self) -> tuple[float, float, float]:
        """Half axes (z, y, x) of the mass in sites, z infinite in a slab; the section is never larger than the lesion (L >= 1)."""
        flat = self.size_cm[1] / self.size_cm[0]
        if self.is_block:
            deep = self.depth_cm / self.size_cm[0]
            half_x = min((3.0 * self.cells / (4.0 * math.pi * flat * deep)) ** (1.0 / 3.0), self.size_cm[0] / _SITE_CM / 2.0)
            return half_x * deep, half_x * flat, half_x
        half_x = min(math.sqrt(self.cells / self.layers / (math.pi * flat)), self.size_cm[0] / _SITE_CM / 2.0)
        return math.inf, half_x * flat, half_x

    def shape(self, margin: int) -> tuple[int, int, int]:
        """Return the box (nz, ny, nx) with a margin of host tissue in sites, less in z where two sites would share random numbers."""
        half_z, half_y, half_x = self.half_axes
        round_radius = (half_z * half_y * half_x) ** (1.0 / 3.0) if self.is_block else math.sqrt(half_y * half_x)
        ny, nx = (next_fast_len(2 * math.ceil(max(half, round_radius) + margin) + 1) for half in (half_y, half_x))
        nz = min(2 * math.ceil(max(half_z, round_radius) + margin) + 1, MOST_LAYERS) if self.is_block else self.layers
        return nz, ny, nx


def laid_per_mm2(section: Section, p: vessels.Parameters, vessel_factor: float) -> float:
    """Return the perfused vessels per mm2 of a section's middle layer as they are laid and opened, perfusion by size included."""
    _, half_y, half_x = section.half_axes
    steps = [(y / _PLACES, x / _PLACES) for y in range(_PLACES) for x in range(_PLACES)]
    densities = []
    for y, x in ((y * half_y, x * half_x) for y, x in steps if x * x + y * y < 1.0):
        radius = math.hypot(y / half_y, x / half_x)
        falling = p.core_density_per_mm2 + (p.rim_density_per_mm2 - p.core_density_per_mm2) * max(2.0 * radius - 1.0, 0.0)
        depth_um = SITE_UM * depth_in((0.0, y, x), section.half_axes)
        densities.append(vessels.density_at(p, depth_um) if p.density_depth_um > 0.0 else falling)
    share = vessels.in_lesion(p, lesion_cells_of(section.size_cm) / CELLS_PER_CM3).perfused_tumour / p.perfused_tumour
    return vessel_factor * share * math.fsum(densities) / len(densities)


def seed(name: str, section: Section, factors: tuple[float, float], groups: dict[str, Any],
         key: tuple[np.uint32, np.uint32]) -> Tissue:
    """Return a section with its first vessels, PD-L1 and oxygen; its T cells arrive during the burn-in.

    Args:
        factors: (T-cell entry factor, vessel density factor) of the site.
        groups: parameter tuples of `tissue`, `vessels`, `oxygen` and `pd_l1` by name.
        key: the run's Philox key.
    """
    entry_factor, vessel_factor = factors
    shape = section.shape(groups["tissue"].margin_sites)
    tissue = Tissue.blank(name, name_entity(name), shape, size_cm=section.size_cm[:2], depth_cm=section.depth_cm, capacity=1,
                          t_cell_entry_factor=entry_factor, vessel_density_factor=vessel_factor,
                          baseline_volume_cm3=lesion_cells_of(section.size_cm) / CELLS_PER_CM3)
    stream = RandomStream(*key, np.uint32(0), tissue.entity)
    p = groups["vessels"]
    per_site = vessel_factor / SITES_PER_MM2
    shares = (p.rim_density_per_mm2 / p.perfused_tumour * per_site, p.core_density_per_mm2 / p.perfused_tumour * per_site,
              p.rim_density_per_mm2 / p.perfused_normal * per_site, groups["pd_l1"].baseline_share)
    _lay(p, shares, stream, tissue.centre, section.half_axes, (tissue.state, tissue.vessel, tissue.maturity, tissue.pd_l1))
    tissue.capacity = int(np.count_nonzero(tissue.state))
    vessels.open_vessels(vessels.in_lesion(p, tissue.volume_cm3), stream, tissue.centre, tissue.vessel, tissue.maturity, tissue.perfusion)
    tissue.oxygen.fill(groups["oxygen"].vessel_mmHg / 2.0)
    oxygen.solve(tissue, groups["oxygen"])
    return tissue
