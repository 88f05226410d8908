"""Reported findings in a scenario: what a user may write, every message, and that the record carries them."""

from datetime import date
from pathlib import Path

import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import load_scenario, scenario_from_text

SCENARIO = """
schema: 1
arm: combined
start: 2021-07-06
end: 2022-07-06
lesions: {neck: {size_cm: [10, 8], measured: 2021-07-06}}
reported:
  smaller: {date: 2021-09-10, lesion: neck, quantity: longest_diameter_change_percent, value: -36, tolerance: 10, status: fitted}
  held: {date: 2022-02-15, quantity: control, value: 0.8, bound: at_least, status: predicted, evidence: {value: case}, note: "well"}
  answered: {date: 2021-09-10, lesion: neck, quantity: response, value: PR, status: fitted}
"""


def test_the_resolved_scenario_carries_every_finding_and_reads_back_the_same() -> None:
    scenario = scenario_from_text(SCENARIO)
    assert list(scenario.reported) == ["smaller", "held", "answered"]
    assert scenario.reported["smaller"].arm == "combined" and scenario.reported["held"].lesion == "patient"
    assert scenario_from_text(scenario.resolved_yaml()) == scenario


def test_the_case_reports_what_it_was_asked_for_and_its_arms_inherit_it() -> None:
    case = load_scenario("case").reported
    assert (case["mediastinum_longest"].value, case["mediastinum_short_axis"].value) == (-36, -40)
    assert case["pelvis_grown"].date == date(2021, 9, 10) and case["liver_seen"].tolerance == 0.5
    assert {name for name, finding in case.items() if finding.status == "predicted"} == {
        "liver_unchanged", "untreated_death", "radiotherapy_alone_response", "radiotherapy_alone_recurrence",
        "anti_pd1_alone_progression", "anlotinib_alone_progression"}
    assert load_scenario("untreated").reported == case
    assert all(finding.evidence for finding in case.values())


@pytest.mark.parametrize(("change", "message"), [
    ("reported.answered.value=3", "reported.answered.value: must be CR, PR, SD or PD"),
    ("reported.smaller.value=PR", "reported.smaller.value: must be a number for the quantity longest_diameter_change_percent"),
    ("reported.held.value=80", "reported.held.value: is a share of runs, from 0 to 1 (got 80)"),
    ("reported.held.bound=about", "reported.held.bound: must be at_least or at_most for a share of runs"),
    ("reported.held.tolerance=1", "reported.held.tolerance: has no meaning for the quantity control"),
    ("reported.smaller.tolerance=null", "reported.smaller.tolerance: must be given for the quantity"),
    ("reported.smaller.tolerance=0", "reported.smaller.tolerance: must be greater than 0"),
    ("reported.smaller.lesion=nek", "reported.smaller.lesion: no lesion is called 'nek'; did you mean 'neck'?"),
    ("reported.smaller.lesion=null", "reported.smaller.lesion: must be given for the quantity"),
    ("reported.smaller.since=2021-10-01", "reported.smaller.since: must be before the date"),
    ("reported.held.since=2021-10-01", "reported.held.since: is for changes in percent only"),
    ("reported.smaller.date=2020-01-01", "reported.smaller.date: must not be before the scenario's start, 2021-07-06"),
    ("reported.smaller.quantity=longest_diameter", "did you mean 'longest_diameter_cm'?"),
    ("reported.smaller.status=fited", "did you mean 'fitted'?"),
    ("reported.smaller.valu=3", "reported.smaller.valu: unknown key; did you mean 'value'?"),
])
def test_each_mistake_in_a_finding_is_one_message(change: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        scenario_from_text(SCENARIO, overrides=[change])
    assert message in str(error.value) and len(str(error.value).splitlines()) == 1


def test_a_what_if_can_take_a_finding_away(tmp_path: Path) -> None:
    (tmp_path / "what_if.yaml").write_text("extends: case\nlesions: {liver: null}\nreported: {liver_seen: null, liver_unchanged: null, "
                                           "progression_by_the_report: null}\n")
    assert "liver_seen" not in load_scenario(tmp_path / "what_if.yaml").reported
