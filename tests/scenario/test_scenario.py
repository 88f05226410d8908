"""Scenarios: the case's numbers, calendars, inheritance, overrides, and that the files that come with LesionLab are sound."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.messages import path_text
from lesionlab.sim.scenario.json_schema import COMMAND, schema_text
from lesionlab.sim.scenario.load import load_scenario, scenario_folder, scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.treatment.courses import Drug
from lesionlab.sim.treatment.drug_library import library

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"
FILES = sorted(FOLDER.glob("*.yaml"))
NAMES = {
    "case", "untreated", "radiotherapy", "anti_pd1", "anlotinib", "radiotherapy_anti_pd1", "radiotherapy_anlotinib", "anti_pd1_anlotinib",
    "no_low_dose", "no_boost", "anlotinib_from_day_0", "anlotinib_2_on_1_off", "largest_node_cervical", "teaching", "teaching_switches",
    "neck_full_size", "neck_slab", "screen", "equilibrium", "equilibrium_without_t_cells", "equilibrium_anti_pd1",
}
SMALL = """\
schema: 1
start: 2021-07-06
end: 2021-12-31
lesions:
  neck: {size_cm: [10, 8, 6], measured: 2021-07-06}
"""


@pytest.fixture(scope="module")
def case() -> Scenario:
    return load_scenario(FOLDER / "case.yaml")


def small(extra: str = "") -> Scenario:
    return scenario_from_text(SMALL + extra, "small.yaml")


def test_every_file_of_the_interface_is_there() -> None:
    assert {path.stem for path in FILES} == NAMES
    assert scenario_folder() == FOLDER


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_valid_and_survives_being_resolved(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.title
    assert scenario_from_text(scenario.resolved_yaml()) == scenario


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_points_an_editor_to_the_schema(path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[0] == "# yaml-language-server: $schema=./scenario.schema.json"


def test_the_schema_beside_the_scenarios_is_current() -> None:
    kept = (FOLDER / "scenario.schema.json").read_text(encoding="utf-8")
    assert kept == schema_text(), f"write it again: {COMMAND}"


def test_the_case_is_as_reported(case: Scenario) -> None:
    assert list(case.lesions) == ["neck", "mediastinum", "pelvis", "liver"]
    assert case.lesions["neck"].size_cm == (10, 8, 6)
    assert case.lesions["mediastinum"].size_cm == (8.3, 4.3)
    assert [name for name, lesion in case.lesions.items() if lesion.nodal] == ["mediastinum"]
    assert [name for name, lesion in case.lesions.items() if lesion.is_occult] == ["liver"]
    assert (case.start, case.end) == (date(2021, 7, 6), date(2025, 2, 28))
    assert case.arm == "combined"


@pytest.mark.parametrize(("lesion", "volume", "total_gy", "eqd2_gy"), [
    ("neck", "core", 40, 46.7), ("neck", "mass", 30, 32.5), ("mediastinum", "mass", 10, 10.0), ("mediastinum", "core", 10, 10.0),
    ("pelvis", "core", 60, 70.0), ("pelvis", "mass", 45, 48.75),
])
def test_total_dose_and_eqd2(case: Scenario, lesion: str, volume: str, total_gy: float, eqd2_gy: float) -> None:
    course = next(course for course in case.radiotherapy if course.lesion == lesion)
    assert course.total_dose_gy(volume) == total_gy
    assert course.eqd2_gy(volume, 10.0) == pytest.approx(eqd2_gy, abs=0.05)


def test_a_dose_in_2_gy_fractions_is_its_own_eqd2(case: Scenario) -> None:
    assert case.radiotherapy[1].eqd2_gy("mass", alpha_beta_gy=3.0) == pytest.approx(10.0)


def test_fractions_fall_on_working_days(case: Scenario) -> None:
    neck, mediastinum, pelvis = case.radiotherapy
    assert (neck.fraction_dates[0], neck.fraction_dates[-1]) == (date(2021, 7, 6), date(2021, 7, 19))
    assert (mediastinum.fraction_dates[-1], pelvis.fraction_dates[-1]) == (date(2021, 7, 12), date(2021, 10, 1))
    assert [len(course.fraction_dates) for course in case.radiotherapy] == [10, 5, 15]
    assert {day.weekday() for course in case.radiotherapy for day in course.fraction_dates} == {0, 1, 2, 3, 4}


def test_a_course_can_be_given_once_a_week() -> None:
    scenario = small("radiotherapy: [{lesion: neck, start: 2021-07-06, fractions: 3, weekdays: [mon], "
                     "volumes: {mass: {dose_per_fraction_gy: 2}}}]")
    assert scenario.radiotherapy[0].fraction_dates == (date(2021, 7, 12), date(2021, 7, 19), date(2021, 7, 26))


def test_doses_follow_the_interval_up_to_and_including_the_last_day(case: Scenario) -> None:
    days = case.drugs["toripalimab"].dose_days(case.start)
    assert days[:3] == (0.0, 21.0, 42.0)
    assert case.drugs["anlotinib"].dose_days(case.start)[0] == 26.0
    assert case.drugs["anlotinib"].dose_dates()[-1] == date(2025, 2, 28)


def test_two_weeks_on_and_one_off() -> None:
    drug = load_scenario(FOLDER / "anlotinib_2_on_1_off.yaml").drugs["anlotinib"]
    given = [int(day) for day in drug.dose_days(drug.start)[:16]]
    assert given == [*range(14), 21, 22]


def test_missed_doses_are_not_given_and_the_calendar_goes_on() -> None:
    missed = ({"start": date(2021, 8, 3), "until": date(2021, 8, 5)}, {"start": date(2021, 8, 19), "until": date(2021, 8, 30)})
    drug = Drug.model_validate({"class": "vegfr_tki", "dose_mg": 12.0, "start": date(2021, 8, 1), "interval_d": 1.0,
                                "until": date(2021, 8, 20), "missed": missed, "pharmacokinetics": library()["anlotinib"].kinetics})
    assert [day.day for day in drug.dose_dates()] == [1, 2, *range(6, 19)]


def test_the_known_drugs_bring_their_pharmacokinetics(case: Scenario) -> None:
    kinetics = {name: drug.pharmacokinetics for name, drug in case.drugs.items()}
    assert all(kinetics.values())
    assert {name: known.model for name, known in kinetics.items() if known} == {
        "toripalimab": "two_compartments", "anlotinib": "one_compartment"}


def test_the_arms_of_the_case_differ_only_in_their_treatment(case: Scenario) -> None:
    treated = {"untreated": (0, set()), "radiotherapy": (3, set()), "anti_pd1": (0, {"toripalimab"}), "anlotinib": (0, {"anlotinib"}),
               "radiotherapy_anti_pd1": (3, {"toripalimab"}), "radiotherapy_anlotinib": (3, {"anlotinib"}),
               "anti_pd1_anlotinib": (0, {"toripalimab", "anlotinib"})}
    for name, (n_courses, drugs) in treated.items():
        arm = load_scenario(FOLDER / f"{name}.yaml")
        assert arm.arm == name
        assert (len(arm.radiotherapy), set(arm.drugs)) == (n_courses, drugs)
        back = arm.model_copy(update={key: getattr(case, key) for key in ("arm", "title", "note", "radiotherapy", "drugs")})
        assert back == case


def test_the_what_ifs_change_what_their_names_say(case: Scenario) -> None:
    assert [course.lesion for course in load_scenario(FOLDER / "no_low_dose.yaml").radiotherapy] == ["neck", "pelvis"]
    assert not any(course.volumes.core for course in load_scenario(FOLDER / "no_boost.yaml").radiotherapy)
    assert load_scenario(FOLDER / "anlotinib_from_day_0.yaml").drugs["anlotinib"].start == case.start
    cervical = load_scenario(FOLDER / "largest_node_cervical.yaml").radiotherapy
    assert cervical[1].lesion == "mediastinum"
    assert cervical[1].volumes == cervical[0].volumes
    assert load_scenario(FOLDER / "teaching.yaml").lesions["neck"].section_cells == 3500


def unmarked(block: Any, marks: Any, path: tuple[str | int, ...] = ()) -> list[str]:
    """Return the paths of numbers and dates that no `evidence` marks: by a word for a block, or by the key's name."""
    if isinstance(block, dict):
        own = block.get("evidence", marks)
        found = []
        for key, below in block.items():
            if key not in ("evidence", "note", "schema", "title", "arm", "output", "burn_in_d", "time_step_h", "patient"):
                found += unmarked(below, own.get(key) if isinstance(own, dict) else own, (*path, key))
        return found
    if isinstance(block, list):
        return [line for number, below in enumerate(block) for line in unmarked(below, marks, (*path, number))]
    return [] if marks or (isinstance(block, str) and not block[:4].isdigit()) else [path_text(path)]


