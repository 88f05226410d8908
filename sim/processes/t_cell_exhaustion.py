"""T-cell exhaustion and death: PD-1 signalling and serial killing exhaust; stem-like T cells recover and expand under blockade.

    hazard of exhaustion   k_exh (1 - RO) L (1 + a s_V) while engaged, L the PD-L1-positive share there; certain after n_kill kills
    hazard of recovery     k_rec RO for exhausted stem-like T cells, which then give daughters that are not stem-like
    death                  at the end of the lifespan drawn on arrival

a s_V is the part added by VEGF (`vegf_suppression`). Terminally exhausted T cells do not recover. A daughter starts on its
mother's site and dies when the mother does. k_exh is 0.1 per day in spQSP-HCC; the serial capacity is 5 kills in Kather 2017.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import each_section
from lesionlab.sim.layouts.t_cell_columns import first_rows, rows_in_order, sort_by_site
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share, saturating
from lesionlab.sim.numerics.random import draw, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock, is_due, span_h
from lesionlab.sim.state.codes import Purpose
from lesionlab.sim.state.state import State, Tissue

EXHAUSTION_EVERY_H = 6.0
SORTED_EVERY_H = 24.0
"""T cells move about sixteen sites a day, so sorted rows stay roughly in order."""
_EXHAUSTION = int(Purpose.T_CELL_EXHAUSTION)


class Parameters(NamedTuple):
    """Loss and recovery of T-cell function."""

    exhaustion_per_d: Annotated[float, quantity(
        "1/d", "exhaustion of an engaged T cell among PD-L1-positive cells, PD-1 free", 0.0, 10.0, "literature",
        "spQSP-HCC 0.1", prior=(0.03, 0.5))] = 0.1
    kill_capacity: Annotated[int, quantity("kills", "kills after which a T cell is exhausted", 1, 250, "assumed",
        "5 in Kather 2017, itself a model's choice; 3 kills a day for 10 days would be 30", prior=(3, 20))] = 10
    recovery_per_d: Annotated[float, quantity(
        "1/d", "recovery of exhausted stem-like T cells under full PD-1 occupancy", 0.0, 10.0, "assumed",
        "assumed",
        prior=(0.0, 1.0))] = 0.2
    daughters_per_recovery: Annotated[int, quantity("cells", "effector daughters of a stem-like T cell that recovers", 0, 20, "assumed",
        "few: division in tissue stops after 4 divisions in spQSP-HCC, 7 in SPQSP_IO", prior=(0, 7))] = 1


class Chances(NamedTuple):
    """Probabilities over the interval: exhaustion of an engaged T cell where all cells are PD-L1-positive; recovery of a stem-like one."""

    exhaustion: float
    recovery: float


class VegfEffect(NamedTuple):
    """What VEGF adds to exhaustion: the gain a, the largest suppression q, and the VEGF of half of it."""

    gain: float
    limit: float
    half: float


@kernel
def exhaustion_probability(chances, effect, pd_l1_share, vegf):
    """Return an engaged T cell's probability of exhaustion: that under full PD-L1 x L (1 + a s_V)."""
    return chances.exhaustion * pd_l1_share * (1.0 + effect.gain * saturating(effect.limit, effect.half, vegf))


@kernel
def _exhaust(chances, effect, stream, kill_capacity, pd_l1_share, vegf, t):
    """Exhaust and recover T cells, t their columns; return the rows that recovered, int64.

    Reads pd_l1_share and vegf flat; writes kills and is_exhausted. One draw per specific T cell.
    """
    recovered = []
    for i in range(len(t.id)):
        if not t.is_specific[i]:
            continue
        word, target = draw(stream, _EXHAUSTION, t.id[i])[0], t.target[i]
        if t.is_exhausted[i]:
            if t.is_stem_like[i] and uniform(word) < chances.recovery:
                t.is_exhausted[i] = 0
                t.kills[i] = 0
                recovered.append(i)
            continue
        p_now = exhaustion_probability(chances, effect, pd_l1_share[target], vegf[target]) if target >= 0 else 0.0
        if t.kills[i] >= kill_capacity or uniform(word) < p_now:
            t.is_exhausted[i] = 1
    return np.array(recovered, np.int64)


