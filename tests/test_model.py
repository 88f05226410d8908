"""Model: Mesa's ways of using a model work plainly, and an arm ends at its calendar or at the lethal burden."""

import inspect
import math
from collections.abc import Callable
from pathlib import Path

import mesa
import numpy as np
import pytest

from lesionlab.sim.batch import replicate_of
from lesionlab.sim.measures.series import measure_patient
from lesionlab.sim.model import ClinicAgent, DrugAgent, LesionAgent, Patient, RadiotherapyAgent, TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.reader import hash_arrays
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from tests.invariants import check
from tests.tiny_arm import TREATED

MakeScenario = Callable[..., Scenario]


def run(model: TumourModel) -> TumourModel:
    while model.running:
        model.step()
    return model


def test_a_model_steps_until_its_calendar_ends(treated: Scenario) -> None:
    model = TumourModel(treated)
    assert (model.time_d, model.running, model.end_reason) == (0.0, True, "")
    model.step()
    assert model.time_d == pytest.approx(1.0 / 24.0)
    run(model)
    assert (model.time_d, model.end_reason) == (3.0, "end of calendar")
    check(model.state)


def test_until_d_ends_it_sooner_and_never_later(treated: Scenario) -> None:
    for until_d, time_d, reason in ((0.5, 0.5, "stopped as asked"), (3.0, 3.0, "end of calendar"), (99.0, 3.0, "end of calendar")):
        model = run(TumourModel(treated, until_d=until_d))
        assert (model.time_d, model.end_reason) == (time_d, reason)


@pytest.mark.parametrize("dt_h", [0.5, 2.0])
def test_the_calendar_is_the_same_at_another_time_step(dt_h: float, tiny: MakeScenario) -> None:
    model = run(TumourModel(tiny(f"time_step_h={dt_h}")))
    assert model.time_d == 3.0
    assert [(event.time_d, event.kind) for event in model.events] == EVENTS


EVENTS = [(0.0, "dose"), (0.0, "scan"), (1.0, "fraction"), (1.0, "dose"), (2.0, "fraction"), (2.0, "dose"), (3.0, "dose"), (3.0, "scan")]


def test_events_come_on_their_days_with_their_doses(treated: Scenario) -> None:
    events = run(TumourModel(treated)).events
    assert [(event.time_d, event.kind) for event in events] == EVENTS
    fraction = next(event for event in events if event.kind == "fraction")
    assert (fraction.lesion, fraction.value, fraction.value_core) == ("neck", 3.0, 4.0)
    assert [(event.label, event.value) for event in events if event.kind == "dose"] == [("toripalimab", 240.0)] + [("anlotinib", 12.0)] * 3


def test_the_lethal_burden_ends_an_arm_with_an_event(tiny: MakeScenario) -> None:
    """A lesion of 20 x 20 x 20 cm holds 4.2e11 cells; the limit is set just below."""
    model = run(TumourModel(tiny("lesions.neck.size_cm=[20, 20, 20]", "clinic.lethal_burden_cells=4e11")))
    assert (model.end_reason, model.time_d) == ("lethal burden", 0.0)
    assert [event.kind for event in model.events].count("lethal_burden") == 1


def test_the_burn_in_ends_with_the_lesion_at_its_clinical_size(treated: Scenario) -> None:
    model = TumourModel(treated)
    lesion = model.agents_by_type[LesionAgent][0]
    assert lesion.longest_diameter_cm == pytest.approx(4.0)
    assert lesion.clonogens <= model.agents_by_type[Patient][0].burden_cells
    # 4 x 3 x 3 cm at 1e8 cells per cm3.
    assert model.agents_by_type[Patient][0].burden_cells == pytest.approx(1e8 * math.pi / 6.0 * 36.0)


def test_the_agents_are_the_patient_her_lesions_the_courses_and_the_clinic(treated: Scenario) -> None:
    kinds = {kind: len(agents) for kind, agents in TumourModel(treated, until_d=0.1).agents_by_type.items()}
    assert kinds == {Patient: 1, LesionAgent: 1, RadiotherapyAgent: 1, DrugAgent: 2, ClinicAgent: 1}


def test_the_data_collector_gives_frames_of_the_patient_and_her_lesions(treated: Scenario) -> None:
    model = run(TumourModel(treated))
    frame = model.datacollector.get_model_vars_dataframe()
    assert frame["time_d"].tolist() == pytest.approx([step / 24.0 for step in range(1, 73)])
    assert set(frame.columns) == {"time_d", *measure_patient(model.state)}
    assert frame["pd1_occupancy"].iloc[-1] > 0.9
    lesions = model.datacollector.get_agenttype_vars_dataframe(LesionAgent)
    assert lesions["longest_diameter_cm"].iloc[0] == pytest.approx(4.0, rel=0.02) and len(lesions) == 72


