"""Arms made from one scenario: what is taken away, what stays, and how the arms are called."""

from collections.abc import Callable

import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.arms import components, keep, named_arms
from lesionlab.sim.scenario.scenario import Scenario
from tests.fake_simulation import scenario

COURSES = """radiotherapy=[
  {lesion: neck, start: 2021-07-06, fractions: 2, volumes: {mass: {dose_per_fraction_gy: 3}}},
  {lesion: neck, start: 2021-08-06, fractions: 1, volumes: {mass: {dose_per_fraction_gy: 2}}},
  {lesion: pelvis, name: hip, start: 2021-09-06, fractions: 3, volumes: {mass: {dose_per_fraction_gy: 3}}}]"""


def names(patient: Scenario, arms: str, by: str = "modalities") -> list[str]:
    return [arm.arm for arm in named_arms(patient, arms, by)]  # type: ignore[arg-type]


def factorial(patient: Scenario) -> tuple[Scenario, ...]:
    return named_arms(patient, "factorial")


def monotherapy(patient: Scenario) -> tuple[Scenario, ...]:
    return named_arms(patient, "monotherapy")


def test_components_are_named_after_their_class_and_the_angiogenic_drug() -> None:
    assert [part.name for part in components(scenario())] == ["radiotherapy", "anti_pd1", "anlotinib"]
    [only] = components(scenario("drugs.toripalimab=null", "radiotherapy=null"))
    assert only == ("anlotinib", (), ("anlotinib",))


def test_by_courses_each_course_has_its_own_name_lesion_or_number() -> None:
    patient = scenario(COURSES.replace("\n", " "))
    found = [(part.name, part.courses) for part in components(patient, "courses") if part.courses]
    assert found == [("radiotherapy_neck", (0,)), ("radiotherapy_neck_2", (1,)), ("radiotherapy_hip", (2,))]


def test_leaving_one_course_out_keeps_the_other_courses_and_the_drugs() -> None:
    patient = scenario(COURSES.replace("\n", " "))
    arms = named_arms(patient, "leave-one-out", "courses")
    assert len(arms) == 6
    months = [[course.start.month for course in arm.radiotherapy] for arm in arms]
    assert months == [[7, 8, 9], [8, 9], [7, 9], [7, 8], [7, 8, 9], [7, 8, 9]]
    assert [list(arm.drugs) for arm in arms[:4]] == [["toripalimab", "anlotinib"]] * 4
    assert len(names(patient, "factorial", "courses")) == 2**5


def test_a_factorial_of_too_many_courses_is_refused_with_what_to_do() -> None:
    course = "{lesion: neck, start: 2021-07-06, fractions: 2, volumes: {mass: {dose_per_fraction_gy: 3}}}"
    patient = scenario(f"radiotherapy=[{', '.join([course] * 7)}]")
    with pytest.raises(UserError, match="9 components make 512 arms, more than 256; choose --arms leave-one-out"):
        named_arms(patient, "factorial", "courses")


def test_monotherapy_is_the_scenario_then_untreated_then_each_alone() -> None:
    assert [arm.arm for arm in monotherapy(scenario())] == ["combined", "untreated", "radiotherapy", "anti_pd1", "anlotinib"]


def test_factorial_holds_every_subset_once() -> None:
    assert names(scenario(), "factorial") == ["combined", "untreated", "radiotherapy", "anti_pd1", "anlotinib",
                                              "radiotherapy_anti_pd1", "radiotherapy_anlotinib", "anti_pd1_anlotinib"]


def test_leave_one_out_takes_each_component_away_once() -> None:
    assert names(scenario(), "leave-one-out") == ["combined", "anti_pd1_anlotinib", "radiotherapy_anlotinib", "radiotherapy_anti_pd1"]


def test_an_arm_keeps_all_but_its_name_title_and_treatments() -> None:
    whole, alone = scenario(), keep(scenario(), ["anti_pd1"])
    assert alone.radiotherapy == () and list(alone.drugs) == ["toripalimab"]
    assert alone.title == "a made-up patient [arm anti_pd1]"
    changed = {"arm", "title", "radiotherapy", "drugs"}
    assert alone.model_dump(exclude=changed) == whole.model_dump(exclude=changed)


def test_the_whole_regimen_is_the_scenario_itself() -> None:
    whole = scenario()
    assert keep(whole, [part.name for part in components(whole)]) is whole
    assert named_arms(whole, None) == (whole,)


def test_a_single_treatment_is_not_made_twice() -> None:
    single = scenario("drugs=null", "arm=alone")
    assert [arm.arm for arm in factorial(single)] == ["alone", "untreated"]


def test_no_treatment_an_unknown_set_and_a_taken_name_are_mistakes() -> None:
    with pytest.raises(UserError, match="no treatment to take away"):
        monotherapy(scenario("drugs=null", "radiotherapy=null"))
    with pytest.raises(UserError, match="the sets are factorial, monotherapy, leave-one-out"):
        named_arms(scenario(), "all")
    with pytest.raises(UserError, match="give it another one"):
        monotherapy(scenario("arm=untreated"))


def test_a_drug_that_is_called_as_another_treatment_is_refused(tiny: Callable[..., Scenario]) -> None:
    drugs = tiny().drugs
    swapped = {"toripalimab": drugs["toripalimab"], "anti_pd1": drugs["anlotinib"]}
    with pytest.raises(UserError, match="two treatments would be called anti_pd1 in arms"):
        named_arms(tiny().model_copy(update={"drugs": swapped}), "factorial")


def test_a_drug_of_a_class_that_arms_do_not_know_is_refused(tiny: Callable[..., Scenario]) -> None:
    whole = tiny()
    other = next(iter(whole.drugs.values())).model_copy(update={"drug_class": "anti_ctla4"})
    with pytest.raises(UserError, match=r"arms cannot be made without a class for ipilimumab in drug_classes"):
        named_arms(whole.model_copy(update={"drugs": {**whole.drugs, "ipilimumab": other}}), "factorial")
