"""The model's table of contents: every process in the order in which it acts, and why it stands there."""

from collections.abc import Mapping
from functools import cache, partial
from itertools import groupby
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim import hour, initial_state, t_cell_steps
from lesionlab.sim.layouts.section import now_of
from lesionlab.sim.measures import lesion_size
from lesionlab.sim.numerics.threads import side_by_side
from lesionlab.sim.processes import (
    antigen_loss,
    apoptosis,
    cell_cycle,
    cell_death,
    cell_fate,
    chemoattractant,
    clearance,
    displacement,
    hypoxia,
    ifn_gamma,
    oxygen,
    pd_l1,
    pharmacokinetics,
    population_control,
    radiobiology,
    t_cell_entry,
    t_cell_exhaustion,
    t_cell_killing,
    t_cell_motion,
    t_cell_priming,
    vegf,
    vegf_suppression,
    vessels,
)
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import State, Tissue
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES


class Process(NamedTuple):
    """One row of the schedule: a rule, how often a step calls it, and the reason for its place."""

    name: str
    module: ModuleType
    every: str
    why: str


def checked(*rows: Process) -> tuple[Process, ...]:
    """Return the rows as a schedule; raise ValueError where a row says another interval than its rule obeys."""
    for row in rows:
        interval_h = getattr(row.module, "EVERY_H", None)
        if (row.every not in ("step", "micro-step")) if interval_h is None else row.every != f"{interval_h:g} h":
            raise ValueError(f"schedule: {row.name} says every {row.every}, its rule "
                             + ("has no EVERY_H" if interval_h is None else f"acts every {interval_h:g} h"))
    return rows


SCHEDULE = checked(
    Process("radiobiology", radiobiology, "step", "a fraction meets the tissue as it stands, with oxygen at most 4 h old"),
    Process("pharmacokinetics", pharmacokinetics, "step", "today's doses set today's levels"),
    *(Process(row.process, row.effect, "step", row.why) for row in DRUG_CLASSES),
    Process("vessels", vessels, "24 h", "vessels first, fields after: fields rest on them"),
    Process("oxygen", oxygen, "4 h", "supply is known, cells have not moved yet"),
    Process("vegf", vegf, "24 h", "secretion follows the new oxygen"),
    Process("ifn_gamma", ifn_gamma, "12 h", "from the engagements of the last step"),
    Process("chemoattractant", chemoattractant, "12 h", "secretion follows interferon"),
    Process("vegf_suppression", vegf_suppression, "step", "VEGF and inhibition are known before T cells are primed, enter and hit"),
    Process("t_cell_priming", t_cell_priming, "step", "deaths of the last step become antigen, the pools are filled"),
    Process("t_cell_entry", t_cell_entry, "step", "the filled pools meet today's vessels"),
    Process("t_cell_motion", t_cell_motion, "micro-step", "newcomers move with the others"),
    Process("t_cell_killing", t_cell_killing, "micro-step", "contacts exist only after the move"),
    Process("t_cell_exhaustion", t_cell_exhaustion, "step", "kills and engagements of this step exhaust"),
    Process("pd_l1", pd_l1, "6 h", "answers the interferon that T cells met"),
    Process("cell_cycle", cell_cycle, "step", "hazards: division and mitotic death"),
    Process("hypoxia", hypoxia, "step", "hazards: necrosis; quiescence"),
    Process("apoptosis", apoptosis, "step", "hazards: basal death"),
    Process("antigen_loss", antigen_loss, "step", "follows the hazard of division, before daughters inherit"),
    Process("cell_fate", cell_fate, "step", "all hazards are in: one draw a cell"),
    Process("population_control", population_control, "step", "resolves fates and weights before they are committed"),
    Process("cell_death", cell_death, "step", "commits deaths; the ledger by cause"),
    Process("clearance", clearance, "6 h", "the dead leave"),
    Process("displacement", displacement, "step", "births push, gaps close; last, because it moves what others point to"),
)

