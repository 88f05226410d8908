"""T-cell killing: a specific T cell engages a neighbouring tumour cell and hits it; several hits in time kill.

In each micro-step a free, specific, unexhausted T cell searches its own site, then a drawn neighbour, and engages a living tumour cell
there. An engaged T cell hits with rate h (`hit_rate_per_h`). It detaches with rate 1 / t_att (`engagement_min`), or when the target is
gone. A share supp of the pairs of T cell and target is suppressed and never hits, so kills (not hits) scale with 1 - supp. A tumour cell
forgets its hits after t_mem without a new one; at n_hit hits it is killed (`cell_fate` applies this within the hour).

    s_PD1 = (1 - RO) L^n / (L^n + K^n),   L = PD-L1-positive share of the tumour cells around the target
    supp = s_PD1 + (1 - s_PD1) s_V,       s_V = s_max V / (V + V_half), the suppression by the VEGF V at the target (`vegf_suppression`)

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
from lesionlab.sim.layouts.t_cell_columns import TCellColumns, begin_contact, contact_columns, has_contact, t_cell_columns
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.kinetics import decay_share, saturating
from lesionlab.sim.numerics.lattice import Lattice, entity_of, neighbour, sites_apart
from lesionlab.sim.numerics.random import AT_ONCE, draw_fixed, draw_many, draw_pair, uniform
from lesionlab.sim.numerics.window import Span
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock
from lesionlab.sim.state.codes import Hazard, Purpose
from lesionlab.sim.state.state import State, Systemic, Tissue

_KILLING, _SUPPRESSION, _GHOST_CONTACT = int(Purpose.T_CELL_KILLING), int(Purpose.SUPPRESSION), int(Purpose.GHOST_CONTACT)
_CERTAIN, _MICRO_STEP_H = np.float32(1e6), MICRO_STEP_MIN / 60.0
_MOST_HITS, _MOST_KILLS = 200, 255
_NOTHING, _OCCUPYING, _GHOST_ONLY = 0, 1, 2
"""What a T cell finds on a site: nothing it recognises; a cell that occupies it; a clonogen that only a ghost contact can engage."""
_ENDED, _MOVING, _ENGAGED = 0, 1, 2
"""What becomes of a detached ghost contact in a micro-step."""
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


class Chances(NamedTuple):
    """Probabilities: that an engaged T cell hits, and that it detaches, in a micro-step; that a pair is real (w / W)."""

    hit: float
    detach: float
    real: float


@kernel
def chances_of(p, relative_weight):
    """Return the probabilities in a section of relative weight w / W."""
    return Chances(decay_share(p.hit_rate_per_h, _MICRO_STEP_H), decay_share(60.0 / p.engagement_min, _MICRO_STEP_H), relative_weight)


class Suppressors(NamedTuple):
    """What decides suppression beside PD-L1: free PD-1 (1 - RO), the largest share s_max by VEGF, and V_half, the VEGF of half of it."""

    pd1_free: float
    vegf_limit: float
    vegf_half: float


class TargetCells(NamedTuple):
    """What a T cell meets on a site, flat: `lesionlab.sim.layouts.site_flags`, PD-L1-positive share, hits, minute of the last hit, VEGF."""

    flags: np.ndarray
    pd_l1_share: np.ndarray
    hits: np.ndarray
    last_hit: np.ndarray
    vegf: np.ndarray


class KillingInputs(NamedTuple):
    """Inputs of T-cell killing in one section and step."""

    p: Parameters
    chances: Chances
    suppressors: Suppressors
    lattice: Lattice
    cells: TargetCells
    t_cells: TCellColumns


@kernel
def suppressed_by_pd_l1(p, pd1_free, pd_l1_share):
    """Return the share of pairs that PD-L1 suppresses: s_PD1 = (1 - RO) L^n / (L^n + K^n)."""
    level = pd_l1_share**p.suppression_exponent
    return pd1_free * level / (level + p.suppression_half**p.suppression_exponent)


@kernel
def suppressed_share(p, suppressors, pd_l1_share, vegf):
    """Return the share of pairs that PD-L1 or VEGF suppresses: supp = s_PD1 + (1 - s_PD1) s_V."""
    by_pd_l1 = suppressed_by_pd_l1(p, suppressors.pd1_free, pd_l1_share)
    by_vegf = saturating(suppressors.vegf_limit, suppressors.vegf_half, vegf)
    return by_pd_l1 + (1.0 - by_pd_l1) * by_vegf


@kernel
def hits_with_one_more(p, hits, minutes_since_last):
    """Return a tumour cell's hits after one more: hits + 1, or 1 again where the last one is t_mem or longer ago and forgotten."""
    return min((hits if minutes_since_last < p.memory_min else 0) + 1, _MOST_HITS)


