"""T-cell killing: a specific T cell engages a neighbouring tumour cell and hits it; several hits in time kill.

In each micro-step a free, specific, unexhausted T cell searches its own site, then a drawn neighbour, and engages a living
tumour cell there. An engaged T cell hits with rate h. It detaches with rate 1 / t_att, or when the target is gone. A share
supp of the pairs of T cell and target is suppressed and never hits, so kills (not hits) scale with 1 - supp.
A tumour cell forgets its hits after t_mem without a new one; at n_hit hits it is killed (`cell_fate` applies this within the hour).

    s_PD1 = (1 - RO) L^n / (L^n + K^n),   L = PD-L1-positive share of the tumour cells around the target
    supp = s_PD1 + (1 - s_PD1) s_V,       s_V the suppression by VEGF at the target (`vegf_suppression`)

In an under-weighted section a clonogen stands for w lesion cells, fewer than the W of a site or a T cell. Its few weighted
clonogens would then occupy T cells that are free in the lesion. Therefore only a share w / W of the pairs is real, by one fixed
draw per pair. In every other pair the T cell stays free and a ghost contact acts on the clonogen in its place. A ghost contact
engages, hits, detaches, moves and engages again. It ends when it is more than two sites from the clonogen or meets a cell that
would occupy its T cell. So a clonogen meets T cells at their true density, and T cells are engaged as often as in the lesion.
Ghost contacts follow neither the chemoattractant nor a clonogen that is pushed.

RO is the PD-1 occupancy. Computed in this form, supp equals s_PD1 to the bit where VEGF does not suppress. With h = 1.2 per hour
one T cell kills about 3 cells a day. Three serial hits less than 50 minutes apart (Weigelin 2021, s41467-021-25282-3) make killing
depend on the local density of T cells. Kill rates in vivo are 2-16 a day (Halle 2016, through a secondary source). Suppression
simplifies the synapse balance in spQSP (Hill, n = 2).
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.site_flags import DOOMED, KNOWN, lay
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share, saturating
from lesionlab.sim.numerics.lattice import entity_of, neighbour, sites_apart
from lesionlab.sim.numerics.random import AT_ONCE, draw_fixed, draw_many, draw_pair, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock
from lesionlab.sim.state.codes import Hazard, Purpose
from lesionlab.sim.state.state import State, Systemic, Tissue

_KILLING, _SUPPRESSION, _GHOST_CONTACT = int(Purpose.T_CELL_KILLING), int(Purpose.SUPPRESSION), int(Purpose.GHOST_CONTACT)
_CERTAIN = np.float32(1e6)
_ASTRAY = 2
"""Distance from its clonogen, in sites, beyond which a ghost contact ends: T cells there have the section's own density."""


class Parameters(NamedTuple):
    """Engagement, hits and their suppression."""

    hit_rate_per_h: Annotated[float, quantity("1/h", "hits of an engaged, unsuppressed T cell", 0.0, 60.0, "assumed",
        "free parameter; gives about 3 kills a day, 1-20 observed", prior=(0.5, 6.0))] = 1.2
    engagement_min: Annotated[float, quantity("min", "mean duration of an engagement", 1.0, 10000.0, "literature",
        "60 min in PhysiCell, 6 h in Kather 2017", prior=(20.0, 360.0))] = 60.0
    n_hits: Annotated[int, quantity("hits", "hits that kill", 1, 20, "literature", "3, Weigelin 2021", prior=(2, 5))] = 3
    memory_min: Annotated[float, quantity("min", "time after which a tumour cell has forgotten a hit", 6.0, 1440.0, "literature",
        "50 min, Weigelin 2021", prior=(30.0, 120.0))] = 50.0
    suppression_half: Annotated[float, quantity("1", "PD-L1-positive share of half suppression", 0.001, 100.0, "assumed",
        "two thirds at the baseline share; Hill form of spQSP", prior=(0.05, 1.0))] = 0.1
    suppression_exponent: Annotated[float, quantity("1", "Hill exponent of suppression", 0.5, 10.0, "assumed",
        "2 in spQSP-HCC; the form is a simplification of its synapse",
        prior=(1.0, 4.0))] = 2.0


