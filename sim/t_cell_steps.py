"""T cells in micro-steps: in each of a step's ten, all T cells move, then all hit; a section's step is one compiled call."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import lattice_of, window_of
from lesionlab.sim.layouts.site_flags import FlagSources, lay, lay_at_once, take_counts, take_counts_at_once
from lesionlab.sim.layouts.t_cell_columns import contact_columns, first_rows
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.numerics.threads import in_pieces, is_shared
from lesionlab.sim.numerics.window import Span
from lesionlab.sim.processes import t_cell_killing, t_cell_motion
from lesionlab.sim.processes.t_cell_killing import (
    KillingInputs,
    Suppressors,
    TargetCells,
    advance_ghost_contacts,
    decide,
    settle,
    settle_in,
    strike,
)
from lesionlab.sim.processes.t_cell_motion import MotionInputs, commit, motion_at_once, move_ghost_contacts, propose, take_turn
from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock
from lesionlab.sim.state.codes import Hazard
from lesionlab.sim.state.state import State, Tissue, relative_weight_of
from lesionlab.sim.state.t_cells import GhostContacts, join

_T_CELL = int(Hazard.T_CELL)


class Met(NamedTuple):
    """What a T cell meets on a site beside its flags (nz, ny, nx)."""

    pd_l1_share: np.ndarray
    hits: np.ndarray
    last_hit: np.ndarray
    vegf: np.ndarray


@kernel
def _take_turns(span, is_begun, minute, stream, motion, killing, n, contacts):
    """Move and hit in a span of micro-steps of the step that begins at a minute; return (end, number of ghost contacts).

    If the table of ghost contacts has no room for two more per T cell, return early, between moving and hitting, with the current
    micro-step in place of `end`. Called again from there with is_begun, it continues.
    """
    n_t_cells = len(killing.t_cells.site)
    for m in range(span.first, span.end):
        now = minute + m * MICRO_STEP_MIN
        if not is_begun or m > span.first:
            take_turn(stream, m, motion, n, contacts)
            n = advance_ghost_contacts(stream, now, m, killing, n, contacts)
        # Ghost contacts begin only in an under-weighted section (w < W).
        if killing.chances.real < 1.0 and n + 2 * n_t_cells > len(contacts.t_cell):
            return m, n
        n += decide(Span(0, n_t_cells), stream, now, m, killing, n, contacts)[1]
        strike(now, killing)
    return span.end, n


@kernel
def act(t_cell_motion_p, t_cell_killing_p, now, numbers, stream, sources: FlagSources, met: Met, chemoattractant, hazard, t_cells,
        ghost_contacts):
    """Run all micro-steps of a step in one lesion, with room made by `reserve`."""
    if numbers.t_cells_n == 0 and numbers.ghost_contacts_n == 0:
        return
    p, flags, lattice = t_cell_killing_p, lay_at_once(sources), lattice_of(numbers, sources.state.shape)
    t = first_rows(t_cells, numbers.t_cells_n)
    motion = motion_at_once(t_cell_motion_p, numbers.scale, lattice, flags, chemoattractant.reshape(-1), t)
    chances = t_cell_killing.chances_of(p, relative_weight_of(numbers.weight, numbers.volume_weight))
    suppressors = Suppressors(1.0 - now.pd1_occupancy, now.vegf_silenced_limit, now.vegf_half)
    cells = TargetCells(flags, met.pd_l1_share.reshape(-1), met.hits.reshape(-1), met.last_hit.reshape(-1), met.vegf.reshape(-1))
    killing = KillingInputs(p, chances, suppressors, lattice, cells, t)
    span = Span(np.int64(0), np.int64(now.n_micro_steps))  # type: ignore[arg-type]
    numbers.ghost_contacts_n = _take_turns(
        span, False, now.minute, stream, motion, killing, numbers.ghost_contacts_n, ghost_contacts)[1]
    take_counts_at_once(flags, sources.t_count)
    oldest = now.minute + now.n_micro_steps * MICRO_STEP_MIN - p.memory_min
    settle_in(window_of(numbers), p, oldest, met.hits, met.last_hit, hazard[_T_CELL])


def reserve(tissue: Tissue, _: Any, clock: Clock) -> None:
    """Make room for the ghost contacts that may begin in a step: two a T cell and micro-step, in an under-weighted section."""
    if tissue.is_under_weighted:
        tissue.ghost_contacts.reserve(tissue.ghost_contacts.n + 2 * tissue.t_cells.n * clock.n_micro_steps)


def _share_turns(span: Span, minute: int, stream: RandomStream, motion: MotionInputs, killing: KillingInputs,
                 ghost_contacts: GhostContacts) -> None:
    """Do the same as `_take_turns`, with the rows of T cells divided among the free threads."""
    n = len(killing.t_cells.site)
    for m in range(span.first, span.end):
        now = minute + m * MICRO_STEP_MIN
        commit(np.array(in_pieces(n, partial(propose, stream=stream, micro_step=m, motion=motion))), motion)
        contacts = contact_columns(ghost_contacts)
        move_ghost_contacts(stream, m, motion, ghost_contacts.n, contacts)
        ghost_contacts.n = advance_ghost_contacts(stream, now, m, killing, ghost_contacts.n, contacts)
        if killing.chances.real < 1.0:
            ghost_contacts.reserve(ghost_contacts.n + 2 * n)
        contacts = contact_columns(ghost_contacts)
        found = in_pieces(n, partial(decide, stream=stream, minute=now, micro_step=m, killing=killing, n=ghost_contacts.n,
                                     contacts=contacts))
        ghost_contacts.n = join(np.array(found), (ghost_contacts.n, *contacts))
        strike(now, killing)


def advance(state: State, parameters: Mapping[str, Any], clock: Clock) -> None:
    """Run all micro-steps of a step in every lesion: `t_cell_motion` and `t_cell_killing` in alternation."""
    for tissue in state.active:
        t, ghost_contacts = tissue.t_cells, tissue.ghost_contacts
        if t.n == 0 and ghost_contacts.n == 0:
            continue
        stream = state.stream(tissue, clock)
        flags = lay(tissue)
        motion = t_cell_motion.motion_inputs(tissue, flags, parameters["t_cell_motion"])
        killing = t_cell_killing.killing_inputs(tissue, flags, parameters["t_cell_killing"], state.systemic)
        reached, is_begun = 0, False
        if is_shared(t.n):
            _share_turns(Span(0, clock.n_micro_steps), clock.minute, stream, motion, killing, ghost_contacts)
            reached = clock.n_micro_steps
        while reached < clock.n_micro_steps:
            reached, ghost_contacts.n = _take_turns(Span(reached, clock.n_micro_steps), is_begun, clock.minute, stream, motion, killing,
                                                    ghost_contacts.n, contact_columns(ghost_contacts))
            if reached < clock.n_micro_steps:
                ghost_contacts.reserve(ghost_contacts.n + 2 * t.n)
                is_begun = True
        take_counts(flags, tissue)
        settle(tissue, killing.p, clock.minute + clock.n_micro_steps * MICRO_STEP_MIN)
