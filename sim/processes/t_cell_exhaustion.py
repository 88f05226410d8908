"""T-cell exhaustion and death: PD-1 signalling and serial killing exhaust; stem-like T cells recover and expand under blockade.

    hazard of exhaustion   k_exh (1 - RO) L (1 + a s_V) while engaged, L the PD-L1-positive share there; certain after n_kill kills
    hazard of recovery     k_rec RO for exhausted stem-like T cells, which then give daughters that are not stem-like
    death                  at the end of the lifespan drawn on arrival

a s_V is the part added by VEGF (`vegf_suppression`). Terminally exhausted T cells do not recover. A daughter starts on its
mother's site and dies when the mother does. k_exh is 0.1 per day in spQSP-HCC; the serial capacity is 5 kills in Kather 2017.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.t_cell_columns import t_cell_columns
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


def chances_of(p: Parameters, pd1_occupancy: float, days: float) -> Chances:
    """Return the probabilities over some days from the hazards k_exh (1 - RO) and k_rec RO."""
    return Chances(decay_share(p.exhaustion_per_d * (1.0 - pd1_occupancy), days), decay_share(p.recovery_per_d * pd1_occupancy, days))


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Update exhaustion and recovery every 6 hours; remove dead T cells every step; sort the living once a day."""
    systemic = state.systemic
    chances = chances_of(p, systemic.pd1_occupancy, clock.span_h(EXHAUSTION_EVERY_H) / 24.0)
    effect = VegfEffect(systemic.vegf_exhaustion_gain, systemic.vegf_silenced_limit, systemic.vegf_half)
    for tissue in state.active:
        t = tissue.t_cells
        if clock.is_due(EXHAUSTION_EVERY_H):
            recovered = _exhaust(chances, effect, state.stream(tissue, clock), p.kill_capacity, tissue.pd_l1_share.reshape(-1),
                                 tissue.vegf.reshape(-1), t_cell_columns(t))
            if len(recovered):
                # Sorted by id, so that the order of rows has no effect.
                recovered = recovered[np.argsort(t.id[recovered])]
                _expand(tissue, recovered, p.daughters_per_recovery)
        t.n = _keep_living(clock.t_h + clock.dt_h, tissue.t_count.reshape(-1), t_cell_columns(t))
        if clock.is_due(SORTED_EVERY_H):
            t.sort()