class KillingInputs(NamedTuple):
    """Inputs of T-cell killing in one section and step: chances (hit and detachment per micro-step, free PD-1, w / W), lock (largest
    suppression by VEGF, VEGF of half that), geometry (shape, centre), flat cells (flags as in `lesionlab.sim.layouts.site_flags`,
    pd_l1_share, hits, last_hit, vegf), rows (site, ids, is_specific, is_exhausted, target, kills)."""

    p: Parameters
    chances: tuple[float, float, float, float]
    lock: tuple[float, float]
    geometry: tuple[tuple[int, int, int], tuple[int, int, int]]
    cells: tuple[np.ndarray, ...]
    rows: tuple[np.ndarray, ...]

@kernel
def land(minute, memory_min, at, hits, last_hit):
    """Count one hit on a site; the hits of one micro-step add up in any order. Writes hits, last_hit."""
    if minute - last_hit[at] >= memory_min:
        hits[at] = 0
    hits[at] = min(hits[at] + 1, 200)
    last_hit[at] = minute


@kernel
def _is_any(counts):
    """Return whether any of the given sites has a hit."""
    bits = np.uint8(0)
    for x in range(len(counts)):
        bits |= counts[x]
    return bits > 0


@kernel
def _settle_sites(n_hits, oldest, counts, minutes, hazard):
    """Apply `settle` to some sites of a row."""
    for x in range(len(counts)):
        if counts[x] >= n_hits:
            hazard[x] = _CERTAIN
        elif counts[x] and minutes[x] <= oldest:
            counts[x] = 0


@kernel
def _settle(window, n_hits, oldest, hits, last_hit, hazard):
    """Apply `settle` in a window; hits of the minute `oldest` or before are forgotten. Arrays (nz, ny, nx). No draws."""
    for z in range(len(hits)):
        for y in range(window[0], window[1]):
            counts, minutes, row = hits[z, y], last_hit[z, y], hazard[z, y]
            # Hits are rare: single sites are read only where a group of 64 has any.
            for start in range(window[2], window[3], 64):
                end = min(start + 64, window[3])
                if _is_any(counts[start:end]):
                    _settle_sites(n_hits, oldest, counts[start:end], minutes[start:end], row[start:end])


def settle(tissue: Tissue, n_hits: int, memory_min: float, next_minute: int) -> None:
    """Write a certain death for every cell with enough hits; forget hits too old to add to one of the next micro-step.

    `land` would forget them too, but until then every displaced cell would move its hit time along, at one cache line each.
    """
    _settle(tissue.window, n_hits, next_minute - memory_min, tissue.hits, tissue.last_hit, tissue.hazard[Hazard.T_CELL])


@kernel
def _is_suppressed(stream, t_cell, at, killing):
    """Return whether PD-L1 or VEGF suppresses a T cell at target site `at`: the pair's draw, the same in every step, is below supp."""
    p, (shape, centre), (limit, half) = killing.p, killing.geometry, killing.lock
    level = killing.cells[1][at] ** p.suppression_exponent
    by_pd_1 = killing.chances[2] * level / (level + p.suppression_half**p.suppression_exponent)
    silenced = by_pd_1 + (1.0 - by_pd_1) * saturating(limit, half, killing.cells[4][at])
    return uniform(draw_fixed(stream, _SUPPRESSION, entity_of(at, shape, centre), t_cell)[0]) < silenced


@kernel
def _has_ghost_contact(ghost_contacts, t_cell, site):
    """Return whether a T cell has a ghost contact with the clonogen on a site. ghost_contacts = (number, t_cell, clonogen, site,
    is_engaged)."""
    k = 0
    while k < ghost_contacts[0] and not (ghost_contacts[2][k] == site and ghost_contacts[1][k] == t_cell):
        k += 1
    return k < ghost_contacts[0]


@kernel
def _is_seen(p_real, stream, t_cell, at, geometry):
    """Return whether the pair of T cell and clonogen is real: the pair's draw, the same in every step, is below w / W."""
    return p_real >= 1.0 or uniform(draw_fixed(stream, _SUPPRESSION, entity_of(at, *geometry), t_cell)[1]) < p_real


@kernel
def _find(p_real, stream, t_cell, at, geometry, cells):
    """Return what a T cell finds on a site: 0 no cell it recognises, 1 a cell that occupies it, 2 a clonogen for a ghost contact only."""
    there = cells[0][at]
    if not there & KNOWN:
        return 0
    return 1 if there & DOOMED or _is_seen(p_real, stream, t_cell, at, geometry) else 2


