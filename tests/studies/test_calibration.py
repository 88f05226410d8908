"""Calibration: the fitted parameters, the end of trials, the continuation of a study, and the file that scenarios extend."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.runs.engines import Outcome
from lesionlab.sim.runs.job import Job
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.reported import stated_loss
from lesionlab.sim.studies.calibration import Best, Task, early_day, fitted_names, free_parameters, with_values, write_values
from lesionlab.sim.studies.search import Study

SCENARIO = """
schema: 1
arm: mine
start: 2021-07-06
end: 2022-07-06
lesions:
  neck: {size_cm: [10, 8, 6], measured: 2021-07-06, section_cells: 500}
  pelvis: {size_cm: [4, 2], measured: 2021-07-06, section_cells: 500, role: not_evaluable}
  liver: {size_cm: [0.1, 0.1], measured: 2021-07-06, section_cells: 500, is_occult: true, dormant_until: 2022-01-01}
reported:
  early: {arm: mine, date: 2021-08-10, lesion: neck, quantity: longest_diameter_cm, value: 8, tolerance: 1, status: fitted}
  late: {arm: mine, date: 2022-06-06, lesion: liver, quantity: longest_diameter_cm, value: 1, tolerance: 1, status: fitted}
  foretold: {arm: mine, date: 2022-06-06, lesion: neck, quantity: longest_diameter_cm, value: 1, tolerance: 1, status: predicted}
  of_others: {date: 2022-06-06, lesion: neck, quantity: longest_diameter_cm, value: 1, tolerance: 1, status: fitted}
"""
ALPHA = "radiobiology.alpha_per_gy"


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A made-up patient with one early and one late finding, in a file."""
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    return Task(tmp_path / "mine.yaml", budget_min=0.0)


class Engine:
    """Stands in for the engine and the reading of records: the loss of both findings is (alpha - 0.3)^2 / 0.01^2."""

    def __init__(self, fails: str = "") -> None:
        self.days: list[tuple[str, float]] = []
        self.fails = fails

    def compute(self, jobs: Sequence[Job]) -> tuple[Outcome, ...]:
        """Note the runs and leave their alpha where the record would be."""
        for job in jobs:
            self.days.append((job.path.stem, job.days))
            job.path.write_text(json.dumps({"alpha": job.scenario.radiobiology.alpha_per_gy, "days": job.days}))
        return tuple(Outcome(job, self.fails) for job in jobs)

    def score(self, paths: Sequence[Path]) -> dict[str, float]:
        """Return the losses of what the runs reach."""
        [seen] = [json.loads(path.read_text()) for path in paths]
        loss = ((seen["alpha"] - 0.3) / 0.01) ** 2
        return {"early": loss} | ({"late": loss, "foretold": 99.0} if seen["days"] > 300 else {})


def studied(task: Task, tmp_path: Path, engine: Engine, version: str = "1") -> Study:
    return Study(task, tmp_path / "journal", engine.score, version)


def test_six_free_parameters_are_fitted_over_the_prior_in_their_own_file_and_nuisance_values_beside_them() -> None:
    expected = {one.path: one for one in free_parameters(load_scenario("case"))}
    assert [one.kind for one in expected.values()].count("free") == 6
    assert {path for path, one in expected.items() if one.kind == "nuisance"} == {"lesions.pelvis.size_cm", "lesions.liver.dormant_until"}
    assert (expected[ALPHA].low, expected[ALPHA].high) == (0.15, 0.35)
    assert (expected["lesions.pelvis.size_cm"].low, expected["lesions.pelvis.size_cm"].high) == (1.0, 6.0)


def test_a_waking_day_is_not_fitted_where_nothing_could_tell(task: Task) -> None:
    paths = [one.path for one in free_parameters(load_scenario(task.scenario), until_d=100.0)]
    assert "lesions.liver.dormant_until" not in paths and "lesions.pelvis.size_cm" in paths


