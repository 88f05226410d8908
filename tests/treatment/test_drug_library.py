"""The library of drugs: what each file must say, that a scenario may leave it out, and that what a scenario says counts."""

import json
from pathlib import Path

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import SCHEDULE, SYSTEMIC
from lesionlab.sim.treatment import drug_library
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES
from lesionlab.sim.treatment.drug_library import library

HEAD = """\
schema: 1
start: 2021-07-06
end: 2021-12-31
lesions: {neck: {size_cm: [10, 8, 6], measured: 2021-07-06}}
drugs:
"""
DOSES = "dose_mg: 12, start: 2021-08-01, interval_d: 1, until: 2021-12-31"


def given(name: str, more: str = "") -> Scenario:
    """Return a scenario with one drug."""
    return scenario_from_text(f"{HEAD}  {name}: {{{DOSES}{more}}}\n", "a.yaml")


@pytest.mark.parametrize("name", library())
def test_a_drug_of_the_library_is_named_with_its_doses_only(name: str) -> None:
    drug = given(name).drugs[name]
    assert (drug.drug_class, drug.pharmacokinetics) == (library()[name].file.drug_class, library()[name].kinetics)
    assert scenario_from_text(given(name).resolved_yaml()).drugs[name] == drug


def test_the_library_holds_the_drugs_of_the_case_and_of_the_trials_it_is_compared_with() -> None:
    found = {name: drug.file.drug_class for name, drug in library().items()}
    assert found | dict.fromkeys(("nivolumab", "pembrolizumab", "spartalizumab", "toripalimab"), "anti_pd1") == found
    assert found | dict.fromkeys(("anlotinib", "lenvatinib"), "vegfr_tki") == found


def test_a_drug_and_the_same_drug_written_out_are_one_scenario() -> None:
    long = f"{HEAD}  anlotinib:\n    {{class: vegfr_tki, {DOSES}, pharmacokinetics: {{absorption_per_h: 0.64, clearance_l_per_h: 9.26, " \
           "volume_l: 2010, half_effect_ng_per_ml: 2.9, molar_mass_g_per_mol: 407.4, evidence: literature}}\n"
    assert scenario_from_text(long).drugs == given("anlotinib").drugs


def test_one_value_given_changes_that_value_and_its_mark_alone() -> None:
    own = given("anlotinib", ", pharmacokinetics: {clearance_l_per_h: 12, evidence: assumed}").drugs["anlotinib"].pharmacokinetics
    known = library()["anlotinib"].kinetics
    assert own.model_dump(exclude={"evidence"}) == known.model_dump(exclude={"evidence"}) | {"clearance_l_per_h": 12.0}
    assert isinstance(own.evidence, dict) and {key for key, mark in own.evidence.items() if mark == "assumed"} == {"clearance_l_per_h"}


def test_a_value_without_a_mark_does_not_inherit_that_of_the_value_it_replaces() -> None:
    own = given("toripalimab", ", pharmacokinetics: {clearance_steady_ml_per_h: 12}").drugs["toripalimab"].pharmacokinetics
    assert isinstance(own.evidence, dict) and "clearance_steady_ml_per_h" not in own.evidence
    assert own.evidence["clearance_first_ml_per_h"] == "literature"


def test_pharmacokinetics_that_lack_nothing_stand_as_they_are() -> None:
    """The molar mass is no part of a complete block: records of before it was known resume as they ran."""
    whole = ", pharmacokinetics: {absorption_per_h: 1, clearance_l_per_h: 2, volume_l: 3, half_effect_ng_per_ml: 4}"
    own = given("anlotinib", whole).drugs["anlotinib"].pharmacokinetics
    assert own.model_dump(exclude_none=True) == {"model": "one_compartment", "absorption_per_h": 1.0, "clearance_l_per_h": 2.0,
                                                 "volume_l": 3.0, "half_effect_ng_per_ml": 4.0}