@kernel
def _engage(p_real, stream, word, n_hits, killing, t_cell, ghost_contacts):
    """Find a target for a free T cell, t_cell = (id, site); return it and the two sites where ghost contacts begin, each -1 for none.

    The T cell's own site comes first; the drawn neighbour is searched unless a cell on the own site occupies the T cell.
    """
    (name, own), hits, geometry, first, second = t_cell, killing.cells[2], killing.geometry, -1, -1
    found = _find(p_real, stream, name, own, geometry, killing.cells)
    if found == 1:
        return own if hits[own] < n_hits else -1, first, second
    if found == 2 and hits[own] < n_hits and not _has_ghost_contact(ghost_contacts, name, own):
        first = own
    at = neighbour(own, geometry[0], word)
    found = 0 if at == own or hits[at] >= n_hits else _find(p_real, stream, name, at, geometry, killing.cells)
    if found == 2 and not _has_ghost_contact(ghost_contacts, name, at):
        second = at
    return at if found == 1 else -1, first, second


@kernel
def _begin(clonogen, t_cell, n, ghost_contacts):
    """Begin a ghost contact of a T cell, t_cell = (id, site), with a clonogen's site (-1 for none); return the number of contacts."""
    if clonogen < 0:
        return n
    ghost_contacts[1][n], ghost_contacts[2][n], ghost_contacts[3][n], ghost_contacts[4][n] = t_cell[0], clonogen, t_cell[1], 1
    return n + 1


@kernel
def _go_on(p_real, stream, word, i, killing, ghost_contacts):
    """Return the next state of a detached ghost contact: 0 ended, by a cell that would occupy its T cell; 1 moving; 2 engaged."""
    t_cell, clonogen, site = ghost_contacts[1][i], ghost_contacts[2][i], np.int64(ghost_contacts[3][i])
    for at in (site, np.int64(neighbour(site, killing.geometry[0], word))):
        if at == clonogen:
            return 2
        if _find(p_real, stream, t_cell, at, killing.geometry, killing.cells) == 1:
            return 0
    return 1


@kernel
def decide(span, stream, when, killing, ghost_contacts):
    """Let the specific T cells of rows span = [first, end) engage, detach or hit for one micro-step; return (first row of the new
    ghost contacts, their number).

    All T cells see the earlier hits and those of this micro-step's ghost contacts, so the order of rows has no effect. Writes
    target, which is -2 - site for a T cell that hits. Writes new rows behind ghost_contacts = (number, t_cell, clonogen, site,
    is_engaged), from row `number + 2 first` on; a T cell begins at most two. when = (minute, micro-step). One draw per specific,
    unexhausted T cell and one per pair that would hit.
    """
    p, (minute, micro_step) = killing.p, when
    p_hit, p_leave, _, p_real = killing.chances
    flags, hits, last_hit = killing.cells[0], killing.cells[2], killing.cells[3]
    site, ids, is_specific, is_exhausted, target = killing.rows[:5]
    begin = ghost_contacts[0] + 2 * span[0]
    n_ghost_contacts, acting, words = begin, np.empty(AT_ONCE, np.int32), np.empty((4, AT_ONCE), np.uint32)
    names = np.empty(AT_ONCE, np.uint32)
    for start in range(span[0], span[1], AT_ONCE):
        n_acting = 0
        for i in range(start, min(start + AT_ONCE, span[1])):
            # Written for every row and counted only if can_act: no branch to predict.
            can_act = (is_specific[i] != 0) & (is_exhausted[i] == 0)
            acting[n_acting], names[n_acting] = i, ids[i]
            n_acting += can_act
            target[i] = target[i] if can_act else -1
        draw_many(stream, _KILLING + 256 * (micro_step + 1), names[:n_acting], words)
        for k in range(n_acting):
            i = acting[k]
            at = target[i]
            if at < 0:
                target[i], first, second = _engage(p_real, stream, words[0, k], p.n_hits, killing, (ids[i], site[i]), ghost_contacts)
                n_ghost_contacts = _begin(first, (ids[i], site[i]), n_ghost_contacts, ghost_contacts)
                n_ghost_contacts = _begin(second, (ids[i], site[i]), n_ghost_contacts, ghost_contacts)
                continue
            is_gone = not flags[at] & KNOWN or (hits[at] >= p.n_hits and last_hit[at] != minute)
            if is_gone or uniform(words[1, k]) < p_leave:
                target[i] = -1
            elif uniform(words[2, k]) < p_hit and not _is_suppressed(stream, ids[i], at, killing):
                target[i] = -2 - at
    return begin, n_ghost_contacts - begin


