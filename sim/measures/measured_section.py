"""A section as it is measured: one pass over its mass counts what the series divide."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import mass_axes
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import SITES_PER_MM2, Tissue

_PROLIFERATING, _DOOMED = int(CellState.PROLIFERATING), int(CellState.DOOMED)
CORE_RADIUS, RIM_RADIUS = 0.5, 0.8
"""The core lies within, the rim beyond these shares of the mass's radius."""
LEAST_CELLS = 50
"""Densities over less tissue than this (0.02 mm2) are left out: they would be noise."""


class Counts(NamedTuple):
    """Sums over the sites of the mass. Living cells are viable or doomed; hypoxic ones are below 5 mmHg."""

    cells: float
    living: float
    living_below_5_mmHg: float
    living_below_10_mmHg: float
    living_in_core: float
    hypoxic_in_core: float
    living_in_rim: float
    hypoxic_in_rim: float
    oxygen_mmHg: float
    viable: float
    cycling: float
    pd_l1_positive: float
    vessels: float
    perfused_vessels: float
    maturity: float
    t_cells: float
    vegf: float


@kernel
def _count(window, half_axes, centre, lattices):
    """Count over the mass in a window; return float64 (17,), the fields of `Counts` in order. No draws.

    Reads lattices = (state, oxygen, pd_l1, vessel, maturity, perfusion, t_count, vegf), each (nz, ny, nx).
    half_axes: (z, y, x) in sites, z infinite in a slab.
    """
    state, oxygen, pd_l1, vessel, maturity, perfusion, t_count, vegf = lattices
    out = np.zeros(17)
    for z in range(len(state)):
        for y in range(window[0], window[1]):
            for x in range(window[2], window[3]):
                code = state[z, y, x]
                if code == 0:
                    continue
                p = oxygen[z, y, x]
                out[0] += 1
                out[8] += p
                out[12] += vessel[z, y, x]
                out[13] += perfusion[z, y, x]
                out[14] += maturity[z, y, x]
                out[15] += t_count[z, y, x]
                out[16] += vegf[z, y, x]
                if code > _DOOMED:
                    continue
                is_low = p < 5.0
                out[1] += 1
                out[2] += is_low
                out[3] += p < 10.0
                out[11] += pd_l1[z, y, x]
                if code < _DOOMED:
                    out[9] += 1
                    out[10] += code == _PROLIFERATING
                radius = (((z - centre[0]) / half_axes[0]) ** 2 + ((y - centre[1]) / half_axes[1]) ** 2
                          + ((x - centre[2]) / half_axes[2]) ** 2)
                if radius < CORE_RADIUS * CORE_RADIUS:
                    out[4] += 1
                    out[5] += is_low
                elif radius > RIM_RADIUS * RIM_RADIUS:
                    out[6] += 1
                    out[7] += is_low
    return out


def share(part: float, whole: float) -> float:
    """Return a share or a mean; nan of nothing."""
    return float(part / whole) if whole > 0 else float("nan")


class MeasuredSection:
    """One section at the time of a row.

    Attributes:
        tissue: the section itself.
        viable, doomed, dead: its numbers of cells.
        counts: the sums over its mass.
        longest_diameter_cm, short_axis_cm: clinical size of the lesion.
    """

    def __init__(self, tissue: Tissue) -> None:
        self.tissue = tissue
        self.census = self.viable, self.doomed, self.dead = tissue.census()
        axes = long, short, depth = (
            mass_axes(tissue.state, tissue.window, tissue.is_block) if sum(self.census) else tissue.baseline_axes)
        half_axes = (max(depth, 1.0) / 2.0, max(short, 1.0) / 2.0, max(long, 1.0) / 2.0)
        lattices = (tissue.state, tissue.oxygen, tissue.pd_l1, tissue.vessel, tissue.maturity, tissue.perfusion, tissue.t_count,
                    tissue.vegf)
        self.counts = Counts(*_count(tissue.window, half_axes, tissue.centre, lattices).tolist())
        self.longest_diameter_cm, self.short_axis_cm = lesion_size.diameters_of(tissue, axes, self.census)

    def per_mm2(self, number: float) -> float:
        """Return the density in the mass of that number; nan over hardly any tissue."""
        return number * (SITES_PER_MM2 / self.counts.cells) if self.counts.cells >= LEAST_CELLS else float("nan")

    @cached_property
    def is_specific(self) -> np.ndarray:
        """Which T cells of the section are specific, bool (T cells,)."""
        t = self.tissue.t_cells
        specific: np.ndarray = t.is_specific[: t.n] == 1
        return specific
