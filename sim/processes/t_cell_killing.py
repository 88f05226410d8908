"""T-cell killing: a specific T cell engages a neighbouring tumour cell and hits it; several hits in time kill.

Each micro-step a free, specific, unexhausted T cell looks at its own site or a drawn neighbour and engages a living
tumour cell there. Engaged, it hits with rate h and lets go with rate 1 / t_att, or when the target is gone; a share
supp of the pairs of T cell and target is suppressed and never hits, so that kills (not hits) scale with 1 - supp.
A tumour cell forgets hits after t_mem without one; at n_hit hits it is killed (`cell_fate` applies it within the hour).

    supp = (1 - RO) L^n / (L^n + K^n),   L = PD-L1-positive share of the tumour cells around the target

RO is the PD-1 occupancy. With h = 1.2 per hour one T cell kills about 3 a day. Several hits: three serial hits less
than 50 minutes apart (Weigelin 2021, s41467-021-25282-3), which makes killing depend on T cells gathering. Kill
rates 2-16 a day in vivo (Halle 2016, through a secondary source). Suppression: a simplification of the synapse balance
in spQSP (Hill, n = 2).
"""

from typing import Annotated, NamedTuple

import numpy as np

from sim.clock import MICRO_STEP_MIN, Clock
from sim.codes import CellState, Hazard, Purpose
from sim.numerics.jit import kernel
from sim.numerics.kinetics import decay_share
from sim.numerics.lattice import entity_of, neighbour
from sim.numerics.random import draw, philox, uniform
from sim.parameters import quantity
from sim.state import State

_KILLING, _SUPPRESSION = int(Purpose.T_CELL_KILLING), int(Purpose.SUPPRESSION)
_T_CELL = int(Hazard.T_CELL)
_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)
_CERTAIN = 1e6


class Parameters(NamedTuple):
    """Engagement, hits and their suppression."""

    hit_rate_per_h: Annotated[float, quantity("1/h", "hits of an engaged, unsuppressed T cell", 0.5, 6.0, "assumed",
        "free parameter; gives about 3 kills a day, 1-20 observed")] = 1.2
    engagement_min: Annotated[float, quantity("min", "mean duration of an engagement", 20.0, 360.0, "literature",
        "60 min in PhysiCell, 6 h in Kather 2017")] = 60.0
    n_hits: Annotated[int, quantity("hits", "hits that kill", 2, 5, "literature", "3, Weigelin 2021")] = 3
    memory_min: Annotated[float, quantity("min", "time after which a tumour cell has forgotten a hit", 30.0, 120.0, "literature",
        "50 min, Weigelin 2021")] = 50.0
    suppression_half: Annotated[float, quantity("1", "PD-L1-positive share of half suppression", 0.05, 1.0, "assumed",
        "two thirds at the baseline share; Hill form of spQSP")] = 0.1
    suppression_exponent: Annotated[float, quantity("1", "Hill exponent of suppression", 1.0, 4.0, "assumed", "2 in spQSP-HCC; the form is a simplification of its synapse")] = 2.0


@kernel
def _is_suppressed(p, free, pd_l1, luck, t_cell, site):
    """Tell whether PD-L1 silences a pair of T cell and target site: the pair's own draw, the same at every step, below supp."""
    level = pd_l1**p.suppression_exponent
    supp = free * level / (level + p.suppression_half**p.suppression_exponent)
    words = philox(luck.key0, luck.key1, site, np.uint32(_SUPPRESSION), t_cell, luck.lesion)
    return uniform(words[0]) < supp


@kernel
def _hit(p, chances, luck, when, geometry, cells, rows):
    """Engage, hit and let go for one micro-step.

    Reads cells (state, pd_l1_share) flat, rows (site, ids, is_specific, is_exhausted); writes cells (hits, last_hit),
    rows (target, kills). chances = (hit, let go, free PD-1); geometry = (shape, centre); when = (minute, micro-step). One draw a specific
    T cell, and one a pair that would hit. Hits of one micro-step add up whatever their order; a kill is booked to all who hit in it.
    """
    p_hit, p_leave, free = chances
    shape, centre = geometry
    n_hits = p.n_hits
    minute, micro_step = when
    state, pd_l1_share, hits, last_hit = cells
    site, ids, is_specific, is_exhausted, target, kills = rows
    for i in range(len(site)):
        if not is_specific[i] or is_exhausted[i]:
            target[i] = -1
            continue
        words = draw(luck, _KILLING + 256 * (micro_step + 1), ids[i])
        at = target[i]
        if at < 0:
            at = site[i] if _FIRST <= state[site[i]] <= _LAST else neighbour(site[i], shape, words[0])
            if _FIRST <= state[at] <= _LAST and hits[at] < n_hits:
                target[i] = at
            continue
        is_gone = state[at] < _FIRST or state[at] > _LAST or (hits[at] >= n_hits and last_hit[at] != minute)
        if is_gone or uniform(words[1]) < p_leave:
            target[i] = -1
            continue
        if uniform(words[2]) < p_hit and not _is_suppressed(p, free, pd_l1_share[at], luck, ids[i], entity_of(at, shape, centre)):
            if minute - last_hit[at] >= p.memory_min:
                hits[at] = 0
            hits[at] = min(hits[at] + 1, 200)
            last_hit[at] = minute
            # Marked here, booked below once all hits of the micro-step are known.
            target[i] = -2 - at
    for i in range(len(site)):
        if target[i] <= -2:
            target[i] = -2 - target[i]
            if hits[target[i]] >= n_hits and kills[i] < 255:
                kills[i] += 1


@kernel
def _write_kills(n_hits, hits, hazard):
    """Write a certain death for every cell with enough hits. Reads hits flat; writes hazard (causes, sites). No draws."""
    for s in range(len(hits)):
        if hits[s] >= n_hits:
            hazard[_T_CELL, s] = _CERTAIN


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Let the T cells of every lesion engage and hit for one micro-step; write the kills after the step's last one."""
    hours = MICRO_STEP_MIN / 60.0
    chances = (decay_share(p.hit_rate_per_h, hours), decay_share(60.0 / p.engagement_min, hours), 1.0 - state.systemic.pd1_occupancy)
    is_last = clock.micro_step == clock.n_micro_steps - 1
    for tissue in state.active:
        t = tissue.t_cells
        if t.n == 0:
            continue
        cells = tuple(a.reshape(-1) for a in (tissue.state, tissue.pd_l1_share, tissue.hits, tissue.last_hit))
        rows = tuple(a[: t.n] for a in (t.site, t.id, t.is_specific, t.is_exhausted, t.target, t.kills))
        _hit(p, chances, state.luck(tissue, clock), (clock.minute, clock.micro_step), (tissue.state.shape, tissue.centre), cells, rows)
        if is_last:
            _write_kills(p.n_hits, cells[2], tissue.hazard.reshape(len(tissue.hazard), -1))
