"""Arms that have their burn-in in common take it once, and their records are the bytes of arms that took their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lesionlab.sim.runs import lifecycle
from lesionlab.sim.runs.day_zero import DayZeroStates, past_of
from lesionlab.sim.runs.engines import _longest_first
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.lifecycle import begun, finish, model_of, perform
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation
from tests.same_record import differences

BURN_IN_STEPS = 24


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps of burn-ins taken, counted; nothing is kept of earlier runs."""
    taken: list[int] = []
    settle = Simulation._settle

    def counted(self: Simulation) -> None:
        taken.append(self.clock.step)
        settle(self)

    monkeypatch.setattr(Simulation, "_settle", counted)
    monkeypatch.setattr(lifecycle, "_DAY_ZERO", DayZeroStates())
    return taken


def test_arms_of_a_patient_share_one_burn_in_and_keep_their_bytes(
        treated: Scenario, untreated: Scenario, tmp_path: Path, settled: list[int]) -> None:
    jobs = [Job(arm, 0, tmp_path / f"{name}.h5") for name, arm in (("untreated", untreated), ("treated", treated))]
    for job in jobs:
        perform(job)
    assert len(settled) == BURN_IN_STEPS
    for job in jobs:
        own = Job(job.scenario, 0, tmp_path / f"own_{job.path.name}")
        finish(begun(own))
        lifecycle.mark(own.path, **{lifecycle.STAMP: job.identity})
        assert differences(own.path, job.path) == []
    assert len(settled) == 3 * BURN_IN_STEPS


@pytest.mark.parametrize("change", ["seed=8", "patient=3", "mechanisms.memory=false", "cell_cycle.cycle_time_h=36", "burn_in_d=2",
                                    "lesions.neck.section_cells=600"])
def test_what_acts_before_day_0_asks_for_a_burn_in_of_its_own(change: str, tiny: Callable[..., Scenario]) -> None:
    assert past_of(Job(tiny(change), 0, Path())) != past_of(Job(tiny(), 0, Path()))


def test_another_replicate_has_another_past_and_other_courses_have_the_same(tiny: Callable[..., Scenario]) -> None:
    assert past_of(Job(tiny(), 1, Path())) != past_of(Job(tiny(), 0, Path()))
    assert past_of(Job(tiny("drugs=null", "arm=other", "end=2021-07-20"), 0, Path())) == past_of(Job(tiny(), 0, Path()))


def test_the_oldest_states_go_where_memory_is_short_and_a_large_one_is_not_kept(treated: Scenario) -> None:
    arrays = model_of(Job(treated, 0, Path())).checkpoint()
    size = sum(array.nbytes for array in arrays.values())
    states = DayZeroStates(most_bytes=2 * size)
    for past in ("first", "second"):
        states.keep(past, arrays)
    assert states.of("first") is not None
    states.keep("third", arrays)
    assert [states.of(past) is not None for past in ("first", "second", "third")] == [True, False, True]
    small = DayZeroStates(most_bytes=size - 1)
    small.keep("first", arrays)
    assert small.of("first") is None


def test_what_is_kept_does_not_change_as_the_run_goes_on(treated: Scenario) -> None:
    model, states = model_of(Job(treated, 0, Path())), DayZeroStates()
    states.keep("past", model.checkpoint())
    before = {name: array.tobytes() for name, array in (states.of("past") or {}).items()}
    while model.running and model.time_d < 1.0:
        model.step()
    assert {name: array.tobytes() for name, array in (states.of("past") or {}).items()} == before


def test_jobs_with_a_burn_in_in_common_run_together_the_longest_first(tiny: Callable[..., Scenario]) -> None:
    jobs = [Job(tiny(*changes), replicate, Path()) for changes in ((), ("drugs=null", "radiotherapy=null")) for replicate in (0, 1)]
    order = _longest_first(jobs)
    assert [job.replicate for job in order] in ([0, 0, 1, 1], [1, 1, 0, 0])
    assert [bool(job.scenario.drugs) for job in order] == [True, False, True, False]
