"""Which arms form a factorial: read from what was given, not from what the arm is called."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from lesionlab.analysis.comparison.regimen import factorial, regimen
from lesionlab.analysis.records.record import Record, load
from lesionlab.sim.scenario.arms import named_arms
from lesionlab.sim.scenario.load import load_scenario
from tests.fake_simulation import scenario
from tests.made_record import make_record


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return load(make_record(tmp_path_factory.mktemp("regimen") / "a.h5", every_d=100.0, end_d=200.0, snapshot_every_d=300.0))


def arms_of(record: Record, arms: str, by: str = "modalities", *overrides: str) -> dict[str, Record]:
    """Return a record for each arm of a set, with the scenario that the engine would write into it."""
    made = named_arms(scenario(*overrides), arms, by)  # type: ignore[arg-type]
    return {f"arm {number}": replace(record, scenario_yaml=arm.resolved_yaml()) for number, arm in enumerate(made)}


def test_the_factorial_of_modalities_is_found_whatever_the_arms_are_called(record: Record) -> None:
    found = factorial(arms_of(record, "factorial"))
    assert found is not None and found.is_complete
    assert found.factors == ("radiotherapy", "anti_pd1", "anlotinib")
    assert (found.full, found.untreated) == ("arm 0", "arm 1") and found.singles == ("arm 2", "arm 3", "arm 4")
    assert [sorted(one) for one in found.combinations] == [["anti_pd1", "radiotherapy"], ["anlotinib", "radiotherapy"],
                                                           ["anlotinib", "anti_pd1"], ["anlotinib", "anti_pd1", "radiotherapy"]]


def test_monotherapies_and_the_whole_are_an_incomplete_factorial(record: Record) -> None:
    found = factorial(arms_of(record, "monotherapy"))
    assert found is not None and not found.is_complete and found.combinations == (frozenset(found.factors),)


def test_leave_one_out_holds_none(record: Record) -> None:
    assert factorial(arms_of(record, "leave-one-out")) is None
    assert factorial({"alone": record}) is None


def test_courses_one_by_one_are_factors_of_their_own(record: Record) -> None:
    course = "{{lesion: {}, start: 2021-07-06, fractions: 2, volumes: {{mass: {{dose_per_fraction_gy: 3}}}}}}"
    given = f"radiotherapy=[{course.format('neck')}, {course.format('pelvis')}]"
    found = factorial(arms_of(record, "factorial", "courses", given, "drugs.anlotinib=null"))
    assert found is not None and found.is_complete and len(found.arms) == 8
    assert found.factors == ("radiotherapy_neck", "radiotherapy_pelvis", "anti_pd1")


def test_an_arm_that_differs_in_more_than_treatments_is_no_part_of_it(record: Record) -> None:
    arms = arms_of(record, "factorial")
    arms["no hypoxia"] = replace(record, scenario_yaml=scenario("mechanisms={oxygen_effect: false}").resolved_yaml())
    arms["boosted"] = replace(record, scenario_yaml=scenario("radiotherapy[0].fractions=12").resolved_yaml())
    found = factorial(arms)
    assert found is not None and not {"no hypoxia", "boosted"} & set(found.arms.values())


def test_notes_titles_and_evidence_do_not_part_arms(record: Record) -> None:
    plain, seen = (replace(record, scenario_yaml=text) for text in ("a: 1\n", "a: 1\ntitle: b\nnote: c\nevidence: assumed\narm: d\n"))
    assert regimen(plain) == regimen(seen)
    assert regimen(replace(record, scenario_yaml="a: [")) != regimen(plain)


def test_made_records_tell_what_they_were_given(tmp_path: Path) -> None:
    names = ["untreated", *("_".join(names) for size in (1, 2) for names in combinations(("radiotherapy", "anti_pd1", "anlotinib"), size)),
             "combined"]
    found = factorial({name: load(make_record(tmp_path / f"{name}.h5", name, every_d=100.0, end_d=200.0, snapshot_every_d=300.0))
                       for name in names})
    assert found is not None and found.is_complete and found.full == "combined"


def test_the_arms_of_the_case_that_come_with_lesionlab_are_one_factorial(record: Record) -> None:
    names = ("case", "untreated", "radiotherapy", "anti_pd1", "anlotinib", "radiotherapy_anti_pd1", "radiotherapy_anlotinib",
             "anti_pd1_anlotinib", "no_low_dose", "no_boost")
    found = factorial({name: replace(record, scenario_yaml=load_scenario(name).resolved_yaml()) for name in names})
    assert found is not None and found.is_complete and found.full == "case" and set(found.arms.values()) == set(names[:8])