def test_every_number_of_the_case_is_marked() -> None:
    from lesionlab.sim.scenario.yaml_document import parse

    content = parse((FOLDER / "case.yaml").read_text(encoding="utf-8"), "case.yaml").content
    assert unmarked(content, None) == []
    del content["lesions"]["liver"]["evidence"]
    assert unmarked(content, None) == ["lesions.liver.size_cm[0]", "lesions.liver.size_cm[1]", "lesions.liver.measured",
                                       "lesions.liver.is_occult"]


def test_a_key_that_a_replaced_list_lacks_is_missed_in_the_upper_file(tmp_path: Path) -> None:
    """The list below has the key, on a line of its own; what stood there is gone with it."""
    (tmp_path / "mine.yaml").write_text("schema: 1\nextends: teaching\nradiotherapy:\n"
                                        "  - {lesion: neck, fractions: 3, volumes: {mass: {dose_per_fraction_gy: 2}}}\n")
    with pytest.raises(UserError, match=r"mine\.yaml:4:5: radiotherapy\[0\]\.start: must be given"):
        load_scenario(tmp_path / "mine.yaml")


def test_maps_merge_lists_replace_and_null_takes_away(tmp_path: Path) -> None:
    (tmp_path / "low.yaml").write_text(SMALL + "arm: low\ntitle: low\nscans: [2021-07-06, 2021-08-06]\nseed: 7\n")
    (tmp_path / "mid.yaml").write_text("extends: low.yaml\nseed: null\nlesions: {neck: {nodal: true}}\nscans: [2021-09-06]\n")
    (tmp_path / "top.yaml").write_text("extends: mid.yaml\ndrugs: {}\n")
    scenario = load_scenario(tmp_path / "top.yaml")
    assert (scenario.arm, scenario.title, scenario.seed) == ("top", None, 20210706)
    assert scenario.lesions["neck"].nodal
    assert scenario.lesions["neck"].size_cm == (10, 8, 6)
    assert scenario.scans == (date(2021, 9, 6),)