@kernel
def _expand(numbers, rows, n_daughters, t_count, t):
    """Add daughters of the given rows: specific effectors on the mother's site that die when the mother does. Writes t_count flat,
    columns t with room for them, and numbers."""
    # Sorted by id, so that the order of rows has no effect.
    mothers = rows_in_order(t.id, rows)
    for k in range(len(mothers) * n_daughters):
        mother, new = mothers[k // n_daughters], numbers.t_cells_n
        t.site[new], t.dies_at_h[new], t.id[new] = t.site[mother], t.dies_at_h[mother], numbers.t_cells_next_id
        t.target[new], t.kills[new], t.is_specific[new], t.is_exhausted[new], t.is_stem_like[new] = -1, 0, 1, 0, 0
        t_count[t.site[new]] += 1
        numbers.t_cells_n += 1
        numbers.t_cells_next_id += 1


@kernel
def _keep_living(t_h, t_count, t):
    """Remove the T cells whose lifespan has ended; the others keep their order. Writes t_count flat, columns t; returns the number left."""
    kept = 0
    for i in range(len(t.site)):
        if t.dies_at_h[i] <= t_h:
            t_count[t.site[i]] -= 1
            continue
        if kept < i:
            t.site[kept], t.id[kept], t.dies_at_h[kept], t.target[kept] = t.site[i], t.id[i], t.dies_at_h[i], t.target[i]
            t.kills[kept], t.is_specific[kept] = t.kills[i], t.is_specific[i]
            t.is_exhausted[kept], t.is_stem_like[kept] = t.is_exhausted[i], t.is_stem_like[i]
        kept += 1
    return kept


@kernel
def chances_of(p, pd1_occupancy, days):
    """Return the probabilities over some days from the hazards k_exh (1 - RO) and k_rec RO."""
    return Chances(decay_share(p.exhaustion_per_d * (1.0 - pd1_occupancy), days), decay_share(p.recovery_per_d * pd1_occupancy, days))


@kernel
def act(p, now, numbers, stream, pd_l1_share, vegf, t_count, t_cells):
    """Update exhaustion and recovery in one lesion every 6 hours; remove dead T cells every step; sort the living once a day."""
    counts = t_count.reshape(-1)
    if is_due(now, EXHAUSTION_EVERY_H):
        chances = chances_of(p, now.pd1_occupancy, span_h(now, EXHAUSTION_EVERY_H) / 24.0)
        effect = VegfEffect(now.vegf_exhaustion_gain, now.vegf_silenced_limit, now.vegf_half)
        recovered = _exhaust(chances, effect, stream, p.kill_capacity, pd_l1_share.reshape(-1), vegf.reshape(-1),
                             first_rows(t_cells, numbers.t_cells_n))
        if len(recovered) and p.daughters_per_recovery:
            _expand(numbers, recovered, p.daughters_per_recovery, counts, t_cells)
    numbers.t_cells_n = _keep_living(now.t_h + now.dt_h, counts, first_rows(t_cells, numbers.t_cells_n))
    if is_due(now, SORTED_EVERY_H):
        sort_by_site(first_rows(t_cells, numbers.t_cells_n))


def reserve(tissue: Tissue, p: Parameters, clock: Clock) -> None:
    """Make room for a section's daughters of T cells that recover."""
    most = tissue.t_cells.n * (1 + p.daughters_per_recovery)
    if most > len(tissue.t_cells.site):
        tissue.t_cells.reserve(most)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Update exhaustion, recovery, death and the order of rows in every lesion."""
    each_section(act, state, p, clock, reserve)
