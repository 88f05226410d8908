"""Motility: mean squared displacement 4 M t in two dimensions and 6 M t in three, alike in all directions.

Law: a random walk of independent steps with diffusivity M spreads by 2 M t along every axis (Einstein 1905).
Simulated: T cells through the process `t_cell_motion` on empty tissue, few enough not to meet, far enough from the
faces; displacements after 1, 2 and 4 hours (10, 20 and 40 micro-steps). Judged: 2 %, which is more than three standard
errors of each number. Negative control: the same cells with a motility 5 % larger.
"""

import numpy as np

from lesionlab.sim.processes import t_cell_motion
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import SITE_UM
from lesionlab.sim.verification.judging import Check, Law
from lesionlab.sim.verification.specimens import bare_tissue, place_t_cells, state_of

LAW = Law(6, "T-cell motility")
HOURS = 4
TOLERANCE = 0.02
# Edge of the box and spacing of the T cells in sites, and batches that make the standard errors small enough.
FLAT, DEEP = ((1, 400, 400), 10, 120), ((88, 88, 88), 7, 400)
MARGIN = 20


def displacements(section: tuple[tuple[int, int, int], int, int], motility: float, effort: float) -> np.ndarray:
    """Return displacements in um after each hour, float64 (hours, walkers, axes); axes in the order of the section's."""
    shape, spacing, batches = section
    tissue = bare_tissue(shape)
    axes = [n for n, size in enumerate(shape) if size > 1]
    starts = [np.arange(MARGIN, size - MARGIN, spacing) if size > 1 else np.zeros(1, int) for size in shape]
    sites = np.ravel_multi_index([a.ravel() for a in np.meshgrid(*starts, indexing="ij")], shape)
    origin = np.array(np.unravel_index(sites, shape))[axes]
    p = t_cell_motion.Parameters(motility_um2_per_min=motility)
    state = state_of(tissue, seed=6)
    seen: list[list[np.ndarray]] = [[] for _ in range(HOURS)]
    for batch in range(max(round(batches * effort), 1)):
        place_t_cells(tissue, sites)
        for hour in range(HOURS):
            for micro_step in range(10):
                t_cell_motion.update(state, p, Clock(batch * HOURS + hour, 1.0, 0, micro_step))
            now = np.array(np.unravel_index(tissue.t_cells.site[: len(sites)], shape))[axes]
            seen[hour].append((now - origin).T * SITE_UM)
    return np.array([np.concatenate(parts) for parts in seen])


def _spread(moved: np.ndarray) -> float:
    return float((moved**2).sum(axis=-1).mean())


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 uses fewer walkers and widens the tolerance by its inverse square root."""
    tolerance = TOLERANCE / effort**0.5
    m = t_cell_motion.Parameters().motility_um2_per_min
    found = []
    for dimensions, section in ((2, FLAT), (3, DEEP)):
        moved = displacements(section, m, effort)
        for hours in (1, 2, 4):
            found.append(LAW.close(f"{dimensions}-D mean squared displacement, {hours} h", _spread(moved[hours - 1]),
                                2.0 * dimensions * m * 60.0 * hours, tolerance, "um2"))
        last = moved[-1]
        pairs = [("along x / along y", last[:, -1], last[:, -2]),
                 ("along the diagonals", last[:, -1] + last[:, -2], last[:, -1] - last[:, -2])]
        pairs += [("along z / along x", last[:, 0], last[:, -1])] if dimensions == 3 else []
        for what, one, other in pairs:
            found.append(LAW.close(f"{dimensions}-D spread {what}", float((one**2).mean() / (other**2).mean()), 1.0, tolerance))
    wrong = displacements(FLAT, m * (1.0 + 2.5 * tolerance), effort)[-1]
    found.append(LAW.close("2-D with a motility too large, 4 h", _spread(wrong), 4.0 * m * 240.0, tolerance, "um2", is_control=True))
    return tuple(found)
