"""Arms made from one scenario by taking its treatments away; everything else, luck included, stays the same.

A component is a modality of the regimen: all radiotherapy courses together (`radiotherapy`), all drugs against
PD-1 together (`anti_pd1`) and all anti-angiogenic drugs together (named after the drugs, as in `anlotinib`).
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from types import MappingProxyType

from sim.errors import UserError
from sim.scenario import Scenario

UNTREATED = "untreated"
RADIOTHERAPY = "radiotherapy"
ANTI_PD1 = "anti_pd1"


def components(scenario: Scenario) -> tuple[str, ...]:
    """Return the names of the treatments that the scenario combines: radiotherapy, anti-PD-1, anti-angiogenic."""
    named = [RADIOTHERAPY] if scenario.radiotherapy else []
    named += [ANTI_PD1] if _drugs(scenario, "anti_pd1") else []
    angiogenic = _drugs(scenario, "vegfr_tki")
    return (*named, "_".join(angiogenic)) if angiogenic else tuple(named)


def _drugs(scenario: Scenario, drug_class: str) -> list[str]:
    """Return the names of the scenario's drugs of one class, in their order."""
    return [name for name, drug in scenario.drugs.items() if drug.drug_class == drug_class]


def keep(scenario: Scenario, kept: Iterable[str]) -> Scenario:
    """Return the scenario with the named components only; with all of them it is the scenario itself, arm name included."""
    present = components(scenario)
    ordered = tuple(name for name in present if name in set(kept))
    if ordered == present:
        return scenario
    classes = {"anti_pd1"} & set(ordered) | ({"vegfr_tki"} if set(ordered) - {RADIOTHERAPY, ANTI_PD1} else set())
    arm = "_".join(ordered) or UNTREATED
    return scenario.model_copy(update={
        "arm": arm,
        "title": f"{scenario.title} [arm {arm}]" if scenario.title else None,
        "radiotherapy": scenario.radiotherapy if RADIOTHERAPY in ordered else type(scenario.radiotherapy)(),
        "drugs": {name: drug for name, drug in scenario.drugs.items() if drug.drug_class in classes},
    })


def monotherapy(scenario: Scenario) -> tuple[Scenario, ...]:
    """Return the scenario, the untreated arm and each component alone."""
    return _distinct(scenario, [(), *((name,) for name in components(scenario))])


def factorial(scenario: Scenario) -> tuple[Scenario, ...]:
    """Return the scenario and every other subset of its components, the untreated arm first, pairs last."""
    present = components(scenario)
    return _distinct(scenario, [subset for size in range(len(present)) for subset in combinations(present, size)])


def leave_one_out(scenario: Scenario) -> tuple[Scenario, ...]:
    """Return the scenario and, for each component, the scenario without it."""
    present = components(scenario)
    return _distinct(scenario, [tuple(name for name in present if name != left_out) for left_out in present])


def _distinct(scenario: Scenario, subsets: list[tuple[str, ...]]) -> tuple[Scenario, ...]:
    """Return the scenario first, then the arms of the subsets that differ from it."""
    present = components(scenario)
    if not present:
        raise UserError(f"{scenario.arm}: this scenario has no treatment to take away; leave out --arms")
    made = (scenario, *(keep(scenario, subset) for subset in subsets if subset != present))
    if len({arm.arm for arm in made}) < len(made):
        raise UserError(f"{scenario.arm}: the scenario's arm name is also the name of an arm made from it; "
                        "give it another one with `arm:`")
    return made


ARM_SETS: Mapping[str, Callable[[Scenario], tuple[Scenario, ...]]] = MappingProxyType({
    "factorial": factorial, "monotherapy": monotherapy, "leave-one-out": leave_one_out,
})


def named_arms(scenario: Scenario, name: str | None) -> tuple[Scenario, ...]:
    """Return the arms of a named set, or the scenario alone if no set is named."""
    if name is None:
        return (scenario,)
    if name not in ARM_SETS:
        raise UserError(f"--arms {name}: the sets are {', '.join(ARM_SETS)}")
    return ARM_SETS[name](scenario)
