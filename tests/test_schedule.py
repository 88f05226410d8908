"""Schedule: order, micro-steps, sections that rest, and an audit of cells and T cells at every step of a treated arm."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.sim import hour, schedule, t_cell_steps
from lesionlab.sim.model import TumourModel
from lesionlab.sim.numerics import diffusion, threads
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.processes import cell_cycle, clearance, displacement, t_cell_entry, t_cell_exhaustion, t_cell_priming, vessels
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import PARAMETERS, SCHEDULE, advance
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Fraction, Orders, State, Tissue
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES
from tests.invariants import check
from tests.made_state import add_t_cells, bare_tissue, changed_paths, clock_at, fill_disc, remember, state_of

MICRO = [row.name for row in SCHEDULE if row.every == "micro-step"]
RULES = {row.name: row.module for row in SCHEDULE}
DEFAULTS: dict[str, Any] = {name: group() for name, group in PARAMETERS.items()} | {"pharmacokinetics": {}}


def lively(name: str = "made", **numbers: Any) -> Tissue:
    tissue = bare_tissue((1, 31, 31), name, weight=1e6, volume_weight=1e6, **numbers)
    fill_disc(tissue, 10.0)
    tissue.vessel[0, 3::6, 3::6], tissue.perfusion[0, 3::6, 3::6], tissue.maturity[0, 3::6, 3::6] = 1, 1.0, 0.3
    add_t_cells(tissue, range(300, 600, 7))
    return tissue


def test_every_process_has_its_test_file() -> None:
    here = Path(__file__).parent / "processes"
    assert {path.stem for path in here.glob("test_*.py")} == {f"test_{row.name}" for row in SCHEDULE}


def test_a_step_calls_every_process_in_order_and_the_micro_steps_at_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(hour, "is_plain", True)
    for row in SCHEDULE:
        monkeypatch.setattr(row.module, "update", lambda state, p, clock, name=row.name: called.append(name))
    monkeypatch.setattr(t_cell_steps, "advance", lambda state, parameters, clock: called.extend(MICRO))
    after = advance(state_of(lively()), DEFAULTS, clock_at(7))
    assert called == [row.name for row in SCHEDULE]
    assert after == clock_at(8)


@pytest.mark.parametrize("weight", [1e6, 3e4], ids=["full", "under-weighted"])
def test_the_micro_steps_of_a_step_are_turns_of_their_processes(weight: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one compiled call, divided among threads or turn by turn: the same bytes, in a section with ghost contacts too."""
    def hours(is_compiled: bool, n_threads: int = 1) -> State:
        tissue = lively()
        tissue.weight = weight
        tissue.t_cells.is_specific[: tissue.t_cells.n] = 1
        state = state_of(tissue)
        for step in range(100, 106):
            if is_compiled:
                with hired(n_threads):
                    t_cell_steps.advance(state, DEFAULTS, clock_at(step))
                continue
            for micro_step, name in itertools.product(range(10), MICRO):
                RULES[name].update(state, DEFAULTS[name], clock_at(step, micro_step=micro_step))
        return state

    monkeypatch.setattr(threads, "LEAST_ROWS", 1)
    compiled = hours(True)
    assert remember(compiled) == remember(hours(False))
    assert remember(compiled) == remember(hours(True, 3))
    assert (compiled.tissues[0].ghost_contacts.n > 0) == (weight < 1e6)
    assert compiled.tissues[0].hits.any()