@kernel
def is_killed(p, hits):
    """Return whether so many hits kill: hits >= n_hit."""
    return hits >= p.n_hits


@kernel
def is_gone(p, minute, flag, hits, last_hit):
    """Return whether a site's cell can be hit no more: it is no living cell with antigen, or an earlier micro-step's hit killed it.

    Hits that land in the micro-step of the killing one (`minute`) still count, so that the order of T cells has no effect.
    """
    return not flag & KNOWN or (is_killed(p, hits) and last_hit != minute)


# What follows is called for each T cell or pair, and takes only what it reads: an array handed on by value costs seven words a call.
@kernel
def _land(p, hits, last_hit, minute, at):
    """Let one hit land on a site; those of one micro-step add up in any order. Writes hits, last_hit."""
    hits[at] = hits_with_one_more(p, hits[at], minute - last_hit[at])
    last_hit[at] = minute


@kernel
def _is_suppressed(stream, killing, t_cell, at):
    """Return whether a T cell is suppressed at target site `at`: the pair's draw, the same in every step, is below the share."""
    share = suppressed_share(killing.p, killing.suppressors, killing.cells.pd_l1_share[at], killing.cells.vegf[at])
    return uniform(draw_fixed(stream, _SUPPRESSION, entity_of(at, killing.lattice), t_cell)[0]) < share


@kernel
def _is_real(stream, p_real, lattice, t_cell, at):
    """Return whether the pair of T cell and clonogen is real: the pair's draw, the same in every step, is below w / W."""
    return p_real >= 1.0 or uniform(draw_fixed(stream, _SUPPRESSION, entity_of(at, lattice), t_cell)[1]) < p_real


@kernel
def _find(stream, p_real, lattice, flag, t_cell, at):
    """Return what a T cell finds on a site with that flag: _NOTHING, _OCCUPYING or _GHOST_ONLY."""
    if not flag & KNOWN:
        return _NOTHING
    return _OCCUPYING if flag & DOOMED or _is_real(stream, p_real, lattice, t_cell, at) else _GHOST_ONLY


@kernel
def _engage(stream, word, killing, t_cell, own, n, contacts):
    """Find a target for a free T cell on site `own`; return it and the two clonogens with which ghost contacts begin, each -1 for none.

    The T cell's own site comes first; the drawn neighbour is searched unless a cell on the own site occupies the T cell.
    """
    p, flags, hits, first, second = killing.p, killing.cells.flags, killing.cells.hits, -1, -1
    p_real, lattice = killing.chances.real, killing.lattice
    found = _find(stream, p_real, lattice, flags[own], t_cell, own)
    if found == _OCCUPYING:
        return -1 if is_killed(p, hits[own]) else own, first, second
    if found == _GHOST_ONLY and not is_killed(p, hits[own]) and not has_contact(n, contacts, t_cell, own):
        first = own
    at = neighbour(own, lattice.shape, word)
    found = _NOTHING if at == own or is_killed(p, hits[at]) else _find(stream, p_real, lattice, flags[at], t_cell, at)
    if found == _GHOST_ONLY and not has_contact(n, contacts, t_cell, at):
        second = at
    return at if found == _OCCUPYING else -1, first, second


