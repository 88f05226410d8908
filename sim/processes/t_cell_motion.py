"""T-cell motion: a random walk on the lattice with a small bias up the chemoattractant, in micro-steps of 6 minutes.

A free T cell hops with probability p to a neighbour drawn uniformly from the Moore neighbourhood, p chosen so that
the mean squared displacement is 4 M t in two dimensions and 6 M t in three. With probability `bias` it draws a second
neighbour and takes the one with more chemoattractant, which leaves M as it is. An engaged T cell stays.

A section of scale L has L times more edge for its area than its lesion: a hop out of the mass and the two sites around it
succeeds with probability 1 / L, so that T cells leave a section as rarely as its lesion.

A site takes at most 8 T cells, 1 where a tumour cell lives. Moves are proposed, resolved (one newcomer a site and
micro-step, the highest draw wins) and committed, so no row has an advantage.

Sources: motility coefficient 17 um2/min (v^2 P / 3 at 5 um/min and 2 min; Torres 2023, eLife 84916, for speeds);
caps as in SPQSP_IO; a bias below 3 % of the speed already matters (Textor 2011, pnas.1102288108).
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.site_flags import CLAIMED, CONTESTED, COUNT, LIVING, NEAR_MASS, lay, take_counts
from lesionlab.sim.layouts.t_cell_columns import TCellColumns, contact_columns, t_cell_columns
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import Lattice, entity_of, neighbour
from lesionlab.sim.numerics.random import AT_ONCE, draw_many, draw_pair, uniform
from lesionlab.sim.numerics.window import Span
from lesionlab.sim.numerics.workspace import scratch
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock
from lesionlab.sim.state.codes import Purpose
from lesionlab.sim.state.state import SITE_UM, State, Tissue

_MOTION, _GHOST_CONTACT = int(Purpose.T_CELL_MOTION), int(Purpose.GHOST_CONTACT_MOTION)
_ONE, _CLAIMED_BY_NOBODY = np.uint16(1), ~(CLAIMED | CONTESTED)
_CAP_FREE, _CAP_TUMOUR = 8, 1
_SPREAD = np.uint32(2654435769)
"""A multiplier that spreads neighbouring sites over a table (Knuth's)."""
# Mean squared length of a Moore hop in sites: (4 x 1 + 4 x 2) / 8 in 2-D, (6 x 1 + 12 x 2 + 8 x 3) / 26 in 3-D.
_HOP_2D, _HOP_3D = 1.5, 54.0 / 26.0


class Parameters(NamedTuple):
    """Motility of T cells."""

    motility_um2_per_min: Annotated[float, quantity("um2/min", "motility coefficient", 0.01, 23.0, "assumed",
        "v^2 P / d from measured speeds and an assumed persistence of 2 min: 5-70; the lattice and micro-step carry up to 23",
        prior=(1.0, 23.0))] = 17.0
    bias: Annotated[float, quantity("1", "share of hops that choose the better of two neighbours", 0.0, 1.0, "assumed",
        "0.1-0.5 in PhysiCell and Kather 2017; kept small", prior=(0.0, 0.5))] = 0.1


@kernel
def hop_probability(p, n_dimensions):
    """Return the probability of a hop in a micro-step dt in d = 2 or 3 dimensions: p <hop^2> = 2 d M dt, so that <r^2> = 2 d M t."""
    hop = _HOP_2D if n_dimensions == 2 else _HOP_3D
    return min(2.0 * n_dimensions * p.motility_um2_per_min * MICRO_STEP_MIN / (hop * SITE_UM**2), 1.0)


class Chances(NamedTuple):
    """Probabilities in a micro-step: that a free T cell hops; that it takes the better of two neighbours; that it hops out of the mass."""

    hop: float
    bias: float
    hop_out: float


@kernel
def chances_of(p, n_layers, scale):
    """Return the probabilities in a section of so many layers and of scale L."""
    hop = hop_probability(p, 3 if n_layers > 1 else 2)
    return Chances(hop, p.bias, hop / scale)


class Hops(NamedTuple):
    """Proposed hops: the row of the T cell, the site it goes to, and its bid for that site."""

    hopper: np.ndarray
    goal: np.ndarray
    bid: np.ndarray


class MotionInputs(NamedTuple):
    """Inputs of T-cell motion in one section: flags (`lesionlab.sim.layouts.site_flags`) and chemoattractant flat; hops has room."""

    chances: Chances
    lattice: Lattice
    flags: np.ndarray
    chemoattractant: np.ndarray
    t_cells: TCellColumns
    hops: Hops


@kernel
def capacity_of(flag):
    """Return how many T cells a site takes: 1 where a tumour cell lives, elsewhere 8."""
    return _CAP_TUMOUR if flag & LIVING else _CAP_FREE


@kernel
def goal_of(shape, chemoattractant, own, first_word, second_word, is_biased):
    """Return the neighbour that a T cell on site `own` draws; if biased, the one of two draws with more chemoattractant."""
    goal = neighbour(own, shape, first_word)
    if is_biased:
        other = neighbour(own, shape, second_word)
        if chemoattractant[other] > chemoattractant[goal]:
            return other
    return goal


@kernel
def propose(span, stream, micro_step, motion):
    """Propose hops for the free T cells of a span of rows in one micro-step; return (first row, number of hops).

    Writes motion.hops from that row on and nothing else, so that rows may be divided among threads. One draw per T cell.
    """
    chances, flags, t, hops = motion.chances, motion.flags, motion.t_cells, motion.hops
    mover, words, n = np.empty(AT_ONCE, np.int32), np.empty((4, AT_ONCE), np.uint32), span.first
    for start in range(span.first, span.end, AT_ONCE):
        here, n_movers = min(AT_ONCE, span.end - start), 0
        draw_many(stream, _MOTION + 256 * (micro_step + 1), t.id[start : start + here], words)
        for i in range(here):
            # Always written, counted only if the condition holds: no branch to mispredict.
            mover[n_movers] = i
            n_movers += (t.target[start + i] < 0) & (uniform(words[0, i]) < chances.hop)
        for i in mover[:n_movers]:
            own, row = t.site[start + i], start + i
            is_biased = (words[3, i] & np.uint32(0xFFFF)) < np.uint32(chances.bias * 65536.0)
            to = goal_of(motion.lattice.shape, motion.chemoattractant, own, words[1, i], words[2, i], is_biased)
            is_leaving = flags[own] & NEAR_MASS and not flags[to] & NEAR_MASS
            is_full = flags[to] & COUNT >= capacity_of(flags[to])
            if to == own or is_full or (is_leaving and uniform(words[0, i]) >= chances.hop_out):
                continue
            # The upper half of the word is the rank; the id below it decides between equal ranks.
            rank = np.uint64(words[3, i] >> np.uint32(16)) << np.uint64(32)
            hops.hopper[n], hops.goal[n], hops.bid[n] = row, to, rank | np.uint64(t.id[row])
            n += 1
    return span.first, n - span.first


@kernel
def _slot(goal, sites):
    """Return the slot of a site, or its free slot, in a hash table: `sites`, its length a power of two, -1 where free, never full."""
    # The upper bits of the product: its lower bits depend on the lower bits of the site only.
    at = np.uint32((np.uint64(np.uint32(np.uint32(goal) * _SPREAD)) * np.uint64(len(sites))) >> np.uint64(32))
    while sites[at] >= 0 and sites[at] != goal:
        at = (at + np.uint32(1)) & np.uint32(len(sites) - 1)
    return at


@kernel
def _claim(goals, flags):
    """Mark each goal as claimed, or as contested where several claim it; return the number of claims after the first on each site."""
    n = 0
    for to in goals:
        is_contested = flags[to] & CLAIMED != 0
        flags[to] |= CONTESTED if is_contested else CLAIMED
        n += is_contested
    return n


@kernel
def _bid(goals, bids, flags, sites, highest):
    """Record the highest bid for each contested site in a hash table of sites and bids."""
    for k in range(len(goals)):
        if flags[goals[k]] & CONTESTED:
            at = _slot(goals[k], sites)
            sites[at], highest[at] = goals[k], max(highest[at], bids[k])


@kernel
def _hop(hoppers, goals, bids, site, flags, sites, highest):
    """Move each T cell whose goal is uncontested, or whose bid is the highest. Writes site and the counts in the flags."""
    for k in range(len(goals)):
        to = goals[k]
        if not flags[to] & CONTESTED or highest[_slot(to, sites)] == bids[k]:
            flags[site[hoppers[k]]] -= _ONE
            flags[to] += _ONE
            site[hoppers[k]] = to


@kernel
def commit(pieces, motion):
    """Resolve proposed hops and let the winners hop. pieces int64 (pieces, 2): where the hops of each begin, and their number."""
    hops, flags = motion.hops, motion.flags
    n, size = 0, 2
    for first, number in pieces:
        n += _claim(hops.goal[first : first + number], flags)
    while size < 4 * n:
        size *= 2
    sites, highest = np.full(size, -1, np.int32), np.zeros(size, np.uint64)
    if n:
        for first, number in pieces:
            _bid(hops.goal[first : first + number], hops.bid[first : first + number], flags, sites, highest)
    for first, number in pieces:
        end = first + number
        _hop(hops.hopper[first:end], hops.goal[first:end], hops.bid[first:end], motion.t_cells.site, flags, sites, highest)
    for first, number in pieces:
        for to in hops.goal[first : first + number]:
            flags[to] &= _CLAIMED_BY_NOBODY


@kernel
def move_ghost_contacts(stream, micro_step, motion, n, contacts):
    """Move those of the first n ghost contacts that are not engaged for one micro-step; they occupy no site. Writes site.

    One draw per ghost contact, keyed by its T cell and its clonogen's site.
    """
    for i in range(n):
        if not contacts.is_engaged[i]:
            pair = entity_of(contacts.clonogen[i], motion.lattice)
            words = draw_pair(stream, _GHOST_CONTACT + 256 * (micro_step + 1), contacts.t_cell[i], pair)
            if uniform(words[0]) < motion.chances.hop:
                contacts.site[i] = neighbour(contacts.site[i], motion.lattice.shape, words[1])


@kernel
def take_turn(stream, micro_step, motion, n, contacts):
    """Move the T cells of one section, and its n ghost contacts, for one micro-step."""
    first, number = propose(Span(0, len(motion.t_cells.site)), stream, micro_step, motion)
    commit(np.array([[first, number]]), motion)
    move_ghost_contacts(stream, micro_step, motion, n, contacts)


@kernel
def motion_at_once(p, scale, lattice, flags, chemoattractant, t):
    """Return the inputs of T-cell motion as `motion_inputs` does, in fresh memory. Arrays flat; t: columns of the T cells."""
    n = len(t.site)
    hops = Hops(np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.uint64))
    return MotionInputs(chances_of(p, lattice.shape[0], scale), lattice, flags, chemoattractant, t, hops)


def motion_inputs(tissue: Tissue, flags: np.ndarray, p: Parameters) -> MotionInputs:
    """Return the inputs of T-cell motion in a section for this step."""
    n = tissue.t_cells.n
    hops = Hops(*(scratch(f"t_cell_motion.{name}", tissue.t_cells.site.shape, dtype)[:n]
                  for name, dtype in (("row", np.int32), ("goal", np.int32), ("bid", np.uint64))))
    return MotionInputs(chances_of(p, len(tissue.state), tissue.scale), Lattice(tissue.state.shape, tissue.centre), flags,
                        tissue.chemoattractant.reshape(-1), t_cell_columns(tissue.t_cells), hops)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Move the T cells of every lesion for one micro-step."""
    for tissue in state.active:
        flags, ghost_contacts = lay(tissue), tissue.ghost_contacts
        motion = motion_inputs(tissue, flags, p)
        take_turn(state.stream(tissue, clock), clock.micro_step, motion, ghost_contacts.n, contact_columns(ghost_contacts))
        take_counts(flags, tissue)
