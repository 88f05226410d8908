"""T cells in micro-steps: in each of a step's ten all move, then all hit; a section's whole step is one compiled call."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from lesionlab.sim.layouts.site_flags import lay, take_counts
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import Luck
from lesionlab.sim.numerics.threads import in_pieces, is_shared
from lesionlab.sim.processes import t_cell_killing, t_cell_motion
from lesionlab.sim.processes.t_cell_killing import Fight, decide, settle, strike, visit
from lesionlab.sim.processes.t_cell_motion import Walk, commit, move_visitors, propose, take_turn
from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock
from lesionlab.sim.state.state import State
from lesionlab.sim.state.t_cells import Visits, join


@kernel
def _take_turns(span, is_begun, luck, walk, fight, visits):
    """Take turns for the micro-steps span = (first, end, minute at the step's start); return (end, number of visits).

    Where the visits have no room for two more a T cell it returns early, between move and hit, with the micro-step it is
    in; called again with is_begun it goes on from there.
    """
    first, end, minute = span
    n, t_cell, probe, site, is_engaged = visits
    n_t_cells = len(fight.rows[0])
    for m in range(first, end):
        when = (minute + m * MICRO_STEP_MIN, m)
        if not is_begun or m > first:
            take_turn(luck, m, walk, (n, t_cell, probe, site, is_engaged))
            n = visit(luck, when, fight, (n, t_cell, probe, site, is_engaged))
        # Only a light section, where w < W, begins visits.
        if fight.chances[3] < 1.0 and n + 2 * n_t_cells > len(t_cell):
            return m, n
        n += decide((0, n_t_cells), luck, when, fight, (n, t_cell, probe, site, is_engaged))[1]
        strike(when[0], fight)
    return end, n


def _share_turns(span: tuple[int, int, int], luck: Luck, walk: Walk, fight: Fight, visits: Visits) -> None:
    """Do as `_take_turns` does, the rows of T cells shared out among the free threads."""
    n = len(fight.rows[0])
    for m in range(span[0], span[1]):
        when = (span[2] + m * MICRO_STEP_MIN, m)
        commit(np.array(in_pieces(n, partial(propose, luck=luck, micro_step=m, walk=walk))), walk)
        move_visitors(luck, m, walk, (visits.n, *visits.columns()))
        visits.n = visit(luck, when, fight, (visits.n, *visits.columns()))
        if fight.chances[3] < 1.0:
            visits.reserve(visits.n + 2 * n)
        told = (visits.n, *visits.columns())
        visits.n = join(np.array(in_pieces(n, partial(decide, luck=luck, when=when, fight=fight, visits=told))), told)
        strike(when[0], fight)


def advance(state: State, parameters: Mapping[str, Any], clock: Clock) -> None:
    """Take all micro-steps of a step in every lesion, as `t_cell_motion` and `t_cell_killing` do by turns."""
    for tissue in state.active:
        t, visits = tissue.t_cells, tissue.visits
        if t.n == 0 and visits.n == 0:
            continue
        luck = state.luck(tissue, clock)
        ground = lay(tissue)
        walk = t_cell_motion.walk_of(tissue, ground, parameters["t_cell_motion"])
        fight = t_cell_killing.fight_of(tissue, ground, parameters["t_cell_killing"], state.systemic.pd1_occupancy)
        reached, is_begun = 0, False
        if is_shared(t.n):
            _share_turns((0, clock.n_micro_steps, clock.minute), luck, walk, fight, visits)
            reached = clock.n_micro_steps
        while reached < clock.n_micro_steps:
            span = (reached, clock.n_micro_steps, clock.minute)
            reached, visits.n = _take_turns(span, is_begun, luck, walk, fight, (visits.n, *visits.columns()))
            if reached < clock.n_micro_steps:
                visits.reserve(visits.n + 2 * t.n)
                is_begun = True
        take_counts(ground, tissue)
        settle(tissue, fight.p.n_hits, fight.p.memory_min, clock.minute + clock.n_micro_steps * MICRO_STEP_MIN)