@kernel
def decide(span, stream, minute, micro_step, killing, n, contacts):
    """Let the specific T cells of a span of rows engage, detach or hit for one micro-step; return (first row of the new ghost
    contacts, their number).

    All T cells see the earlier hits and those of this micro-step's ghost contacts, so the order of rows has no effect. Writes
    target, which is -2 - site for a T cell that hits. Writes new rows behind the n ghost contacts, from row n + 2 span.first on; a
    T cell begins at most two. One draw per specific, unexhausted T cell and one per pair that would hit.
    """
    p, chances, cells, t, target = killing.p, killing.chances, killing.cells, killing.t_cells, killing.t_cells.target
    begin = n + 2 * span.first
    end, acting, words = begin, np.empty(AT_ONCE, np.int32), np.empty((4, AT_ONCE), np.uint32)
    names = np.empty(AT_ONCE, np.uint32)
    for start in range(span.first, span.end, AT_ONCE):
        n_acting = 0
        for i in range(start, min(start + AT_ONCE, span.end)):
            # Written for every row and counted only if can_act: no branch to predict.
            can_act = (t.is_specific[i] != 0) & (t.is_exhausted[i] == 0)
            acting[n_acting], names[n_acting] = i, t.id[i]
            n_acting += can_act
            target[i] = target[i] if can_act else -1
        draw_many(stream, _KILLING + 256 * (micro_step + 1), names[:n_acting], words)
        for k in range(n_acting):
            i = acting[k]
            at = target[i]
            if at < 0:
                target[i], first, second = _engage(stream, words[0, k], killing, t.id[i], t.site[i], n, contacts)
                end = begin_contact(end, contacts, t.id[i], t.site[i], first)
                end = begin_contact(end, contacts, t.id[i], t.site[i], second)
            elif is_gone(p, minute, cells.flags[at], cells.hits[at], cells.last_hit[at]) or uniform(words[1, k]) < chances.detach:
                target[i] = -1
            elif uniform(words[2, k]) < chances.hit and not _is_suppressed(stream, killing, t.id[i], at):
                target[i] = -2 - at
    return begin, end - begin


@kernel
def strike(minute, killing):
    """Apply the hits of `decide`; a kill counts for every T cell that hit in its micro-step. Writes hits, last_hit, target, kills."""
    target, kills = killing.t_cells.target, killing.t_cells.kills
    for i in range(len(target)):
        if target[i] <= -2:
            _land(killing.p, killing.cells.hits, killing.cells.last_hit, minute, -2 - target[i])
    for i in range(len(target)):
        if target[i] <= -2:
            target[i] = -2 - target[i]
            if is_killed(killing.p, killing.cells.hits[target[i]]) and kills[i] < _MOST_KILLS:
                kills[i] += 1


@kernel
def _go_on(stream, word, killing, i, contacts):
    """Return what becomes of a detached ghost contact: _ENDED by a cell that would occupy its T cell, _MOVING or _ENGAGED."""
    site = np.int64(contacts.site[i])
    for at in (site, np.int64(neighbour(site, killing.lattice.shape, word))):
        if at == contacts.clonogen[i]:
            return _ENGAGED
        if _find(stream, killing.chances.real, killing.lattice, killing.cells.flags[at], contacts.t_cell[i], at) == _OCCUPYING:
            return _ENDED
    return _MOVING


@kernel
def advance_ghost_contacts(stream, minute, micro_step, killing, n, contacts):
    """Let the first n ghost contacts hit, detach and engage again for one micro-step; return the number that continue.

    Writes hits, last_hit and contacts, whose rows keep their order. One draw per ghost contact and one per pair that would hit.
    """
    p, chances, lattice = killing.p, killing.chances, killing.lattice
    flags, hits, last_hit = killing.cells.flags, killing.cells.hits, killing.cells.last_hit
    t_cell, clonogen, site, is_engaged = contacts.t_cell, contacts.clonogen, contacts.site, contacts.is_engaged
    kept = 0
    for i in range(n):
        at = clonogen[i]
        is_over = is_gone(p, minute, flags[at], hits[at], last_hit[at]) or flags[at] & DOOMED
        if is_over or sites_apart(site[i], at, lattice.shape) > _ASTRAY or _is_real(stream, chances.real, lattice, t_cell[i], at):
            continue
        words = draw_pair(stream, _GHOST_CONTACT + 256 * (micro_step + 1), t_cell[i], entity_of(at, lattice))
        if not is_engaged[i]:
            then = _go_on(stream, words[0], killing, i, contacts)
            if then == _ENDED:
                continue
            is_engaged[i] = then == _ENGAGED
        elif uniform(words[1]) < chances.detach:
            is_engaged[i] = 0
        elif uniform(words[2]) < chances.hit and not _is_suppressed(stream, killing, t_cell[i], at):
            _land(p, hits, last_hit, minute, at)
        t_cell[kept], clonogen[kept], site[kept], is_engaged[kept] = t_cell[i], clonogen[i], site[i], is_engaged[i]
        kept += 1
    return kept


