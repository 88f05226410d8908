"""A hypoxic core: where vessels grow rarer with depth, hypoxia rises with depth; where they do not, it hardly does.

Law: the hypoxic share of living cells (below 5 mmHg), in five rings of equal depth, falls nowhere from one ring to the next
further in, and is at least 1.5 times as high in the innermost as in the outermost. Simulated: neck and pelvis of the case as they are on
day 0, after the burn-in with vessels, VEGF and cells at work, in 8 replicates. Judged: no ring lies more than one standard
error (of the paired difference) below the one outside it; core over rim; core over the second ring. The shares are tabulated. The
outermost ring borders on host tissue, which supplies it whatever the vessels of the mass, so an even density also gives a core 1.5 times as
hypoxic as the rim: the trend that depth makes is that from the second ring on. Negative control: a core as dense as the rim, in the neck.
"""

import numpy as np

from lesionlab.sim.numerics.lattice import depth_in
from lesionlab.sim.processes.vessels import half_axes_of
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import Tissue
from lesionlab.sim.verification import Check
from lesionlab.sim.verification.judging import Law, mean_and_error

LAW = Law(16, "hypoxic core")
RINGS, REPLICATES, LOW_MMHG, LEAST_RATIO, LEAST_TREND = 5, 8, 5.0, 1.5, 1.2
LESIONS = ("neck", "pelvis")
LEFT_OUT = ("lesions.mediastinum=null", "lesions.liver=null", "reported=null", "calibration=null", "radiotherapy=null", "drugs=null")
EVEN_PER_MM2 = ("vessels.rim_density_per_mm2=55", "vessels.core_density_per_mm2=55")


def hypoxia_by_depth(tissue: Tissue, n_rings: int = RINGS) -> np.ndarray:
    """Return the share of living cells below 5 mmHg in rings of equal depth from the surface in, float64 (n_rings,).

    The depth is that under the ellipse of the mass's second moments; the innermost ring ends at its shortest half axis.
    """
    half_axes, centre = half_axes_of(tissue), tissue.centre
    living = (tissue.state >= CellState.PROLIFERATING) & (tissue.state <= CellState.DOOMED)
    places = np.argwhere(living)
    depths = np.array([depth_in((z - centre[0], y - centre[1], x - centre[2]), half_axes) for z, y, x in places])
    ring = np.clip((n_rings * depths / min(half_axes)).astype(int), 0, n_rings - 1)
    n = np.bincount(ring, minlength=n_rings)
    return np.bincount(ring, weights=tissue.oxygen[living] < LOW_MMHG, minlength=n_rings) / np.maximum(n, 1)


def day_0(replicates: int, *overrides: str) -> dict[str, np.ndarray]:
    """Return the hypoxic shares of neck and pelvis on day 0 by ring, float64 (replicates, rings)."""
    arm = load_scenario("case", [*LEFT_OUT, *overrides])
    models = [Simulation(arm, replicate=number) for number in range(replicates)]
    return {name: np.array([hypoxia_by_depth(model.state.tissues[place]) for model in models]) for place, name in enumerate(arm.lesions)}


def _judge(name: str, shares: np.ndarray) -> list[Check]:
    """Judge one lesion's rings, float64 (replicates, rings)."""
    steps = [mean_and_error(inner - outer) for outer, inner in zip(shares.T, shares.T[1:], strict=False)]
    mean = shares.mean(axis=0)
    found = [LAW.tabulated(f"{name}, hypoxic share, ring {number} of {RINGS} from outside", value, value)
             for number, value in enumerate(mean, 1)]
    found.append(LAW.at_least(f"{name}, least rise from ring to ring in standard errors", min(rise / error for rise, error in steps), -1.0))
    found.append(LAW.at_least(f"{name}, core over rim", mean[-1] / mean[0], LEAST_RATIO))
    found.append(LAW.at_least(f"{name}, core over the second ring", mean[-1] / mean[1], LEAST_TREND))
    return found


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer replicates, at least four."""
    replicates = max(round(REPLICATES * effort), 4)
    shares = day_0(replicates)
    found = [check for name in LESIONS for check in _judge(name, shares[name])]
    even = day_0(replicates, "lesions.pelvis=null", *EVEN_PER_MM2)["neck"].mean(axis=0)
    found += [LAW.tabulated(f"neck, core as dense as the rim, ring {number} of {RINGS} from outside", value, value)
              for number, value in enumerate(even, 1)]
    trend = even[-1] / even[1]
    found.append(LAW.at_least("neck, core over the second ring, core as dense as the rim", trend, LEAST_TREND, is_control=True))
    return tuple(found)
