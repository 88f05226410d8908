"""A screen: arms of a patient share one burn-in, who does not grow is rejected, a stopped screen goes on to the same table."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.studies import table
from lesionlab.sim.studies.screen import Plan, Row, day_zero, patient_of, run_patient, with_values
from lesionlab.sim.studies.table import TABLE, Table, compute
from tests.studies.tiny_screen import POPULATION, SCENARIO, write


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(*write(tmp_path))


def bytes_after(model: TumourModel, days: float) -> dict[str, bytes]:
    while model.running and model.time_d < days:
        model.step()
    return {path: array.tobytes() for path, array in model.state.arrays().items()}


def test_arms_from_a_shared_burn_in_have_the_bytes_of_their_own(plan: Plan) -> None:
    arms, _ = patient_of(plan, 0)
    assert [arm.arm for arm in arms] == ["untreated", "anlotinib", "anti_pd1", "both"]
    start = day_zero(arms[0])
    for arm in arms[1:]:
        assert bytes_after(TumourModel(arm, checkpoint=start), 2.0) == bytes_after(TumourModel(arm), 2.0)
    # The control: another patient's day 0 is another one.
    other = day_zero(patient_of(plan, 1)[0][0])
    assert bytes_after(TumourModel(arms[1], checkpoint=other), 2.0) != bytes_after(TumourModel(arms[1]), 2.0)


def test_a_shared_burn_in_is_not_changed_by_an_arm_that_starts_from_it(plan: Plan) -> None:
    arms, _ = patient_of(plan, 0)
    start = day_zero(arms[0])
    before = {name: array.tobytes() for name, array in start.items()}
    bytes_after(TumourModel(arms[-1], checkpoint=start), 2.0)
    assert {name: array.tobytes() for name, array in start.items()} == before


def test_failed_divisions_meet_the_doubling_time(tmp_path: Path) -> None:
    """Without T cells the lesion's clonogens grow by 2^(7/9) in the first week, within the noise of 2,000 cells and oxygen's drift."""
    scenario = SCENARIO.replace("section_cells: 500", "section_cells: 2000").replace("burn_in_d: 2", "burn_in_d: 15")
    population = "\n".join(POPULATION.splitlines()[:4]) + """
  doubling_time_d: {kind: log_normal, median: 9, geometric_sd: 1.000001, within: [4, 60], evidence: assumed, source: "a test"}
"""
    plan = Plan(*write(tmp_path, scenario, population), settings=("t_cell_entry.entry_per_vessel_per_d=0.02",))
    row = run_patient(replace(plan, arms=("untreated",)), 0)[0]
    assert float(row["clonogens_d7"]) / float(row["clonogens_d0"]) == pytest.approx(2.0 ** (7.0 / 9.0), rel=0.12)


def test_who_does_not_grow_untreated_is_rejected_and_counted(tmp_path: Path) -> None:
    """With the most failed divisions and the most apoptosis a lesion shrinks; no doubling time is asked of it."""
    population = "\n".join(line for line in POPULATION.splitlines() if "doubling_time_d" not in line)
    settings = ("apoptosis.rate_per_d=0.25", "cell_cycle.failed_division_share=0.45")
    shrinking = Plan(*write(tmp_path, population=population), settings=settings)
    rows = run_patient(shrinking, 0)
    assert [(row["arm"], row["is_accepted"]) for row in rows] == [("untreated", "0")]
    assert float(rows[0]["longest_diameter_cm_d14"]) <= float(rows[0]["longest_diameter_cm_d0"])
    growing = run_patient(Plan(*write(tmp_path)), 0)
    assert {row["is_accepted"] for row in growing} == {"1"} and len(growing) == 4
    assert float(growing[0]["longest_diameter_cm_d14"]) > float(growing[0]["longest_diameter_cm_d0"])


def test_a_brief_plan_stops_where_the_rest_adds_nothing(plan: Plan) -> None:
    def is_over(diameters_cm: Sequence[float]) -> bool:
        return len(diameters_cm) == 2

    rows = run_patient(replace(plan, arms=("anlotinib",), is_brief=True), 0, is_over)
    assert [row["arm"] for row in rows] == ["untreated", "anlotinib"]
    assert {float(row["end_d"]) for row in rows} == {14.0}
    assert all("longest_diameter_cm_d21" not in row for row in rows)


def test_a_value_that_is_not_allowed_is_shown(plan: Plan) -> None:
    with pytest.raises(UserError, match="patient 3"):
        with_values(plan.loaded()[0], {"vessels.pruning_per_d": 9.0}, 3)


def made_patient(plan: Plan, patient: int, is_over: object = None) -> list[Row]:
    """Every third patient is rejected; nothing is simulated."""
    arms = ["untreated"] if patient % 3 == 2 else ["untreated", "anti_pd1"]
    return [dict.fromkeys(plan.columns(), str(patient)) | {"arm": arm, "is_accepted": str(int(patient % 3 != 2))} for arm in arms]


def test_a_screen_goes_on_to_the_same_bytes(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "run_patient", made_patient)
    whole = compute(plan, tmp_path / "whole", 5)
    assert (whole.n_accepted, whole.n_rejected, whole.next_patient) == (5, 2, 7)
    text = (tmp_path / "whole" / TABLE).read_text()
    compute(plan, tmp_path / "parts", 2)
    compute(plan, tmp_path / "parts", 5)
    assert (tmp_path / "parts" / TABLE).read_text() == text
    # Killed within a patient's rows, at the end of her first row, and in the middle of a line.
    lines = text.splitlines(keepends=True)
    for kept in ("".join(lines[:4]), "".join(lines[:4]) + lines[4][:30], "".join(lines[:-1])):
        (tmp_path / "parts" / TABLE).write_text(kept)
        compute(plan, tmp_path / "parts", 5)
        assert (tmp_path / "parts" / TABLE).read_text() == text


def test_the_table_does_not_depend_on_workers(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "run_patient", made_patient)
    compute(plan, tmp_path / "one", 5)
    with ThreadPoolExecutor(3) as pool:
        compute(plan, tmp_path / "three", 5, pool=pool)
    assert (tmp_path / "three" / TABLE).read_text() == (tmp_path / "one" / TABLE).read_text()


def test_a_folder_of_another_screen_is_refused(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "run_patient", made_patient)
    compute(plan, tmp_path / "one", 1)
    with pytest.raises(UserError, match="another screen"):
        Table(tmp_path / "one", replace(plan, settings=("vessels.pruning_per_d=0.2",)))


def test_the_command_line_sums_up_and_tells_mistakes(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    compute(plan, tmp_path / "out", 1)
    given = ["--scenario", str(plan.scenario), "--population", str(plan.population), "-o", str(tmp_path / "out")]
    assert main(["screen", "summary", *given]) == 0
    assert "1 patients" in capsys.readouterr().out and (tmp_path / "out" / "summary.json").exists()
    assert main(["screen", "summary", "--population", "atx", "-o", str(tmp_path / "out")]) == 2
    assert "no such file or population; did you mean 'atc'?" in capsys.readouterr().err
    assert main(["screen", "run", *given, "--patients", "0"]) == 2


def test_drugs_act_on_no_patient_before_day_zero(plan: Plan) -> None:
    def days(scenario: Scenario) -> list[float]:
        return [scenario.day(drug.start) for drug in scenario.drugs.values()]

    arms, _ = patient_of(plan, 0)
    assert all(day >= 0.0 for arm in arms for day in days(arm))
    assert np.all([array.sum() == 0 for name, array in day_zero(arms[-1]).items() if name.endswith(".compartments")])
