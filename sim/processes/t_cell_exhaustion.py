"""T-cell exhaustion and death: PD-1 signalling and serial killing exhaust; stem-like T cells recover and expand under blockade.

    hazard of exhaustion   k_exh (1 - RO) L (1 + a s_V) while engaged, L the PD-L1-positive share there; certain after n_kill kills
    hazard of recovery     k_rec RO for exhausted stem-like T cells, which then give daughters that are not stem-like
    death                  at the end of the lifespan drawn on arrival

a s_V is the part added by VEGF (`vegf_suppression`). Terminally exhausted T cells do not recover. A daughter starts on its
mother's site and dies when the mother does. k_exh is 0.1 per day in spQSP-HCC; the serial capacity is 5 kills in Kather 2017.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share, saturating
from lesionlab.sim.numerics.random import draw, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
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


@kernel
def _exhaust(chances, lock, stream, kill_capacity, pd_l1_share, vegf, rows):
    """Exhaust and recover T cells; return the rows that recovered, int64. lock: (gain by VEGF, its limit, VEGF of half the limit).

    Reads pd_l1_share and vegf flat, rows (ids, target, is_specific, is_stem_like); writes rows (kills, is_exhausted). One draw
    per specific T cell.
    """
    (p_exhaust, p_recover), (gain, limit, half) = chances, lock
    recovered = []
    ids, target, is_specific, is_stem_like, kills, is_exhausted = rows
    for i in range(len(ids)):
        if not is_specific[i]:
            continue
        word = draw(stream, _EXHAUSTION, ids[i])[0]
        if is_exhausted[i]:
            if is_stem_like[i] and uniform(word) < p_recover:
                is_exhausted[i] = 0
                kills[i] = 0
                recovered.append(i)
            continue
        p_now = 0.0
        if target[i] >= 0:
            p_now = p_exhaust * pd_l1_share[target[i]] * (1.0 + gain * saturating(limit, half, vegf[target[i]]))
        if kills[i] >= kill_capacity or uniform(word) < p_now:
            is_exhausted[i] = 1
    return np.array(recovered, np.int64)


def _expand(tissue: Tissue, mothers: np.ndarray, n_daughters: int) -> None:
    """Add daughters of the given rows: specific effectors on the mother's site that die when the mother does."""
    t = tissue.t_cells
    mothers = np.repeat(mothers, n_daughters)
    new = t.add(len(mothers))
    t.site[new], t.dies_at_h[new] = t.site[mothers], t.dies_at_h[mothers]
    t.id[new] = np.arange(t.next_id, t.next_id + len(mothers))
    t.is_specific[new] = 1
    np.add.at(tissue.t_count.reshape(-1), t.site[new], 1)
    t.next_id += len(mothers)


@kernel
def _keep_living(t_h, n, t_count, columns):
    """Remove the rows whose lifespan has ended; the others keep their order. Writes t_count flat, columns; returns the number left."""
    site, ids, dies_at_h, target, kills, is_specific, is_exhausted, is_stem_like = columns
    kept = 0
    for i in range(n):
        if dies_at_h[i] <= t_h:
            t_count[site[i]] -= 1
            continue
        if kept < i:
            site[kept], ids[kept], dies_at_h[kept], target[kept] = site[i], ids[i], dies_at_h[i], target[i]
            kills[kept], is_specific[kept] = kills[i], is_specific[i]
            is_exhausted[kept], is_stem_like[kept] = is_exhausted[i], is_stem_like[i]
        kept += 1
    return kept


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Update exhaustion and recovery every 6 hours; remove dead T cells every step; sort the living once a day."""
    occupancy = state.systemic.pd1_occupancy
    days = clock.span_h(EXHAUSTION_EVERY_H) / 24.0
    chances = (decay_share(p.exhaustion_per_d * (1.0 - occupancy), days), decay_share(p.recovery_per_d * occupancy, days))
    lock = (state.systemic.vegf_exhaustion_gain, state.systemic.vegf_silenced_limit, state.systemic.vegf_half)
    for tissue in state.active:
        t = tissue.t_cells
        if clock.is_due(EXHAUSTION_EVERY_H):
            rows = tuple(a[: t.n] for a in (t.id, t.target, t.is_specific, t.is_stem_like, t.kills, t.is_exhausted))
            recovered = _exhaust(chances, lock, state.stream(tissue, clock), p.kill_capacity, tissue.pd_l1_share.reshape(-1),
                                 tissue.vegf.reshape(-1), rows)
            if len(recovered):
                # Sorted by id, so that the order of rows has no effect.
                recovered = recovered[np.argsort(t.id[recovered])]
                _expand(tissue, recovered, p.daughters_per_recovery)
        t.n = _keep_living(clock.t_h + clock.dt_h, t.n, tissue.t_count.reshape(-1), tuple(t.columns()))
        if clock.is_due(SORTED_EVERY_H):
            t.sort()