@kernel
def _is_any(counts):
    """Return whether any of the given sites has a hit."""
    bits = np.uint8(0)
    for x in range(len(counts)):
        bits |= counts[x]
    return bits > 0


@kernel
def _settle_sites(p, oldest, counts, minutes, hazard):
    """Apply `settle` to some sites of a row."""
    for x in range(len(counts)):
        if is_killed(p, counts[x]):
            hazard[x] = _CERTAIN
        elif counts[x] and minutes[x] <= oldest:
            counts[x] = 0


@kernel
def settle_in(window, p, oldest, hits, last_hit, hazard):
    """Apply `settle` in a window; hits of the minute `oldest` or before are forgotten. Arrays (nz, ny, nx). No draws."""
    for z in range(len(hits)):
        for y in range(window.first_y, window.end_y):
            counts, minutes, row = hits[z, y], last_hit[z, y], hazard[z, y]
            # Hits are rare: single sites are read only where a group of 64 has any.
            for start in range(window.first_x, window.end_x, 64):
                end = min(start + 64, window.end_x)
                if _is_any(counts[start:end]):
                    _settle_sites(p, oldest, counts[start:end], minutes[start:end], row[start:end])


def settle(tissue: Tissue, p: Parameters, next_minute: int) -> None:
    """Write a certain death for every cell with enough hits; forget hits too old to add to one of the next micro-step.
    The next hit would forget them too, but until then every displaced cell would move its hit time along, at one cache line each.
    """
    settle_in(tissue.window, p, next_minute - p.memory_min, tissue.hits, tissue.last_hit, tissue.hazard[Hazard.T_CELL])


def killing_inputs(tissue: Tissue, flags: np.ndarray, p: Parameters, systemic: Systemic) -> KillingInputs:
    """Return the killing inputs of a section for this step, with its site flags."""
    suppressors = Suppressors(1.0 - systemic.pd1_occupancy, systemic.vegf_silenced_limit, systemic.vegf_half)
    cells = TargetCells(flags, *(a.reshape(-1) for a in (tissue.pd_l1_share, tissue.hits, tissue.last_hit, tissue.vegf)))
    chances, lattice = chances_of(p, tissue.relative_weight), Lattice(tissue.state.shape, tissue.centre)
    return KillingInputs(p, chances, suppressors, lattice, cells, t_cell_columns(tissue.t_cells))


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Let the T cells of every lesion engage and hit for one micro-step; write the kills after the last micro-step of a step."""
    for tissue in state.active:
        t, ghost_contacts = tissue.t_cells, tissue.ghost_contacts
        if t.n == 0 and ghost_contacts.n == 0:
            continue
        stream, killing = state.stream(tissue, clock), killing_inputs(tissue, lay(tissue), p, state.systemic)
        now = (stream, clock.minute, clock.micro_step, killing)
        ghost_contacts.n = advance_ghost_contacts(*now, ghost_contacts.n, contact_columns(ghost_contacts))
        if tissue.is_under_weighted:
            ghost_contacts.reserve(ghost_contacts.n + 2 * t.n)
        ghost_contacts.n += decide(Span(0, t.n), *now, ghost_contacts.n, contact_columns(ghost_contacts))[1]
        strike(clock.minute, killing)
        if clock.micro_step == clock.n_micro_steps - 1:
            settle(tissue, p, clock.minute + MICRO_STEP_MIN)
