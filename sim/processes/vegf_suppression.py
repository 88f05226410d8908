"""VEGF suppression: VEGF that still acts silences T cells, keeps them out and holds priming back; a VEGFR inhibitor lifts it.

    s_V = q V_e / (V_e + V50),   V_e = V (1 - inhibition of VEGFR)

    killing     share of silenced pairs s = s_PD1 + (1 - s_PD1) s_V, V at the target's site (`t_cell_killing`)
    entry       each perfused vessel x (1 - s_V), V at the vessel's site, in place of the gain by normalisation (`t_cell_entry`)
    priming     supply of specific effectors x (1 - s_V) relative to day 0, V the mean of the lesions weighted by their cells
                (`t_cell_priming`)
    exhaustion  hazard x (1 + a s_V), V at the target's site (`t_cell_exhaustion`); off by default (a = 0)

V is relative: 1 is a tissue of normoxic tumour cells. This rule sets the limit q and the VEGF of half that limit under the
inhibitor, V50 / (1 - inhibition), and what is left of priming; the rules named apply them where they act. VEGF rises in hypoxia,
so hypoxic tissue suppresses more; there is no separate loss of killing (cytotoxicity was unchanged at 1 % O2, PMC7163737).

Directions: VEGF-A raises PD-1 and other checkpoints on CD8 cells, reversibly (Voron 2015); it blocks the maturation of dendritic
cells (Gabrilovich 1996), which bevacizumab improves in patients; CD8 trafficking rose with bevacizumab (Wallin 2016). Sizes are assumed.
"""

import math
from typing import Annotated, NamedTuple

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import saturating
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import State

MEAN_EVERY_H = 24.0


class Parameters(NamedTuple):
    """How much of T cells' work VEGF holds back."""

    silenced_fraction: Annotated[float, quantity(
        "1", "share of pairs, of entry and of priming that VEGF holds back at most (q)", 0.0, 1.0, "assumed",
        "mean over patients chosen by the screen of drawn patients against either drug alone, never against both (docs/anchors.md); "
        "no human dose-response known", prior=(0.0, 0.9))] = 0.72
    vegf_half: Annotated[float, quantity("relative", "acting VEGF of half that share, normoxic tumour = 1 (V50)", 0.01, 1000.0, "assumed",
        "between normoxic (1) and hypoxic (10) secretion; chosen by the screen of drawn patients against either drug alone, never "
        "against both (docs/anchors.md)", prior=(1.0, 10.0))] = 2.0
    exhaustion_gain: Annotated[float, quantity("1", "rise of exhaustion where VEGF silences everything (a)", 0.0, 20.0, "assumed",
        "0: VEGF silences and does not exhaust; direction Voron 2015", prior=(0.0, 3.0))] = 0.0


@kernel
def _over_mass(state, window, vegf):
    """Return (number of occupied sites, sum of VEGF over them) in a window; arrays (nz, ny, nx). No draws."""
    n, total = 0, 0.0
    for z in range(len(state)):
        for y in range(window.first_y, window.end_y):
            codes, levels = state[z, y][window.first_x : window.end_x], vegf[z, y][window.first_x : window.end_x]
            for x in range(len(codes)):
                if codes[x]:
                    n += 1
                    total += levels[x]
    return n, total


def mean_vegf(state: State) -> float:
    """Return the mean VEGF in the patient's tumour: each lesion's mean over its mass, weighted by its cells; 0 without a tumour."""
    weighted = []
    for tissue in state.tissues:
        n, total = _over_mass(tissue.state, tissue.window, tissue.vegf)
        if n:
            weighted.append((tissue.lesion_cells, total / n))
    cells = math.fsum(weight for weight, _ in weighted)
    return math.fsum(weight * level for weight, level in weighted) / cells if cells > 0.0 else 0.0


def half_under(p: Parameters, inhibition: float) -> float:
    """Return the VEGF that holds back half of the limit while VEGFR is inhibited: V50 / (1 - inhibition)."""
    return p.vegf_half / (1.0 - inhibition) if inhibition < 1.0 else math.inf


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Set what VEGF holds back under today's inhibitor; until day 0 it sets as well what priming is measured against."""
    systemic = state.systemic
    if clock.is_due(MEAN_EVERY_H):
        systemic.mean_vegf = mean_vegf(state)
    systemic.vegf_silenced_limit, systemic.vegf_exhaustion_gain = p.silenced_fraction, p.exhaustion_gain
    systemic.vegf_half = half_under(p, systemic.vegfr_inhibition)
    systemic.priming_left = 1.0 - saturating(p.silenced_fraction, systemic.vegf_half, systemic.mean_vegf)
    if clock.t_h < 0.0 or clock.step == 0:
        systemic.priming_left_at_rest = 1.0 - saturating(p.silenced_fraction, p.vegf_half, systemic.mean_vegf)