@kernel
def strike(minute, killing):
    """Apply the hits of `decide`; a kill counts for every T cell that hit in its micro-step. Writes hits, last_hit, target, kills."""
    hits, last_hit, target, kills = killing.cells[2], killing.cells[3], killing.rows[4], killing.rows[5]
    for i in range(len(target)):
        if target[i] <= -2:
            land(minute, killing.p.memory_min, -2 - target[i], hits, last_hit)
    for i in range(len(target)):
        if target[i] <= -2:
            target[i] = -2 - target[i]
            if hits[target[i]] >= killing.p.n_hits and kills[i] < 255:
                kills[i] += 1


@kernel
def advance_ghost_contacts(stream, when, killing, ghost_contacts):
    """Let ghost contacts hit, detach and engage again for one micro-step; return the number that continue.

    Writes hits, last_hit and ghost_contacts, whose rows keep their order. One draw per ghost contact and one per pair that would hit.
    """
    p, (shape, centre), (minute, micro_step) = killing.p, killing.geometry, when
    p_hit, p_leave, _, p_real = killing.chances
    flags, hits, last_hit = killing.cells[0], killing.cells[2], killing.cells[3]
    n, t_cell, clonogen, site, is_engaged = ghost_contacts
    kept = 0
    for i in range(n):
        at = clonogen[i]
        is_gone = not flags[at] & KNOWN or flags[at] & DOOMED or (hits[at] >= p.n_hits and last_hit[at] != minute)
        if is_gone or sites_apart(site[i], at, shape) > _ASTRAY or _is_seen(p_real, stream, t_cell[i], at, killing.geometry):
            continue
        words = draw_pair(stream, _GHOST_CONTACT + 256 * (micro_step + 1), t_cell[i], entity_of(at, shape, centre))
        if not is_engaged[i]:
            goes_on = _go_on(p_real, stream, words[0], i, killing, ghost_contacts)
            if goes_on == 0:
                continue
            is_engaged[i] = goes_on == 2
        elif uniform(words[1]) < p_leave:
            is_engaged[i] = 0
        elif uniform(words[2]) < p_hit and not _is_suppressed(stream, t_cell[i], at, killing):
            land(minute, p.memory_min, at, hits, last_hit)
        t_cell[kept], clonogen[kept], site[kept], is_engaged[kept] = t_cell[i], clonogen[i], site[i], is_engaged[i]
        kept += 1
    return kept


def killing_inputs(tissue: Tissue, flags: np.ndarray, p: Parameters, systemic: Systemic) -> KillingInputs:
    """Return the killing inputs of a section for this step, with its site flags."""
    t, hours = tissue.t_cells, MICRO_STEP_MIN / 60.0
    chances = (decay_share(p.hit_rate_per_h, hours), decay_share(60.0 / p.engagement_min, hours), 1.0 - systemic.pd1_occupancy,
               tissue.relative_weight)
    lock = (systemic.vegf_silenced_limit, systemic.vegf_half)
    cells = (flags, *(a.reshape(-1) for a in (tissue.pd_l1_share, tissue.hits, tissue.last_hit, tissue.vegf)))
    rows = tuple(a[: t.n] for a in (t.site, t.id, t.is_specific, t.is_exhausted, t.target, t.kills))
    return KillingInputs(p, chances, lock, (tissue.state.shape, tissue.centre), cells, rows)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Let the T cells of every lesion engage and hit for one micro-step; write the kills after the last micro-step of a step."""
    when = (clock.minute, clock.micro_step)
    for tissue in state.active:
        t, ghost_contacts = tissue.t_cells, tissue.ghost_contacts
        if t.n == 0 and ghost_contacts.n == 0:
            continue
        stream, killing = state.stream(tissue, clock), killing_inputs(tissue, lay(tissue), p, state.systemic)
        ghost_contacts.n = advance_ghost_contacts(stream, when, killing, (ghost_contacts.n, *ghost_contacts.columns()))
        if tissue.is_under_weighted:
            ghost_contacts.reserve(ghost_contacts.n + 2 * t.n)
        ghost_contacts.n += decide((0, t.n), stream, when, killing, (ghost_contacts.n, *ghost_contacts.columns()))[1]
        strike(clock.minute, killing)
        if clock.micro_step == clock.n_micro_steps - 1:
            settle(tissue, p.n_hits, p.memory_min, clock.minute + MICRO_STEP_MIN)