def test_only_this_arms_findings_marked_fitted_are_used_and_the_early_ones_come_first(task: Task) -> None:
    scenario = load_scenario(task.scenario)
    assert fitted_names(scenario) == ("early", "late")
    assert fitted_names(scenario, 100.0) == ("early",)
    assert early_day(scenario, None) == 35.0
    assert early_day(scenario, 100.0) is None
    assert early_day(load_scenario("case"), None) == 132.0
    with pytest.raises(UserError, match="no finding of the arm other with status fitted"):
        fitted_names(scenario.model_copy(update={"arm": "other"}))
    with pytest.raises(UserError, match="all findings marked fitted are after day 10"):
        fitted_names(scenario, 10.0)


def test_a_trial_changes_what_is_fitted_and_keeps_a_lesions_proportions(task: Task) -> None:
    scenario = load_scenario(task.scenario)
    values = {one.path: one.low for one in free_parameters(scenario)}
    changed = with_values(task, scenario, values)
    assert changed.lesions["pelvis"].size_cm == (1.0, 0.5) and changed.lesions["neck"] == scenario.lesions["neck"]
    assert changed.lesions["liver"].dormant_until == date(2021, 7, 7)
    assert changed.radiobiology.alpha_per_gy == 0.15


def test_the_scenarios_own_values_are_the_first_trial_and_the_search_improves_on_them(task: Task, tmp_path: Path) -> None:
    study, engine = studied(task, tmp_path, engine := Engine()), engine
    first = study.run(engine.compute, 2, lambda _: None)
    assert first.trials == 2 and study.study.trials[0].params[ALPHA] == 0.25
    said: list[str] = []
    for _ in range(25):
        last = study.run(engine.compute, 2, said.append)
    assert last.loss < first.loss and abs(last.values[ALPHA] - 0.3) < 0.02
    assert set(last.losses) == {"early", "late"}
    assert said[-1].startswith("52 trials, least loss")


def test_the_first_trials_are_the_scenario_and_neighbours_within_the_priors(task: Task, tmp_path: Path) -> None:
    study = studied(task, tmp_path, engine := Engine())
    study.run(engine.compute, 8, lambda _: None)
    points = [trial.params for trial in study.study.trials]
    assert points[0] == {one.path: pytest.approx(one.start) for one in study.free_parameters}
    for one in study.free_parameters:
        tried = [point[one.path] for point in points]
        assert all(one.low <= value <= one.high for value in tried) and len(set(tried)) > 4
    assert max(abs(point[ALPHA] - 0.25) for point in points) < 0.08


def test_a_hopeless_trial_stops_after_the_early_findings_and_is_never_the_best(task: Task, tmp_path: Path) -> None:
    study = studied(task, tmp_path, engine := Engine())
    for _ in range(20):
        best = study.run(engine.compute, 2, lambda _: None)
    runs: dict[str, list[float]] = {}
    for name, days in engine.days:
        runs.setdefault(name, []).append(days)
    stopped = [name for name, days in runs.items() if days == [35.0]]
    assert stopped and all(days in ([35.0], [35.0, 365.0]) for days in runs.values())
    pruned = study.study.get_trials(states=(study.states.PRUNED,))
    assert len(pruned) == len(stopped) and best.trials == 40
    whole = study.study.get_trials(states=(study.states.COMPLETE,))
    assert best.loss == min(math.fsum(trial.user_attrs["losses"].values()) for trial in whole)


def test_the_same_command_goes_on_where_it_stopped_and_other_rules_begin_anew(task: Task, tmp_path: Path) -> None:
    engine = Engine()
    studied(task, tmp_path, engine).run(engine.compute, 4, lambda _: None)
    again = studied(task, tmp_path, engine)
    again.study.ask(again.places)
    third = studied(task, tmp_path, engine)
    assert third.trials == 4 and third.run(engine.compute, 2, lambda _: None).trials == 6
    assert not third.study.get_trials(states=(third.states.RUNNING,))
    assert studied(task, tmp_path, engine, version="2").trials == 0
    assert studied(replace(task, replicates=2), tmp_path, engine).trials == 0
    assert studied(replace(task, budget_min=5.0), tmp_path, engine).trials == 6