@pytest.mark.parametrize("weight", [1e6, 3e4], ids=["full", "under-weighted"])
def test_random_streams_and_hits_belong_to_t_cells_not_to_rows_chunks_or_threads(weight: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of T cells for an hour, their rows in two orders and on one thread and three: each does the same."""
    monkeypatch.setattr(threads, "LEAST_ROWS", 1)

    def hour(is_shuffled: bool, n_threads: int) -> dict[str, bytes]:
        tissue = bare_tissue((1, 101, 101))
        tissue.weight = weight
        fill_disc(tissue, 30.0)
        random = np.random.default_rng(6)
        add_t_cells(tissue, random.integers(0, 101 * 101, 6000))
        t = tissue.t_cells
        t.is_specific[: t.n] = random.random(t.n) < 0.7
        order = random.permutation(t.n) if is_shuffled else np.arange(t.n)
        for column in t.columns():
            column[: t.n] = column[: t.n][order]
        state = state_of(tissue)
        with threads.hired(n_threads):
            for step in (100, 101):
                t_cell_steps.advance(state, DEFAULTS, clock_at(step))
        back = np.argsort(t.id[: t.n])
        for column in t.columns():
            column[: t.n] = column[: t.n][back]
        return remember(state)

    def but_ghost_contacts(seen: dict[str, bytes]) -> dict[str, bytes]:
        """Return all but the ghost contacts, whose order follows the rows that began them."""
        return {path: kept for path, kept in seen.items() if ".ghost_contacts." not in path}

    as_ever = hour(False, 1)
    assert hour(False, 3) == as_ever
    assert but_ghost_contacts(hour(True, 1)) == but_ghost_contacts(as_ever)
    assert but_ghost_contacts(hour(True, 3)) == but_ghost_contacts(as_ever)


@pytest.mark.parametrize("resting", [{"is_dormant": True}, {"n_cells": 0}])
def test_nothing_happens_in_a_dormant_or_cleared_section(resting: dict[str, Any]) -> None:
    tissue = lively(**resting)
    if "n_cells" in resting:
        tissue.state.fill(CellState.STROMA)
    state = state_of(tissue, specific_blood=1e9, bystander_blood=1e9, normalisation=1.0)
    t_cell_priming.hold_baseline(state.systemic, DEFAULTS["t_cell_priming"], 0.0)
    before = remember(state)
    clock = clock_at()
    for _ in range(30):
        state.orders = Orders(fractions=[Fraction("made", 1.0, 1.0, 0.5, 0.5)])
        clock = advance(state, DEFAULTS, clock)
    assert {path for path in changed_paths(before, state) if path.startswith("lesion.")} == set()


def test_a_lesion_changes_the_other_through_the_blood_alone() -> None:
    """Without a pool to share, a section's state is the same with and without a second lesion."""
    def section(*others: Tissue) -> dict[str, bytes]:
        state, clock = state_of(*others, lively()), clock_at()
        t_cell_priming.hold_baseline(state.systemic, DEFAULTS["t_cell_priming"], 0.0)
        for _ in range(26):
            clock = advance(state, DEFAULTS, clock)
        return {path: kept for path, kept in remember(state).items() if path.startswith("lesion.made")}

    assert section() == section(lively("elsewhere"))


def test_any_number_of_threads_gives_the_same_bytes(treated: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lesions side by side, and one in pieces as a large section is: by rows, halves and T cells."""
    shared: list[int] = []
    share_turns = t_cell_steps._share_turns

    def counted(*arguments: Any) -> None:
        shared.append(1)
        share_turns(*arguments)

    monkeypatch.setattr(t_cell_steps, "_share_turns", counted)
    monkeypatch.setattr(threads, "LEAST_ROWS", 2)
    neck = treated.lesions["neck"]

    def digest(n_threads: int, names: tuple[str, ...]) -> dict[str, bytes]:
        with hired(n_threads):
            model = TumourModel(treated.model_copy(update={"lesions": dict.fromkeys(names, neck), "scans": []}), until_d=1.5)
            while model.running:
                model.step()
        return remember(model.state)

    monkeypatch.setattr(displacement, "LARGE_CELLS", 100)
    monkeypatch.setattr(threads, "LEAST_SITES", 100)
    monkeypatch.setattr(diffusion, "LEAST_SITES", 100)
    for names in (("neck", "left", "right"), ("neck",)):
        assert digest(2, names) == digest(1, names)
        assert digest(3, names) == digest(1, names)
    assert shared


def counts(state: State) -> np.ndarray:
    """Return the cells and the T cells of the only section."""
    tissue = state.tissues[0]
    return np.array([np.count_nonzero(tissue.state), tissue.t_cells.n])


def test_cells_and_t_cells_are_conserved_at_every_step(treated: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells: born less dropped less cleared. T cells: arrived less died; what arrived has left the blood."""
    gained: dict[str, np.ndarray] = {}

    def watch(module: Any, name: str) -> None:
        update = module.update

        def watched(state: State, p: Any, clock: Any) -> None:
            before = counts(state)
            update(state, p, clock)
            gained[name] = counts(state) - before
        monkeypatch.setattr(module, "update", watched)

    monkeypatch.setattr(hour, "is_plain", True)
    model = TumourModel(treated)
    tissue, systemic = model.state.tissues[0], model.state.systemic
    for module, name in ((clearance, "cleared"), (displacement, "placed"), (t_cell_entry, "arrived"), (t_cell_exhaustion, "died")):
        watch(module, name)
    while model.running:
        before, left, weight = counts(model.state), systemic.left_blood, tissue.volume_weight
        model.step()
        check(model.state)
        assert (counts(model.state) == before + sum(gained.values())).all()
        assert gained["placed"][0] == int((tissue.fate == Hazard.DIVISION).sum()) - tissue.n_dropped
        assert systemic.left_blood - left == pytest.approx(gained["arrived"][1] * weight, rel=1e-9)
    assert systemic.left_blood > 0.0


def test_a_row_that_says_another_interval_than_its_rule_obeys_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vessels says every 12 h, its rule acts every 24 h"):
        schedule.checked(schedule.Process("vessels", vessels, "12 h", "why"))
    with pytest.raises(ValueError, match=r"cell_cycle says every 6 h, its rule has no EVERY_H"):
        schedule.checked(schedule.Process("cell_cycle", cell_cycle, "6 h", "why"))


def test_every_class_of_drugs_has_its_process_in_the_schedule() -> None:
    assert {row.process for row in DRUG_CLASSES} <= {row.name for row in SCHEDULE}