SYSTEMIC = frozenset(
    ("radiobiology", "pharmacokinetics", *(row.process for row in DRUG_CLASSES), "vegf_suppression", "t_cell_priming", "t_cell_entry"))
"""Processes that write systemic state; the others write one lesion at a time, so lesions may be processed in parallel."""

PARAMETERS: dict[str, type] = {
    **{row.name: row.module.Parameters for row in SCHEDULE if hasattr(row.module, "Parameters")},
    "tissue": initial_state.Parameters,
    "clinic": lesion_size.Parameters,
}
"""Every section of parameters of a scenario, by name."""


def advance(state: State, parameters: Mapping[str, Any], clock: Clock) -> Clock:
    """Take one step of the whole schedule and return the clock of the next; `parameters` by process name."""
    for is_systemic, rows in _stages_of(SCHEDULE):
        if is_systemic:
            for row in rows:
                row.module.update(state, parameters[row.name], clock)
        else:
            side_by_side(partial(_advance_lesion, rows, state, parameters, clock, now_of(state, clock)), sorted(state.active, key=_by_size))
    return Clock(clock.step + 1, clock.dt_h, clock.burn_in_steps)


@cache
def _stages_of(schedule: tuple[Process, ...]) -> tuple[tuple[bool, tuple[Process, ...]], ...]:
    """Return the rows in order, those that write systemic state and those that write one lesion apart."""
    return tuple((is_systemic, tuple(rows)) for is_systemic, rows in groupby(schedule, key=lambda row: row.name in SYSTEMIC))


def _by_size(tissue: Tissue) -> int:
    """Return the sorting key that puts the largest section first, so that no thread is left with it at the end."""
    return -tissue.state.size


def _advance_lesion(rows: tuple[Process, ...], state: State, parameters: Mapping[str, Any], clock: Clock, now: np.ndarray,
                    tissue: Tissue) -> None:
    """Apply processes that write one lesion at a time to one lesion; they may read systemic state."""
    alone = State(state.key, state.systemic, [tissue], state.orders)
    if not hour.is_compiled(tissue):
        _advance_plainly(rows, alone, parameters, clock)
        return
    for part in _parts_of(rows):
        if isinstance(part, hour.Hour):
            part(tissue, parameters, clock, now)
        else:
            _advance_plainly(part, alone, parameters, clock)


def _advance_plainly(rows: tuple[Process, ...], state: State, parameters: Mapping[str, Any], clock: Clock) -> None:
    """Call the rules of some rows one after the other; micro-steps of T cells all at the place of their first row."""
    is_turn_taken = False
    for row in rows:
        if row.every != "micro-step":
            row.module.update(state, parameters[row.name], clock)
        elif not is_turn_taken:
            t_cell_steps.advance(state, parameters, clock)
            is_turn_taken = True


@cache
def _parts_of(rows: tuple[Process, ...]) -> tuple[hour.Hour | tuple[Process, ...], ...]:
    """Return rows in order, those with acts that follow one another as one compiled call, others as they are."""
    parts: list[hour.Hour | tuple[Process, ...]] = []
    for is_act, group in groupby(rows, key=lambda row: hasattr(_module_of(row), "act")):
        together = tuple(group)
        parts.append(hour.Hour(tuple(dict.fromkeys(map(_act_of, together)))) if is_act else together)
    return tuple(parts)


def _module_of(row: Process) -> ModuleType:
    """Return the module that acts for a row: of micro-steps that of all of them."""
    return t_cell_steps if row.every == "micro-step" else row.module


def _act_of(row: Process) -> hour.Act:
    """Return the act of a row; rows of micro-steps have one in common."""
    module = _module_of(row)
    rules = [row.name] if module is row.module else [other.name for other in SCHEDULE if other.every == "micro-step"]
    parameters = tuple((name, PARAMETERS[name]) for name in rules if name in PARAMETERS)
    name = row.name if module is row.module else "t_cell_steps"
    return hour.Act(name, module.act, parameters, getattr(module, "reserve", None))
