"""Arms made from one scenario by taking its treatments away; everything else, including the random streams, stays the same.

A component is a part of the regimen that can be taken away. By `modalities`: all radiotherapy courses together (`radiotherapy`), and all
drugs of a class together, named as the class's row in the registry says (`anti_pd1`, or after the drugs, as in `anlotinib`). By
`courses`: each course of radiotherapy on its own (`radiotherapy_neck`), and the drugs as before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Literal, NamedTuple

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES

UNTREATED = "untreated"
RADIOTHERAPY = "radiotherapy"
Parts = Literal["modalities", "courses"]
MOST_ARMS = 256


class Component(NamedTuple):
    """A part of a regimen: its name, the places of its courses in the scenario, and the names of its drugs."""

    name: str
    courses: tuple[int, ...] = ()
    drugs: tuple[str, ...] = ()


def components(scenario: Scenario, by: Parts = "modalities") -> tuple[Component, ...]:
    """Return the parts that the scenario combines: radiotherapy (whole or course by course) and every class of drugs."""
    courses = tuple(range(len(scenario.radiotherapy)))
    found = [Component(RADIOTHERAPY, courses)] if courses and by == "modalities" else []
    if by == "courses":
        found = [Component(name, (place,)) for place, name in zip(courses, _course_names(scenario), strict=True)]
    for row in DRUG_CLASSES:
        drugs = tuple(name for name, drug in scenario.drugs.items() if drug.drug_class == row.name)
        if drugs:
            found.append(Component(row.component or "_".join(drugs), drugs=drugs))
    names = [component.name for component in found]
    if again := next((name for index, name in enumerate(names) if name in names[:index]), None):
        raise UserError(f"{scenario.arm}: two treatments would be called {again} in arms; give the drug or the course another name")
    lost = sorted(set(scenario.drugs) - {name for component in found for name in component.drugs})
    if lost:
        # Left out, they would be missing from every arm but the full one, and synergy would be theirs.
        raise UserError(f"{scenario.arm}: arms cannot be made without a class for {', '.join(lost)} in drug_classes")
    return tuple(found)


def _course_names(scenario: Scenario) -> list[str]:
    """Return a name for each course: its own or its lesion's, a second course of that name numbered."""
    names: list[str] = []
    for course in scenario.radiotherapy:
        name = f"{RADIOTHERAPY}_{course.name or course.lesion}"
        alike = [course.name or course.lesion for course in scenario.radiotherapy[:len(names)]].count(course.name or course.lesion)
        names.append(f"{name}_{alike + 1}" if alike else name)
    return names


def keep(scenario: Scenario, kept: Iterable[str], by: Parts = "modalities") -> Scenario:
    """Return the scenario with the named components only; with all of them it is the scenario itself, arm name included."""
    kept_names = set(kept)
    present = components(scenario, by)
    staying = [component for component in present if component.name in kept_names]
    if len(staying) == len(present):
        return scenario
    arm = "_".join(component.name for component in staying) or UNTREATED
    courses = {place for component in staying for place in component.courses}
    drugs = {name for component in staying for name in component.drugs}
    return scenario.model_copy(update={
        "arm": arm,
        "title": f"{scenario.title} [arm {arm}]" if scenario.title else None,
        "radiotherapy": tuple(course for place, course in enumerate(scenario.radiotherapy) if place in courses),
        "drugs": {name: drug for name, drug in scenario.drugs.items() if name in drugs},
    })


Subsets = list[tuple[str, ...]]


def _monotherapy(names: Sequence[str]) -> Subsets:
    """Return none and each component alone."""
    return [(), *((name,) for name in names)]


def _factorial(names: Sequence[str]) -> Subsets:
    """Return every subset, the untreated arm first, the largest last."""
    return [subset for size in range(len(names)) for subset in combinations(names, size)]


def _leave_one_out(names: Sequence[str]) -> Subsets:
    """Return all components but one, for each."""
    return [tuple(name for name in names if name != left_out) for left_out in names]


ARM_SETS: Mapping[str, Callable[[Sequence[str]], Subsets]] = MappingProxyType({
    "factorial": _factorial, "monotherapy": _monotherapy, "leave-one-out": _leave_one_out,
})


def named_arms(scenario: Scenario, name: str | None, by: Parts = "modalities") -> tuple[Scenario, ...]:
    """Return the scenario and the other arms of a named set, or the scenario alone if no set is named.

    Raises:
        UserError: an unknown set, nothing to take away, too many arms, or an arm whose name is taken.
    """
    if name is None:
        return (scenario,)
    if name not in ARM_SETS:
        raise UserError(f"--arms {name}: the sets are {', '.join(ARM_SETS)}")
    names = [component.name for component in components(scenario, by)]
    if not names:
        raise UserError(f"{scenario.arm}: this scenario has no treatment to take away; leave out --arms")
    if name == "factorial" and 2 ** len(names) > MOST_ARMS:
        raise UserError(f"{scenario.arm}: {len(names)} components make {2 ** len(names)} arms, more than {MOST_ARMS}; "
                        "choose --arms leave-one-out or --components modalities")
    made = (scenario, *(keep(scenario, subset, by) for subset in ARM_SETS[name](names) if len(subset) < len(names)))
    if len({arm.arm for arm in made}) < len(made):
        raise UserError(f"{scenario.arm}: the scenario's arm name is also the name of an arm made from it; "
                        "give it another one with `arm:`")
    return made
