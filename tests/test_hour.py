"""The compiled hour: the same bytes as rule by rule, in the order of the schedule, with rules that have no act between."""

from types import ModuleType
from typing import Any

import pytest

from lesionlab.sim import hour, schedule
from lesionlab.sim.layouts.section import arguments_of, numbers_of, take_back
from lesionlab.sim.model import TumourModel
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import SCHEDULE, Process
from lesionlab.sim.state.state import State
from tests.made_state import add_t_cells, bare_tissue, fill_disc, remember, state_of

MADE = "made_for_a_test"
Course = tuple[dict[str, bytes], bool, int]


@pytest.fixture
def course(treated: Scenario) -> Scenario:
    """Three lesions, one of them in layers; two fractions to the first, and both drugs."""
    neck = treated.lesions["neck"]
    lesions = {"neck": neck, "left": neck.model_copy(update={"section_layers": 3}), "right": neck}
    return treated.model_copy(update={"lesions": lesions, "scans": []})


def run(scenario: Scenario, is_plain: bool, monkeypatch: pytest.MonkeyPatch, n_threads: int = 1, until_d: float = 2.25) -> Course:
    """Return the bytes at the end, whether the first section was ever weight-controlled, and its largest number of ghost contacts."""
    monkeypatch.setattr(hour, "is_plain", is_plain)
    is_controlled, most = False, 0
    with hired(n_threads):
        model = TumourModel(scenario, until_d=until_d)
        while model.running:
            model.step()
            tissue = model.state.tissues[0]
            is_controlled, most = is_controlled or tissue.is_weight_controlled, max(most, tissue.ghost_contacts.n)
    return remember(model.state), is_controlled, most


def test_compiled_and_plain_give_the_same_bytes_on_any_number_of_threads(course: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, is_controlled, ghost_contacts = run(course, True, monkeypatch)
    assert is_controlled and ghost_contacts, "the course reaches what it is to compare"
    for n_threads in (1, 2, 3):
        assert run(course, False, monkeypatch, n_threads)[0] == plain
    assert run(course, True, monkeypatch, until_d=2.0)[0] != plain


def test_what_is_compiled_follows_the_order_of_the_schedule(treated: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another order of rows the compiled hour still does what the plain way does, which is something else then."""
    as_it_is = run(treated, False, monkeypatch)[0]
    rows = list(SCHEDULE)
    at = [row.name for row in rows].index("cell_fate")
    rows[at - 2], rows[at] = rows[at], rows[at - 2]
    monkeypatch.setattr(schedule, "SCHEDULE", tuple(rows))
    other = run(treated, False, monkeypatch)[0]
    assert other != as_it_is
    assert other == run(treated, True, monkeypatch)[0]


def test_a_rule_without_an_act_is_called_at_its_place(treated: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees the hazards that the compiled rules before it wrote, and those after it see what it did."""
    made, seen = ModuleType(MADE), list[bool]()

    def update(state: State, p: Any, clock: Any) -> None:
        seen.append(bool(state.tissues[0].hazard[2].any()))
        state.tissues[0].hazard[2].fill(0.0)

    monkeypatch.setattr(made, "update", update, raising=False)
    as_it_is = run(treated, False, monkeypatch, until_d=0.5)[0]
    at = [row.name for row in SCHEDULE].index("cell_fate")
    rows = (*SCHEDULE[:at], Process(MADE, made, "step", "made for a test"), *SCHEDULE[at:])
    monkeypatch.setattr(schedule, "SCHEDULE", rows)
    monkeypatch.setattr(schedule, "_advance_plainly", with_none_for(MADE, schedule._advance_plainly))
    compiled = run(treated, False, monkeypatch, until_d=0.5)[0]
    assert seen and all(seen)
    assert compiled != as_it_is
    assert compiled == run(treated, True, monkeypatch, until_d=0.5)[0]


def with_none_for(name: str, advance: Any) -> Any:
    """Return `_advance_plainly` with parameters for a rule that has none."""
    return lambda rows, state, parameters, clock: advance(rows, state, {**parameters, name: None}, clock)


def test_large_sections_and_many_t_cells_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    tissue = bare_tissue()
    assert hour.is_compiled(tissue)
    monkeypatch.setattr(hour, "is_plain", True)
    assert not hour.is_compiled(tissue)
    monkeypatch.setattr(hour, "is_plain", False)
    monkeypatch.setattr(hour.threads, "LEAST_SITES", tissue.state.size)
    assert not hour.is_compiled(tissue)


def test_numbers_come_back_as_they_were() -> None:
    tissue = bare_tissue(weight=3.0, volume_weight=4.0, is_weight_controlled=True)
    fill_disc(tissue, 5.0)
    add_t_cells(tissue, [3, 4, 5])
    state = state_of(tissue)
    before = remember(state)
    numbers = numbers_of(tissue)
    take_back(numbers, tissue)
    assert remember(state) == before
    numbers["weight"], numbers["t_cells_n"], numbers["window_1"] = 2.0, 2, 7
    take_back(numbers, tissue)
    assert (tissue.weight, tissue.t_cells.n, tissue.window.end_y) == (2.0, 2, 7)


def test_an_act_that_takes_what_no_section_has_is_refused() -> None:
    def act(numbers: Any, oxigen: Any) -> None:
        """Made for a test."""

    with pytest.raises(TypeError, match="an act takes oxigen, which is neither an array nor a table of a section"):
        arguments_of(act)
