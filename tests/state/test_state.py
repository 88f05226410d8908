"""State: a field declared once is allocated, kept in a checkpoint, restored with its type and described; tables of agents are one kind."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import pytest

from lesionlab.sim.layouts.t_cell_columns import sort_by_site, t_cell_columns
from lesionlab.sim.state.agent_table import AgentTable
from lesionlab.sim.state.checkpoint import arrays_of, restore
from lesionlab.sim.state.declaration import allocated, array, column, declared, lattice, scalar, table_of
from lesionlab.sim.state.state import KINDS, DrugLevel, State
from lesionlab.sim.state.t_cells import TCells
from tests.made_state import add_t_cells, bare_tissue, remember, state_of

SITES = {"z": 1, "y": 2, "x": 3}


@dataclass(kw_only=True)
class Walkers(AgentTable):
    """A kind of agent that is declared here and nowhere else."""

    site: Annotated[np.ndarray, column(np.int32, "1", "flat index of the site")]
    mood: Annotated[np.ndarray, column(np.float32, "1", "how it feels", fill=7)]


class Box(NamedTuple):
    """A named tuple, as which it comes back."""

    first: int
    end: int


START = Box(1, 2)


@dataclass
class Made:
    """A part of a state that holds one field of each kind."""

    heat: Annotated[np.ndarray, lattice(np.float32, "K", "temperature", fill=3)]
    votes: Annotated[np.ndarray, array(np.int64, ("party",), "1", "votes by party")]
    walkers: Walkers
    age_d: Annotated[float, scalar("d", "age")] = 1.5
    box: Annotated[Box, scalar("sites", "where it is")] = START


@dataclass
class Undeclared:
    """A part of a state that forgot to say what its field is."""

    secret: float = 0.0


class Whole:
    """A state of one part."""

    def __init__(self) -> None:
        self.made = Made(**allocated(Made, SITES | {"party": 2}), walkers=Walkers.empty())

    def parts(self) -> dict[str, Made]:
        return {"made": self.made}


def test_a_declared_field_is_allocated_kept_and_described() -> None:
    whole = Whole()
    assert whole.made.heat.dtype == np.float32 and whole.made.heat.tolist() == [[[3.0] * 3] * 2]
    assert whole.made.votes.tolist() == [0, 0] and whole.made.votes.dtype == np.int64
    assert list(arrays_of(whole)) == ["made.heat", "made.votes", "made.walkers.n", "made.walkers.site", "made.walkers.mood", "made.age_d",
                                       "made.box"]
    assert "| `heat` | float32 (z, y, x) | K | temperature |" in table_of(Made)
    assert "| `age_d` | float | d | age |" in table_of(Made)


def test_a_named_tuple_comes_back_as_one() -> None:
    kept, whole = Whole(), Whole()
    kept.made.box = Box(4, 9)
    restore(whole, arrays_of(kept))
    assert whole.made.box == Box(4, 9) and whole.made.box.end == 9


def test_a_field_without_unit_and_meaning_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Undeclared\.secret: declare its unit and meaning"):
        declared(Undeclared)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_of_the_state_says_what_it_is(kind: type) -> None:
    assert all(field.meaning and (field.unit or "name" in name or name == "drug_class") for name, field in declared(kind).items())


def test_agents_come_with_their_first_values_and_leave_without_a_trace() -> None:
    walkers = Walkers.empty()
    assert (walkers.n, list(walkers.COLUMNS)) == (0, ["site", "mood"])
    first = walkers.add(3)
    walkers.site[first], walkers.mood[first] = [5, 6, 7], [1.0, 2.0, 3.0]
    walkers.take(np.array([2, 0]))
    assert (walkers.n, walkers.site[:2].tolist(), walkers.mood[:2].tolist()) == (2, [7, 5], [3.0, 1.0])
    again = walkers.add(100)
    assert (again, walkers.n) == (slice(2, 102), 102)
    assert walkers.site[:2].tolist() == [7, 5], "growth moves no row"
    assert set(walkers.mood[again].tolist()) == {7.0}, "a new agent has nothing of the one whose row it takes"


def test_t_cells_are_sorted_by_site_and_then_by_identity() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [9, 3, 9, 1])
    tissue.t_cells.id[:4] = [8, 5, 2, 9]
    sort_by_site(t_cell_columns(tissue.t_cells))
    assert tissue.t_cells.site[:4].tolist() == [1, 3, 9, 9] and tissue.t_cells.id[:4].tolist() == [9, 5, 2, 8]


def lively() -> State:
    """Return a state with something in every kind of field."""
    tissue = bare_tissue((1, 5, 5))
    tissue.window, tissue.weight, tissue.is_dormant = (1, 4, 1, 4), 12.5, True
    tissue.oxygen[:] = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    add_t_cells(tissue, [3, 4, 8])
    return state_of(tissue, drugs=[DrugLevel("one", "anti_pd1", level=4.5)], memory=3.0)


def test_a_restored_state_has_the_bytes_of_the_one_that_was_kept() -> None:
    kept = lively()
    other = state_of(bare_tissue((1, 5, 5)), drugs=[DrugLevel("one", "anti_pd1")])
    assert remember(other) != remember(kept)
    tissue = other.tissues[0]
    restore(other, kept.arrays())
    assert remember(other) == remember(kept) and other.tissues[0] is tissue
    assert (tissue.window, tissue.is_dormant, tissue.t_cells.n) == ((1, 4, 1, 4), True, 3)
    kept.tissues[0].oxygen += 1.0
    assert remember(other) != remember(kept), "arrays are copied"


def test_room_behind_the_living_rows_is_no_state() -> None:
    state = lively()
    before = remember(state)
    state.tissues[0].t_cells.site[3:] = 99
    assert remember(state) == before


@pytest.mark.parametrize(("path", "wrong", "message"), [
    ("lesion.made.oxygen", np.zeros((1, 5, 5)), r"oxygen is float64 \(1, 5, 5\), not float32"),
    ("lesion.made.oxygen", np.zeros((1, 5, 4), np.float32), r"oxygen is float32 \(1, 5, 4\), not float32 \(1, 5, 5\)"),
    ("lesion.made.t_cells.id", np.zeros(2, np.uint32), r"id is uint32 \(2,\), not uint32 \(3,\)"),
    ("lesion.made.window", np.zeros(3), "window has"), ("lesion.made.weight", np.zeros(2), "weight has 2 numbers"),
    ("systemic.memory", None, r"there is no systemic\.memory")])
def test_a_checkpoint_of_another_type_or_shape_is_refused(path: str, wrong: np.ndarray | None, message: str) -> None:
    arrays = lively().arrays()
    del arrays[path]
    if wrong is not None:
        arrays[path] = wrong
    with pytest.raises(ValueError, match=message):
        restore(lively(), arrays)


def test_a_drug_that_was_never_given_keeps_its_first_values_and_half_a_drug_is_refused() -> None:
    arrays = lively().arrays()
    two = state_of(bare_tissue((1, 5, 5)), drugs=[DrugLevel("one", "anti_pd1"), DrugLevel("two", "vegfr_tki")])
    restore(two, arrays)
    assert (two.systemic.drugs[0].level, two.systemic.drugs[1].level) == (4.5, 0.0)
    del arrays["systemic.drugs.one.level"]
    with pytest.raises(ValueError, match=r"there is no systemic\.drugs\.one\.level"):
        restore(two, arrays)


def test_t_cells_and_ghost_contacts_are_tables_of_the_section() -> None:
    tissue = bare_tissue()
    assert {type(part).__name__ for part in vars(tissue).values() if isinstance(part, AgentTable)} == {"TCells", "GhostContacts"}
    assert len(tissue.t_cells.site) == TCells.FIRST_ROOM
