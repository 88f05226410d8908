"""Calendars: fractions at their hours, doses by exact arithmetic, rows and pictures from day 0; a refusal says what can be kept."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction as Rational
from pathlib import Path

import h5py
import numpy as np
import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs.job import days_until
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.runs.switching import not_given, with_washout
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.treatment.courses import Drug
from lesionlab.sim.treatment.drug_library import library
from tests.tiny_arm import TREATED

MakeScenario = Callable[..., Scenario]
LATE = """
schema: 1
start: 2024-01-01
end: 2024-03-01
burn_in_d: 5
lesions: {neck: {size_cm: [6, 5, 4], measured: 2024-01-01, section_cells: 500}}
radiotherapy: [{lesion: neck, start: 2024-01-08, fractions: 5, volumes: {mass: {dose_per_fraction_gy: 3}}}]
scans: [2024-01-01, 2024-02-01, 2024-03-01]
"""
COURSE = "radiotherapy=[{lesion: neck, start: 2021-07-05, fractions: %s, volumes: {mass: {dose_per_fraction_gy: 2}}%s}]"


def drug(interval_d: float, days: int, **more: object) -> Drug:
    """Return a drug from 2024-01-01 on for some days."""
    return Drug.model_validate({"class": "vegfr_tki", "dose_mg": 12.0, "start": date(2024, 1, 1), "interval_d": interval_d,
                                "until": date(2024, 1, 1) + timedelta(days=days - 1),
                                "pharmacokinetics": library()["anlotinib"].kinetics, **more})


def test_fractions_are_given_at_their_hours(tiny: MakeScenario) -> None:
    scenario = tiny(COURSE % (3, ", hours: [8, 16]"))
    assert scenario.radiotherapy[0].fraction_times == ((date(2021, 7, 5), 8.0), (date(2021, 7, 5), 16.0), (date(2021, 7, 6), 8.0))
    model = TumourModel(scenario)
    while model.running:
        model.step()
    assert [round(24 * event.time_d) for event in model.events if event.kind == "fraction"] == [8, 16, 32]


def test_without_hours_the_one_fraction_of_a_day_comes_as_the_day_begins(tiny: MakeScenario) -> None:
    plain, stated = tiny(), tiny("radiotherapy[0].hours=[0]")
    assert plain.radiotherapy[0].fraction_days(plain.start) == stated.radiotherapy[0].fraction_days(plain.start) == (1.0, 2.0)
    assert "hours" not in plain.resolved_yaml() and "hours" in stated.resolved_yaml()


def test_two_fractions_a_day_are_checked_with_their_number_dates_hours_and_eqd2(capsys: pytest.CaptureFixture[str]) -> None:
    """68 x 1.2 Gy twice a day is 81.6 Gy in 34 working days; EQD2 81.6 (1.2 + 10) / 12 = 76.16 Gy."""
    course = "{lesion: neck, start: 2024-01-08, fractions: 68, hours: [8, 16], volumes: {mass: {dose_per_fraction_gy: 1.2}}}"
    assert main(["check", "teaching", "--set", f"radiotherapy=[{course}]"]) == 0
    assert ("mass 68 x 1.2 Gy = 81.6 Gy (EQD2 76.16 Gy, alpha/beta 10 Gy); 2024-01-08 to 2024-02-22, mon tue wed thu fri at 8 and 16 h"
            in capsys.readouterr().out)


def test_fractions_of_an_hour_are_not_those_of_another_in_a_fork(tiny: MakeScenario) -> None:
    parent, same, later = (tiny(COURSE % (4, hours)) for hours in (", hours: [8, 16]", ", hours: [8, 16]", ", hours: [8, 20]"))
    assert not_given(same, parent, 1.0) == []
    assert not_given(later, parent, 1.0) == ["1 fractions that tiny plans before day 1 are not given: the past stands as it is"]
    assert not_given(later, parent, 2.0)[0].startswith("2 fractions")


def test_a_dose_that_is_taken_as_a_fork_begins_belongs_to_its_future(tiny: MakeScenario) -> None:
    """Every 16.8 h the eighth dose is due at 117.6 h, and in steps of four hours taken at 120 h, as day 5 begins."""
    often = "drugs={anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-05, interval_d: 0.7, until: 2021-07-10}}"
    long = ("end=2021-07-20", "output.scalars_every_h=24", "time_step_h=4")
    parent, future = tiny(*long, often), tiny(*long, "drugs=null")
    assert not_given(parent, future, 5.0) == ["7 doses that tiny plans before day 5 are not given: the past stands as it is"]
    assert not_given(parent, future, 6.0)[0].startswith("9 doses")
    washed = with_washout(future, parent, {"systemic.drugs.anlotinib.compartments": np.ones(3)}, 5.0)
    assert [round(24 * day, 6) for day in washed.drugs["anlotinib"].dose_days(parent.start)] == [0, 16.8, 33.6, 50.4, 67.2, 84]


@pytest.mark.parametrize(("change", "said"), [
    ("radiotherapy[0].weekdays=[mon, mon, tue]", r"weekdays\[1\]: mon stands twice: .* two fractions a day are written `hours: \[8, 16\]`"),
    ("radiotherapy[0].hours=[8, 8]", r"hours\[1\]: 8 stands twice"), ("radiotherapy[0].hours=[16, 8]", "must rise: 8, 16"),
    ("radiotherapy[0].hours=[8.5]", r"hours\[0\]: must be a whole number of steps of 1 h: 8 h or 9 h can be kept \(got 8.5 h\)"),
    ("radiotherapy[0].hours=[24]", "must be less than 24 h"), ("radiotherapy[0].hours=[]", "at least 1 entries"),
    ("scans=[2021-07-05, 2021-07-05]", r"scans\[1\]: 2021-07-05 stands twice"),
    ("output.checkpoints=[2021-07-06, 2021-07-06]", r"output.checkpoints\[1\]: 2021-07-06 stands twice"),
    ("output.scalars_every_h=1.5", r"scalars_every_h: must be a whole number of steps of 1 h: 1 h or 2 h can be kept \(got 1.5 h\)"),
    ("output.snapshots_every_d=0.1", r"snapshots_every_d: .*: 0.0833333 d \(2 h\) or 0.125 d \(3 h\) can be kept \(got 0.1 d\)"),
    ("drugs.anlotinib.interval_d=0.33", r"interval_d: .*: 0.329167 d \(7.9 h\) or 0.333333 d \(8 h\) can be kept \(got 0.33 d\)"),
    ("time_step_h=0.7", r"time_step_h: .* divides the day: 0.6 or 0.8 h can be kept \(got 0.7\)"),
    ("output.snapshots_every_d=1e308", "must be at most 1e\\+06 d"), ("output.scalars_every_h=1e-300", "1 h can be kept"),
    ("time_step_h=0.01", "0.1 h can be kept"), ("time_step_h=23", "12 or 24 h can be kept"),
])
def test_what_cannot_be_kept_is_refused_with_what_can(change: str, said: str, tiny: MakeScenario) -> None:
    with pytest.raises(UserError, match=said):
        tiny(change)


def test_what_a_shorter_step_can_keep_it_keeps(tiny: MakeScenario) -> None:
    scenario = tiny("time_step_h=0.5", "output.scalars_every_h=1.5", "radiotherapy[0].hours=[8.5]")
    assert (scenario.output.scalars_every_h, scenario.radiotherapy[0].hours) == (1.5, (8.5,))
    with pytest.raises(UserError, match=r"--until 0.7: .* 0.666667 d \(16 h\) or 0.708333 d \(17 h\) can be kept"):
        days_until(tiny(), "0.7")
    assert days_until(tiny("time_step_h=0.1", "output.scalars_every_h=24"), "0.7") == 0.7


@pytest.mark.parametrize(("fractions", "hours", "is_within"), [
    (3, "[0]", True), (4, "[0]", True), (5, "[0]", False), (8, "[0, 12]", False), (7, "[0, 12]", True)])
def test_a_fraction_after_the_runs_end_is_refused(fractions: int, hours: str, is_within: bool, tiny: MakeScenario) -> None:
    """The run ends as 8 July, a Thursday, begins: the seventh of two a day from Monday on is then, the eighth is later."""
    change = COURSE % (fractions, f", hours: {hours}")
    if is_within:
        assert tiny(change).radiotherapy[0].fractions == fractions
    else:
        with pytest.raises(UserError, match="is after the scenario's end, "):
            tiny(change)


def test_doses_are_counted_by_exact_arithmetic() -> None:
    """0.7 d on 7 days, off 7: ten doses in each of six cycles, nine in the six days of the last; 70 by floating point."""
    assert len(drug(0.7, 90, days_on=7, days_off=7).dose_dates()) == 69


@pytest.mark.parametrize("interval", ["0.1", "0.2", "0.3", "0.35", "0.7", "0.9", "1", "1.1", "1.4", "2.8", "7"])
@pytest.mark.parametrize(("on", "off"), [(7, 7), (14, 7), (5, 2), (1, 1), (3, 4)])
def test_doses_are_those_of_rational_arithmetic(interval: str, on: int, off: int) -> None:
    exact, days = Rational(interval), 100
    due = [n * exact for n in range(int(days / exact) + 2) if n * exact < days and n * exact % (on + off) < on]
    given = drug(float(interval), days, days_on=on, days_off=off)
    assert given.dose_days(date(2024, 1, 1)) == tuple(float(time) for time in due)
    # 2024 is a leap year: 29 February is a day like any other.
    assert given.dose_dates() == tuple(date(2024, 1, 1) + timedelta(days=int(time)) for time in due)


def test_missed_periods_and_the_last_day_count_in_whole_days() -> None:
    """Due every 16.8 h, the last of ten days at 235.2 h; those at 168, 184.8 and 201.6 h fall on the 8th and 9th."""
    missed = ({"start": date(2024, 1, 8), "until": date(2024, 1, 9)},)
    taken = drug(0.7, 10, missed=missed).dose_days(date(2024, 1, 1))
    assert [round(24 * day, 6) for day in taken] == [0, 16.8, 33.6, 50.4, 67.2, 84, 100.8, 117.6, 134.4, 151.2, 218.4, 235.2]


def test_doses_between_steps_are_taken_at_the_later_one_and_check_says_so(capsys: pytest.CaptureFixture[str], tiny: MakeScenario) -> None:
    """At 0, 16.8, 33.6, 50.4 and 67.2 h, hence in the steps that begin at 0, 17, 34, 51 and 68 h."""
    model = TumourModel(tiny("drugs={anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-05, interval_d: 0.7, until: 2021-07-08}}"))
    while model.running:
        model.step()
    assert [round(24 * event.time_d) for event in model.events if event.kind == "dose"] == [0, 17, 34, 51, 68]
    Path("a.yaml").write_text(TREATED)
    assert main(["check", "a.yaml", "--set", "drugs.anlotinib.interval_d=0.7"]) == 0
    assert ("5 doses, 2021-07-06 to 2021-07-08; 2 of them after the run's end, the beginning of 2021-07-08; one that is due between two "
            "steps is taken at the later" in capsys.readouterr().out)


def test_rows_and_pictures_count_from_day_0(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    simulate(scenario_from_text(LATE, overrides=["output={scalars_every_h: 72, snapshots_every_d: 7}"]), path, until_d=15.0)
    with h5py.File(path) as record:
        assert record["time"][:].tolist() == [0.0, 3.0, 6.0, 9.0, 12.0, 15.0]
        assert record["snapshots/neck/snapshot_time"][:].tolist() == [0.0, 7.0, 14.0, 15.0]
    assert read_run(path).committed_d == 15.0


@pytest.mark.parametrize(("every_h", "days"), [(24, []), (72, []), (48, []), (96, ["2024-02-01"]), (1000, ["2024-02-01"])])
def test_scans_that_no_row_serves_are_known_beforehand(every_h: int, days: list[str]) -> None:
    """Day 31: rows of three days stand on day 30, a day before; of four days on day 28; the end has a row of its own."""
    scenario = scenario_from_text(LATE, overrides=[f"output.scalars_every_h={every_h}"])
    assert [str(day) for day in scenario.days_without_row(1.0)] == days
    assert scenario.days_without_row(1.0, until_d=31.0) == ()


def test_compare_refuses_rows_that_cannot_serve_its_scans_before_it_computes(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", lambda *_, **__: pytest.fail("computed"))
    Path("a.yaml").write_text(LATE + "output: {scalars_every_h: 96}\n")
    assert main(["compare", "a.yaml", "-o", "out", "--engine", "serial"]) == 2
    said = capsys.readouterr().err
    assert "a: output.scalars_every_h: rows every 96 h leave none within a day before 1 of the days" in said and "2024-02-01" in said
    assert not Path("out").exists()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