@pytest.mark.parametrize(("name", "more", "message"), [
    ("anlotinb", "", r"^a.yaml:6:3: drugs.anlotinb: must give class \(anti_pd1 or vegfr_tki\) and pharmacokinetics: the library knows "
                     r".*lenvatinib; did you mean 'anlotinib'\?$"),
    ("sorafenib", ", class: vegfr_tki", r"^a.yaml:6:3: drugs.sorafenib: must give pharmacokinetics: the library knows [^;]*$"),
    ("toripalimab", ", pharmacokinetics: {absorption_per_h: 1}", r"drugs.toripalimab.pharmacokinetics.volume_l: must be given"),
    ("toripalimab", ", pharmacokinetics: {clearance_steady_ml_per_h: -2}", r"must be greater than 0 mL/h \(got -2\)$"),
    ("toripalimab", ", pharmacokinetics: 4", r"drugs.toripalimab.pharmacokinetics: must be a block of keys \(got 4\)$")])
def test_what_a_drug_lacks_is_one_message(name: str, more: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        given(name, more)


def test_an_unknown_drug_hides_no_other_mistake() -> None:
    with pytest.raises(UserError) as caught:
        given("anlotinb", ", interval: 1, class: anti_pd")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "drugs.anlotinb", "drugs.anlotinb.class", "drugs.anlotinb.interval"]


WHOLE = """\
label: madeupmab
class: anti_pd1
molar_mass: {value: 1.0, unit: g/mol, evidence: assumed, source: made up}
pharmacokinetics:
"""
KEYS = {"clearance_first_ml_per_h": "mL/h", "clearance_steady_ml_per_h": "mL/h", "clearance_half_time_d": "d", "central_volume_l": "L",
        "peripheral_volume_l": "L", "exchange_ml_per_h": "mL/h", "half_effect_ug_per_ml": "ug/mL"}
VALUES = "".join(f"  {key}: {{value: 1.0, unit: {unit}, evidence: assumed, source: made up}}\n" for key, unit in KEYS.items())


@pytest.mark.parametrize(("wrong", "right", "message"), [
    ("", "", ""), ("unit: d,", "unit: h,", r"clearance_half_time_d: must be in d \(got h\)"),
    ("unit: g/mol,", "unit: kDa,", r"molar_mass: must be in g/mol \(got kDa\)"), ("class: anti_pd1", "class: anti_pd2", "anti_pd2"),
    (", source: made up}", "}", "source"), ("central_volume_l", "volume", "central_volume_l"),
    ("evidence: assumed", "evidence: sure", "sure")])
def test_a_file_of_the_library_must_say_all(wrong: str, right: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "madeupmab.yaml").write_text((WHOLE + VALUES).replace(wrong, right, 1) if wrong else WHOLE + VALUES)
    monkeypatch.setattr(drug_library, "FOLDER", tmp_path)
    if not message:
        assert list(library.__wrapped__()) == ["madeupmab"]
        return
    with pytest.raises(UserError, match=rf"(?s)madeupmab.yaml: .*{message}"):
        library.__wrapped__()


def test_every_class_has_its_place_in_the_schedule_right_after_the_levels_it_reads() -> None:
    names = [row.name for row in SCHEDULE]
    after = names.index("pharmacokinetics") + 1
    assert names[after:after + len(DRUG_CLASSES)] == [row.process for row in DRUG_CLASSES]
    assert {row.process for row in DRUG_CLASSES} <= SYSTEMIC


def test_couplings_said_to_depend_on_a_class_exist() -> None:
    assert {name for row in DRUG_CLASSES for name in row.couplings} <= set(MECHANISMS)
    assert len({row.component or row.name for row in DRUG_CLASSES}) == len(DRUG_CLASSES)


def test_describe_lists_classes_and_every_value_with_unit_evidence_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "drugs"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"{row.name} ({row.label}): effect in {row.process}" in said for row in DRUG_CLASSES)
    for drug in library().values():
        assert f"{drug.name}: {drug.file.drug_class}" in said
        for key, one in drug.file.pharmacokinetics.items():
            assert f"{key} = {one.value:g} {one.unit}: " in said and f"{one.evidence}: {one.source}" in said


def test_describe_prints_one_drug(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "lenvatinib", "--json"]) == 0
    drug = json.loads(capsys.readouterr().out)["drug"]
    assert (drug["class"], drug["model"]) == ("vegfr_tki", "one_compartment")
    assert [one["name"] for one in drug["values"]][-1] == "molar_mass" and {one["unit"] for one in drug["values"]} == {
        "1/h", "L/h", "L", "ng/mL", "g/mol"}