def test_rows_can_be_collected_less_often_and_fall_on_whole_days(treated: Scenario) -> None:
    model = run(TumourModel(treated, collect_every_d=1.0))
    assert model.datacollector.get_model_vars_dataframe()["time_d"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("collect_every_d", [0.03, math.inf])
def test_rows_that_no_whole_number_of_steps_parts_are_refused(collect_every_d: float, treated: Scenario) -> None:
    with pytest.raises(UserError, match=r"collect_every_d: must be a whole number of steps of 1 h: 0\.0416667 d"):
        TumourModel(treated, collect_every_d=collect_every_d)


@pytest.mark.parametrize("burn_in_d", [0, 1])
def test_the_burn_in_may_be_taken_step_by_step(burn_in_d: int, tiny: MakeScenario) -> None:
    scenario = tiny(f"burn_in_d={burn_in_d}")
    model, seen = TumourModel(scenario, is_at_rest=False), []
    while model.time_d < 0.0:
        seen.append(round(24.0 * model.time_d))
        model.step()
    assert seen == list(range(-24 * burn_in_d, 0)) and model.events == []
    assert hash_arrays(model.checkpoint()) == hash_arrays(TumourModel(scenario).checkpoint())


def test_batch_run_takes_the_model_with_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TREATED)
    assert list(inspect.signature(TumourModel).parameters) == [
        "arm", "replicate", "until_d", "collect_every_d", "rng", "checkpoint", "is_at_rest"]
    asked = {"arm": str(path), "replicate": [0, 1], "until_d": 1.0}
    rows = mesa.batch_run(TumourModel, asked, number_processes=1, max_steps=30, data_collection_period=-1, display_progress=False)
    last = {row["replicate"]: row for row in rows}
    assert [last[replicate]["time_d"] for replicate in (0, 1)] == [1.0, 1.0]
    assert last[0]["burden_cells"] != last[1]["burden_cells"]


@pytest.mark.parametrize("assignment", ["time_step_h=0.05", "time_step_h=0.25", "time_step_h=0.7", "burn_in_d=0.3"])
def test_steps_and_burn_in_fit_the_day(assignment: str) -> None:
    with pytest.raises(UserError, match=assignment.split("=")[0]):
        scenario_from_text(TREATED, overrides=[assignment])


def test_a_dead_patient_is_not_treated(tiny: MakeScenario) -> None:
    model = TumourModel(tiny("lesions.neck.size_cm=[20, 20, 20]", "clinic.lethal_burden_cells=4e11"))
    model.step()
    assert [event.kind for event in model.events] == ["lethal_burden"]


def test_mesas_own_generator_changes_nothing_of_a_stated_replicate(treated: Scenario) -> None:
    ends = [run(TumourModel(treated, 0, until_d=0.5, rng=rng)).state.arrays() for rng in (0, 12345)]
    assert all(np.array_equal(ends[0][path], ends[1][path], equal_nan=ends[0][path].dtype.kind == "f") for path in ends[0])


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_iterations_of_a_batch_are_replicates(processes: int, tmp_path: Path) -> None:
    """Mesa 3.3 tells the model nothing of the iteration; three runs were the same run three times."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TREATED)
    rows = mesa.batch_run(TumourModel, {"arm": str(path), "until_d": 0.75}, number_processes=processes, iterations=3, max_steps=30,
                          data_collection_period=-1, display_progress=False)
    singles = [measure_patient(run(TumourModel(path, n, until_d=0.75)).state) for n in range(3)]
    last = {row["iteration"]: {name: row[name] for name in singles[0]} for row in rows}
    assert [last[n] for n in range(3)] == singles
    assert len({repr(single) for single in singles}) == 3


@pytest.mark.parametrize(("given", "replicate"), [({}, 0), ({"rng": 7}, 7), ({"rng": np.int64(7)}, 7), ({"replicate": 2, "rng": 7}, 2)])
def test_the_replicate_is_the_one_stated_else_the_seed_that_mesa_passes(given: dict[str, int], replicate: int) -> None:
    assert replicate_of(**given) == replicate


def test_any_seed_of_a_generator_names_a_replicate_and_the_same_seed_the_same() -> None:
    first, again, other = (replicate_of(rng=np.random.SeedSequence(seed)) for seed in (1, 1, 2))
    assert first == again != other and 0 <= other < 2**31


@pytest.mark.parametrize("given", [{"replicate": -1}, {"replicate": 1.5}, {"rng": -3}])
def test_what_is_no_replicate_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(UserError, match="must be a whole number from 0 on"):
        replicate_of(**given)


def test_iterations_of_a_stated_replicate_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TREATED)
    with pytest.warns(UserWarning, match="the same run as iteration 0"):
        mesa.batch_run(TumourModel, {"arm": str(path), "replicate": 0, "until_d": 1 / 24}, iterations=2, display_progress=False)


def test_a_dormant_deposit_sleeps_until_its_day(tiny: MakeScenario) -> None:
    liver = "lesions.liver={size_cm: [0.1, 0.1], measured: 2021-07-05, is_occult: true, dormant_until: 2021-07-07, section_cells: 500}"
    model = TumourModel(tiny(liver))
    tissue = model.state.tissues[1]
    first = tissue.fate.tobytes() + tissue.state.tobytes() + tissue.oxygen.tobytes()
    while model.time_d < 2.0:
        assert tissue.is_dormant
        model.step()
    assert tissue.fate.tobytes() + tissue.state.tobytes() + tissue.oxygen.tobytes() == first
    run(model)
    assert not tissue.is_dormant
    assert tissue.fate.tobytes() + tissue.state.tobytes() + tissue.oxygen.tobytes() != first
