"""T-cell motion: a random walk on the lattice with a small bias up the chemoattractant, in micro-steps of 6 minutes.

A free T cell hops with probability p to a neighbour drawn uniformly from the Moore neighbourhood, p chosen so that
the mean squared displacement is 4 M t in two dimensions and 6 M t in three. With probability `bias` it draws a second
neighbour and takes the one with more chemoattractant, which leaves M as it is. An engaged T cell stays.

A section of scale L has L times more edge for its area than its lesion: a hop out of the mass and the two sites around it
is taken in one case of L, so that a T cell is lost to the host as rarely as there.

A site takes at most 8 T cells, 1 where a tumour cell lives. Moves are proposed, resolved (one newcomer a site and
micro-step, the highest draw wins) and committed, so no row comes first.

Sources: motility coefficient 17 um2/min (v^2 P / 3 at 5 um/min and 2 min; Torres 2023, eLife 84916, for speeds);
caps as in SPQSP_IO; a bias below 3 % of the speed already matters (Textor 2011, pnas.1102288108).
"""

from typing import Annotated, NamedTuple

import numpy as np

from sim.clock import MICRO_STEP_MIN, Clock
from sim.codes import CellState, Purpose
from sim.numerics.jit import kernel
from sim.numerics.lattice import entity_of, neighbour
from sim.numerics.random import draw_many, draw_pair, uniform
from sim.parameters import quantity
from sim.state import SITE_UM, State, Tissue

_MOTION, _VISIT = int(Purpose.T_CELL_MOTION), int(Purpose.T_CELL_VISIT_MOTION)
_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)
_CAP_FREE, _CAP_TUMOUR = 8, 1
# Mean squared length of a Moore hop in sites: (4 x 1 + 4 x 2) / 8 in 2-D, (6 x 1 + 12 x 2 + 8 x 3) / 26 in 3-D.
_HOP_2D, _HOP_3D = 1.5, 54.0 / 26.0


class Parameters(NamedTuple):
    """Motility of T cells."""

    motility_um2_per_min: Annotated[float, quantity("um2/min", "motility coefficient", 1.0, 23.0, "assumed",
        "v^2 P / d from measured speeds and an assumed persistence of 2 min: 5-70; the lattice and micro-step carry up to 23")] = 17.0
    bias: Annotated[float, quantity("1", "share of hops that choose the better of two neighbours", 0.0, 0.5, "assumed",
        "0.1-0.5 in PhysiCell and Kather 2017; kept small")] = 0.1


def hop_probability(p: Parameters, n_dimensions: int) -> float:
    """Return the probability of a hop in a micro-step that gives the motility coefficient in 2 or 3 dimensions."""
    hop = _HOP_2D if n_dimensions == 2 else _HOP_3D
    return min(2.0 * n_dimensions * p.motility_um2_per_min * MICRO_STEP_MIN / (hop * SITE_UM**2), 1.0)


@kernel
def _move(chances, luck, micro_step, shape, fields, rows, claim):
    """Move the free T cells of one micro-step.

    Reads fields = (state, chemoattractant, near_mass) flat, rows (ids, target); writes rows (site), fields (t_count) and
    scratch claim uint64 flat (zero before and after). chances = (hop probability, bias, hop probability out of the mass).
    One draw a T cell.
    """
    p_hop, bias, p_out = chances
    state, chemoattractant, near_mass, t_count = fields
    site, ids, target = rows
    n, n_movers = len(site), 0
    mover, goal, bid, words = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.uint64), np.empty((4, n), np.uint32)
    draw_many(luck, _MOTION + 256 * (micro_step + 1), ids, words)
    for i in range(n):
        mover[n_movers] = i
        n_movers += (target[i] < 0) & (uniform(words[0, i]) < p_hop)
    for k in range(n_movers):
        i = mover[k]
        goal[k] = -1
        to = neighbour(site[i], shape, words[1, i])
        if (words[3, i] & np.uint32(0xFFFF)) < np.uint32(bias * 65536.0):
            other = neighbour(site[i], shape, words[2, i])
            if chemoattractant[other] > chemoattractant[to]:
                to = other
        cap = _CAP_TUMOUR if (state[to] >= _FIRST) & (state[to] <= _LAST) else _CAP_FREE
        is_leaving = near_mass[site[i]] and not near_mass[to]
        if to == site[i] or t_count[to] >= cap or (is_leaving and uniform(words[0, i]) >= p_out):
            continue
        # The upper half of the word ranks; the id below it parts equal ranks.
        bid[k] = (np.uint64(words[3, i] >> np.uint32(16)) << np.uint64(32)) | np.uint64(ids[i]) | (np.uint64(1) << np.uint64(63))
        goal[k] = to
        claim[to] = max(claim[to], bid[k])
    for k in range(n_movers):
        if goal[k] >= 0 and claim[goal[k]] == bid[k]:
            i = mover[k]
            t_count[site[i]] -= 1
            t_count[goal[k]] += 1
            site[i] = goal[k]
    for k in range(n_movers):
        if goal[k] >= 0:
            claim[goal[k]] = 0


@kernel
def _move_visitors(p_hop, luck, micro_step, geometry, rows):
    """Let the doubles of visitors that are not engaged hop for one micro-step; they take no room.

    Reads geometry (shape, centre), rows (t_cell, probe, is_engaged); writes site. One draw a double, by its T cell and its clonogen's site.
    """
    (shape, centre), (t_cell, probe, site, is_engaged) = geometry, rows
    for i in range(len(site)):
        if not is_engaged[i]:
            words = draw_pair(luck, _VISIT + 256 * (micro_step + 1), t_cell[i], entity_of(probe[i], shape, centre))
            if uniform(words[0]) < p_hop:
                site[i] = neighbour(site[i], shape, words[1])


class Walk(NamedTuple):
    """What the T cells of one section walk by; see `_move`."""

    chances: tuple[float, float, float]
    geometry: tuple[tuple[int, int, int], tuple[int, int, int]]
    fields: tuple[np.ndarray, ...]
    rows: tuple[np.ndarray, ...]
    claim: np.ndarray


def walk_of(tissue: Tissue, p: Parameters) -> Walk:
    """Return what the T cells of a section walk by in this step."""
    t = tissue.t_cells
    p_hop = hop_probability(p, 3 if tissue.state.shape[0] > 1 else 2)
    chances = (p_hop, p.bias, p_hop / tissue.scale)
    fields = tuple(a.reshape(-1) for a in (tissue.state, tissue.chemoattractant, tissue.near_mass, tissue.t_count))
    return Walk(chances, (tissue.state.shape, tissue.centre), fields, (t.site[: t.n], t.id[: t.n], t.target[: t.n]), tissue.claim.reshape(-1))


@kernel
def take_turn(luck, micro_step, walk, visits):
    """Move the T cells of one section, and the doubles of visitors, for one micro-step. visits = (number, t_cell, probe, site, is_engaged)."""
    if len(walk.rows[0]):
        _move(walk.chances, luck, micro_step, walk.geometry[0], walk.fields, walk.rows, walk.claim)
    n, t_cell, probe, site, is_engaged = visits
    if n:
        _move_visitors(walk.chances[0], luck, micro_step, walk.geometry, (t_cell[:n], probe[:n], site[:n], is_engaged[:n]))


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Move the T cells of every lesion for one micro-step."""
    for tissue in state.active:
        visits = (tissue.visits.n, *tissue.visits.columns())
        take_turn(state.luck(tissue, clock), clock.micro_step, walk_of(tissue, p), visits)
