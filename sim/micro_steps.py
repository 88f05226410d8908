"""T cells in micro-steps: in each of a step's ten all move, then all hit; a section's whole step is one compiled call."""

from collections.abc import Mapping
from typing import Any

from sim.clock import MICRO_STEP_MIN, Clock
from sim.hits import settle
from sim.numerics.jit import kernel
from sim.processes import t_cell_killing, t_cell_motion
from sim.processes.t_cell_killing import hit, visit
from sim.processes.t_cell_motion import take_turn
from sim.state import State


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
        n = hit(luck, when, fight, (n, t_cell, probe, site, is_engaged))
    return end, n


def advance(state: State, parameters: Mapping[str, Any], clock: Clock) -> None:
    """Take all micro-steps of a step in every lesion, as `t_cell_motion` and `t_cell_killing` do by turns."""
    for tissue in state.active:
        t, visits = tissue.t_cells, tissue.visits
        if t.n == 0 and visits.n == 0:
            continue
        luck = state.luck(tissue, clock)
        walk = t_cell_motion.walk_of(tissue, parameters["t_cell_motion"])
        fight = t_cell_killing.fight_of(tissue, parameters["t_cell_killing"], state.systemic.pd1_occupancy)
        reached, is_begun = 0, False
        while reached < clock.n_micro_steps:
            span = (reached, clock.n_micro_steps, clock.minute)
            reached, visits.n = _take_turns(span, is_begun, luck, walk, fight, (visits.n, *visits.columns()))
            if reached < clock.n_micro_steps:
                visits.reserve(visits.n + 2 * t.n)
                is_begun = True
        settle(tissue, fight.p, clock.minute + clock.n_micro_steps * MICRO_STEP_MIN)