def test_values_that_were_fitted_before_do_not_make_another_study(task: Task, tmp_path: Path) -> None:
    engine = Engine()
    studied(task, tmp_path, engine).run(engine.compute, 2, lambda _: None)
    task.scenario.write_text(SCENARIO + "radiobiology: {alpha_per_gy: 0.31}\n")
    assert studied(task, tmp_path, engine).trials == 2


def test_runs_that_all_fail_are_one_message(task: Task, tmp_path: Path) -> None:
    engine = Engine(fails="the disk is full")
    with pytest.raises(UserError, match="no trial came to its end: the disk is full"):
        studied(task, tmp_path, engine).run(engine.compute, 2, lambda _: None)


def best_of(task: Task, **changed: float) -> Best:
    values = {one.path: one.start for one in free_parameters(load_scenario(task.scenario))} | changed
    return Best(values, {"early": 0.5, "late": 1.25}, 7)


def written(task: Task, path: Path) -> Any:
    best = best_of(task, **{ALPHA: 0.314159, "lesions.pelvis.size_cm": 5.0})
    write_values(path, task, load_scenario(task.scenario), best, "lesionlab calibrate")
    return path


def test_the_file_extends_the_scenario_and_states_how_it_was_found(task: Task, tmp_path: Path) -> None:
    found = load_scenario(written(task, tmp_path / "found.yaml"))
    assert found.arm == "mine" and found.lesions["pelvis"].size_cm == (5.0, 2.5)
    assert found.radiobiology.alpha_per_gy == 0.3142
    assert found.radiobiology.evidence == {"alpha_per_gy": "assumed"}
    seen = found.calibration
    assert seen is not None and (seen.trials, seen.loss, seen.losses) == (7, 1.75, {"early": 0.5, "late": 1.25})
    assert seen.values[ALPHA].value == 0.3142 and (seen.values[ALPHA].low, seen.values[ALPHA].high) == (0.15, 0.35)
    assert seen.values["lesions.liver.dormant_until"].value == date(2022, 1, 1)
    assert "calibration:" in found.resolved_yaml()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_scenario_that_comes_with_lesionlab_is_extended_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(Task(Path("case"), budget_min=0.0), tmp_path / "found.yaml")
    assert "extends: case\n" in path.read_text()
    found = load_scenario(path)
    assert found.arm == "combined" and found.lesions["pelvis"].size_cm == pytest.approx((5.0, 3.5), abs=0.01)
    assert list(found.lesions) == list(load_scenario("case").lesions)


def test_a_file_that_the_scenario_extends_holds_the_values_alone_so_that_all_arms_take_them(task: Task, tmp_path: Path) -> None:
    fitted = tmp_path / "fitted.yaml"
    fitted.write_text("lesions: {pelvis: {size_cm: [3, 1.5]}}\n")
    task.scenario.write_text("extends: fitted.yaml\n" + SCENARIO.replace("size_cm: [4, 2], ", ""))
    (tmp_path / "untreated.yaml").write_text("extends: mine.yaml\n")
    written(task, fitted)
    assert "extends" not in fitted.read_text() and "arm" not in load_scenario(task.scenario).radiobiology.model_dump()
    untreated = load_scenario(tmp_path / "untreated.yaml")
    assert untreated.lesions["pelvis"].size_cm == (5.0, 2.5) and untreated.radiobiology.alpha_per_gy == 0.3142
    assert untreated.calibration is not None and untreated.calibration.to == "case"


def test_a_fit_of_an_older_model_is_said_to_hold_no_longer() -> None:
    """`check` states the loss as it was fitted, `calibrate` computes today's: both say why the two differ."""
    found = load_scenario("case").calibration
    assert found is not None
    old, today = (stated_loss(found.model_copy(update={"code_version": version})) for version in ("0.1.0+000000000000", model_version()))
    assert all(f"loss {found.loss:.2f} (model " in words and "quick sections, 1 replicate" in words for words in (old, today))
    assert "the model has changed since" in old and "changed" not in today
