"""Arms made from one scenario: what is taken away, what stays, and how the arms are called."""

import pytest

from sim.arms import components, factorial, keep, leave_one_out, monotherapy, named_arms
from sim.errors import UserError
from tests.fake_simulation import scenario


def test_components_are_named_after_their_class_and_the_angiogenic_drug() -> None:
    assert components(scenario()) == ("radiotherapy", "anti_pd1", "anlotinib")
    assert components(scenario("drugs.toripalimab=null", "radiotherapy=null")) == ("anlotinib",)


def test_monotherapy_is_the_scenario_then_untreated_then_each_alone() -> None:
    assert [arm.arm for arm in monotherapy(scenario())] == ["combined", "untreated", "radiotherapy", "anti_pd1", "anlotinib"]


def test_factorial_holds_every_subset_once() -> None:
    names = [arm.arm for arm in factorial(scenario())]
    assert names == ["combined", "untreated", "radiotherapy", "anti_pd1", "anlotinib",
                     "radiotherapy_anti_pd1", "radiotherapy_anlotinib", "anti_pd1_anlotinib"]


def test_leave_one_out_takes_each_component_away_once() -> None:
    names = [arm.arm for arm in leave_one_out(scenario())]
    assert names == ["combined", "anti_pd1_anlotinib", "radiotherapy_anlotinib", "radiotherapy_anti_pd1"]


def test_an_arm_keeps_all_but_its_name_title_and_treatments() -> None:
    whole, alone = scenario(), keep(scenario(), ["anti_pd1"])
    assert alone.radiotherapy == () and list(alone.drugs) == ["toripalimab"]
    assert alone.title == "a made-up patient [arm anti_pd1]"
    changed = {"arm", "title", "radiotherapy", "drugs"}
    assert alone.model_dump(exclude=changed) == whole.model_dump(exclude=changed)


def test_the_whole_regimen_is_the_scenario_itself() -> None:
    whole = scenario()
    assert keep(whole, components(whole)) is whole
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
