"""Clinical size of a lesion: diameters in cm, lesion cells, and the burden that ends an arm.

A section's mass is measured, not counted: the axes d >= s of the ellipse with its second moments. A section is the
central cut of a lesion, so its cells go as d s and the lesion's as the cube of its size:

    size = (d s / d0 s0)^(1/3), in a 3-D block with depth t (d s t / d0 s0 t0)^(1/3), times growth L / L0
    longest diameter = D0 size x elongation,  short axis likewise with its inverse

where elongation = sqrt(d / s) / sqrt(d0 / s0) carries a change of shape. An under-weighted section (w < W) shrinks
further by the cube root of [W n_dead + w n_viable] / [W (n_dead + n_viable)].
"""

from math import fsum
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.lattice import mass_axes
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.state import SITE_UM, State, Tissue

CELLS_PER_CM3 = 1e8
SITE_CM = SITE_UM * 1e-4


class Parameters(NamedTuple):
    """Limits of the clinic."""

    lethal_burden_cells: Annotated[float, quantity("cells", "burden of all lesions that ends an arm",
        3e11, 3e12, "assumed", "about 10 kg of tumour; a convention")] = 1e12
    detection_limit_cm: Annotated[float, quantity("cm", "longest diameter below which a lesion is not visible",
        0.1, 0.5, "assumed", "slice thickness of CT")] = 0.2


def lesion_cells_of(size_cm: tuple[float, ...]) -> float:
    """Return the cells of an ellipsoid with the given diameters in cm; a third one left out equals the second."""
    long, short = size_cm[0], size_cm[1]
    depth = size_cm[2] if len(size_cm) > 2 else short
    return CELLS_PER_CM3 * np.pi / 6.0 * long * short * depth


def burden(state: State) -> float:
    """Return the patient's tumour cells, all lesions, not yet cleared."""
    return fsum(tissue.lesion_cells for tissue in state.tissues)


def diameters_cm(tissue: Tissue) -> tuple[float, float]:
    """Return (longest diameter, short axis) of the lesion in cm; (0, 0) when nothing is left."""
    return diameters_of(tissue, mass_axes(tissue.state, tissue.window, tissue.is_block), tissue.census())


def diameters_of(tissue: Tissue, axes: tuple[float, float, float], census: tuple[int, int, int]) -> tuple[float, float]:
    """Return what `diameters_cm` does for a section's axes in sites and its numbers of viable, doomed and dead cells."""
    long, short, depth = axes
    if sum(census) == 0:
        return 0.0, 0.0
    long0, short0, depth0 = tissue.baseline_axes
    deeper = depth / depth0 if tissue.is_block else 1.0
    size = (long * short / (long0 * short0) * deeper) ** (1.0 / 3.0) * tissue.scale / tissue.baseline_scale
    elongation = ((long / short) / (long0 / short0)) ** 0.5
    size *= min(tissue.lesion_cells_of(census) / (tissue.volume_weight * sum(census)), 1.0) ** (1.0 / 3.0)
    return tissue.size_cm[0] * size * elongation, tissue.size_cm[1] * size / elongation


def hold_size(tissue: Tissue, cells: float) -> None:
    """Make the section stand for a lesion of its clinical size and `cells` cells, whatever it has grown to."""
    tissue.baseline_axes = mass_axes(tissue.state, tissue.window, tissue.is_block)
    old = tissue.volume_weight
    tissue.weight = tissue.volume_weight = max(cells / max(int(np.count_nonzero(tissue.state)), 1), 1.0)
    tissue.cells_seen *= tissue.volume_weight / old
    tissue.scale = tissue.baseline_scale = max(tissue.size_cm[0] / (tissue.baseline_axes[0] * SITE_CM), 1.0)


def fix_baseline(tissue: Tissue, cells: float) -> None:
    """Declare the section as it stands to be the lesion at baseline: size, capacity and axes; the ledger starts anew."""
    hold_size(tissue, cells)
    tissue.capacity = max(int(np.count_nonzero(tissue.state)), 1)
    tissue.ledger[:] = 0.0
    tissue.lost_antigen[:] = 0
    tissue.n_dropped = 0