def test_set_changes_values_in_blocks_and_lists() -> None:
    overrides = ["radiotherapy[0].fractions=5", "lesions.neck.section_cells=500", "drugs.anlotinib=null"]
    scenario = load_scenario(FOLDER / "case.yaml", overrides)
    assert (scenario.radiotherapy[0].fractions, scenario.lesions["neck"].section_cells) == (5, 500)
    assert set(scenario.drugs) == {"toripalimab"}


def test_a_bare_name_means_a_file_that_comes_with_lesionlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_scenario("teaching") == load_scenario(FOLDER / "teaching.yaml")


def test_yaml_is_read_as_version_1_2() -> None:
    """`no` is a word, 1e12 a number, 0o10 eight: PyYAML would differ on each."""
    scenario = small("title: no\nseed: 0o10\nburn_in_d: 1e1\n")
    assert (scenario.title, scenario.seed, scenario.burn_in_d) == ("no", 8, 10.0)


def test_a_size_measured_earlier_stands_for_the_start_and_a_later_one_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be measured later"):
        scenario_from_text(SMALL.replace("measured: 2021-07-06", "measured: 2021-08-01"))


def test_a_scenario_cannot_be_changed(case: Scenario) -> None:
    with pytest.raises(ValueError, match="frozen"):
        case.seed = 1


@pytest.mark.parametrize(("word", "answer"), [
    ("dose_per_fraction_cgy", "; did you mean 'dose_per_fraction_gy'?"), ("interval_weeks", "; did you mean 'interval_d'?"),
    ("zzz", "; known: dose_per_fraction_gy, interval_d"),
])
def test_the_nearest_name_is_offered(word: str, answer: str) -> None:
    assert did_you_mean(word, ["dose_per_fraction_gy", "interval_d"]) == answer


def test_forms_are_off_and_named_strictly() -> None:
    assert not small().forms.absolute_priming and small("forms: {absolute_priming: true}\n").forms.absolute_priming
    with pytest.raises(UserError, match=r"forms\.absolut_priming: unknown key; did you mean 'absolute_priming'"):
        small("forms: {absolut_priming: true}\n")
