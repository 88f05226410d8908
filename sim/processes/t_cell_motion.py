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
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import entity_of, neighbour
from lesionlab.sim.numerics.random import AT_ONCE, draw_many, draw_pair, uniform
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


def hop_probability(p: Parameters, n_dimensions: int) -> float:
    """Return the probability of a hop in a micro-step that gives the motility coefficient in 2 or 3 dimensions."""
    hop = _HOP_2D if n_dimensions == 2 else _HOP_3D
    return min(2.0 * n_dimensions * p.motility_um2_per_min * MICRO_STEP_MIN / (hop * SITE_UM**2), 1.0)


class MotionInputs(NamedTuple):
    """Inputs of T-cell motion in one section: chances (hop probability, bias, hop probability out of the mass), geometry (shape, centre),
    flags (`lesionlab.sim.layouts.site_flags`) and chemoattractant, flat, rows (site, ids, target) and room for hops (row, goal, bid)."""

    chances: tuple[float, float, float]
    geometry: tuple[tuple[int, int, int], tuple[int, int, int]]
    flags: np.ndarray
    chemoattractant: np.ndarray
    rows: tuple[np.ndarray, ...]
    hops: tuple[np.ndarray, ...]


@kernel
def propose(span, stream, micro_step, motion):
    """Propose hops for the free T cells of rows span = [first, end) in one micro-step; return (first, number of hops).

    Writes motion.hops from `first` on and nothing else, so that rows may be divided among threads. One draw per T cell.
    """
    (p_hop, bias, p_out), shape, flags, chemoattractant = motion.chances, motion.geometry[0], motion.flags, motion.chemoattractant
    (site, ids, target), (hopper, goal, bid) = motion.rows, motion.hops
    mover, words, n = np.empty(AT_ONCE, np.int32), np.empty((4, AT_ONCE), np.uint32), span[0]
    for start in range(span[0], span[1], AT_ONCE):
        here, n_movers = min(AT_ONCE, span[1] - start), 0
        draw_many(stream, _MOTION + 256 * (micro_step + 1), ids[start : start + here], words)
        for i in range(here):
            # Always written, counted only if the condition holds: no branch to mispredict.
            mover[n_movers] = i
            n_movers += (target[start + i] < 0) & (uniform(words[0, i]) < p_hop)
        for i in mover[:n_movers]:
            own = site[start + i]
            to = neighbour(own, shape, words[1, i])
            if (words[3, i] & np.uint32(0xFFFF)) < np.uint32(bias * 65536.0):
                other = neighbour(own, shape, words[2, i])
                if chemoattractant[other] > chemoattractant[to]:
                    to = other
            there = flags[to]
            cap = _CAP_TUMOUR if there & LIVING else _CAP_FREE
            is_leaving = flags[own] & NEAR_MASS and not there & NEAR_MASS
            if to == own or there & COUNT >= cap or (is_leaving and uniform(words[0, i]) >= p_out):
                continue
            # The upper half of the word is the rank; the id below it decides between equal ranks.
            rank = np.uint64(words[3, i] >> np.uint32(16)) << np.uint64(32)
            hopper[n], goal[n], bid[n] = start + i, to, rank | np.uint64(ids[start + i])
            n += 1
    return span[0], n - span[0]


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
def _bid(goals, bids, flags, best):
    """Record the highest bid for each contested site in a hash table best = (sites, bids)."""
    for k in range(len(goals)):
        if flags[goals[k]] & CONTESTED:
            at = _slot(goals[k], best[0])
            best[0][at], best[1][at] = goals[k], max(best[1][at], bids[k])


@kernel
def _hop(hoppers, goals, bids, site, flags, best):
    """Move each T cell whose goal is uncontested, or whose bid is the highest. Writes site and the counts in the flags."""
    for k in range(len(goals)):
        to = goals[k]
        if not flags[to] & CONTESTED or best[1][_slot(to, best[0])] == bids[k]:
            flags[site[hoppers[k]]] -= _ONE
            flags[to] += _ONE
            site[hoppers[k]] = to


@kernel
def commit(pieces, motion):
    """Resolve proposed hops and let the winners hop. pieces int64 (pieces, 2): where the hops of each begin, and their number."""
    (hopper, goal, bid), flags = motion.hops, motion.flags
    n, size = 0, 2
    for first, number in pieces:
        n += _claim(goal[first : first + number], flags)
    while size < 4 * n:
        size *= 2
    best = (np.full(size, -1, np.int32), np.zeros(size, np.uint64))
    if n:
        for first, number in pieces:
            _bid(goal[first : first + number], bid[first : first + number], flags, best)
    for first, number in pieces:
        _hop(hopper[first : first + number], goal[first : first + number], bid[first : first + number], motion.rows[0], flags, best)
    for first, number in pieces:
        for to in goal[first : first + number]:
            flags[to] &= _CLAIMED_BY_NOBODY


@kernel
def _move_ghost_contacts(p_hop, stream, micro_step, geometry, rows):
    """Move the ghost contacts that are not engaged for one micro-step; they occupy no site.

    Reads geometry (shape, centre), rows (t_cell, clonogen, site, is_engaged); writes site. One draw per ghost contact, keyed by its T cell
    and its clonogen's site.
    """
    (shape, centre), (t_cell, clonogen, site, is_engaged) = geometry, rows
    for i in range(len(site)):
        if not is_engaged[i]:
            words = draw_pair(stream, _GHOST_CONTACT + 256 * (micro_step + 1), t_cell[i], entity_of(clonogen[i], shape, centre))
            if uniform(words[0]) < p_hop:
                site[i] = neighbour(site[i], shape, words[1])


def motion_inputs(tissue: Tissue, flags: np.ndarray, p: Parameters) -> MotionInputs:
    """Return the inputs of T-cell motion in a section for this step."""
    t = tissue.t_cells
    p_hop = hop_probability(p, 3 if tissue.state.shape[0] > 1 else 2)
    chances = (p_hop, p.bias, p_hop / tissue.scale)
    rows = (t.site[: t.n], t.id[: t.n], t.target[: t.n])
    hops = tuple(scratch(f"t_cell_motion.{name}", t.site.shape, dtype)[: t.n]
                 for name, dtype in (("row", np.int32), ("goal", np.int32), ("bid", np.uint64)))
    return MotionInputs(chances, (tissue.state.shape, tissue.centre), flags, tissue.chemoattractant.reshape(-1), rows, hops)


@kernel
def move_ghost_contacts(stream, micro_step, motion, ghost_contacts):
    """Move the ghost contacts for one micro-step. ghost_contacts = (number, t_cell, clonogen, site, is_engaged)."""
    n, t_cell, clonogen, site, is_engaged = ghost_contacts
    if n:
        _move_ghost_contacts(motion.chances[0], stream, micro_step, motion.geometry, (t_cell[:n], clonogen[:n], site[:n], is_engaged[:n]))


@kernel
def take_turn(stream, micro_step, motion, ghost_contacts):
    """Move the T cells of one section, and its ghost contacts, for one micro-step."""
    n_rows = len(motion.rows[0])
    first, number = propose((0, n_rows), stream, micro_step, motion)
    commit(np.array([[first, number]]), motion)
    move_ghost_contacts(stream, micro_step, motion, ghost_contacts)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Move the T cells of every lesion for one micro-step."""
    for tissue in state.active:
        ghost_contacts, flags = (tissue.ghost_contacts.n, *tissue.ghost_contacts.columns()), lay(tissue)
        take_turn(state.stream(tissue, clock), clock.micro_step, motion_inputs(tissue, flags, p), ghost_contacts)
        take_counts(flags, tissue)
