"""Where the time goes: the share of each process of the schedule in a run of the case."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from types import ModuleType
from typing import Any
from unittest.mock import patch

from lesionlab.sim import hour, t_cell_steps
from lesionlab.sim.bench.figure import Effort, Figure, figure
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import SCHEDULE
from lesionlab.sim.simulation import Simulation

GROUP = "share of time"
MICRO_STEPS = "t_cell_motion and t_cell_killing"


def case(cells: int) -> Scenario:
    """Return the case with sections of so many cells."""
    scenario = load_scenario("case", [])
    lesions = {name: lesion.model_copy(update={"section_cells": cells}) for name, lesion in scenario.lesions.items()}
    return scenario.model_copy(update={"lesions": lesions})


@contextmanager
def watching(watched: Sequence[tuple[ModuleType | type, str, str]], spent: Counter[str]) -> Iterator[None]:
    """Add the seconds that each (module or class, function, name) takes in this block to `spent[name]`."""
    patches = [patch.object(module, function, _watch(getattr(module, function), name, spent)) for module, function, name in watched]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


@contextmanager
def timed(spent: Counter[str]) -> Iterator[None]:
    """Add the seconds that each process takes in this block, the plain way, to `spent`."""
    watched: list[tuple[ModuleType | type, str, str]] = [(row.module, "update", row.name) for row in SCHEDULE if row.every != "micro-step"]
    # In a compiled hour no process can be timed alone.
    with patch.object(hour, "is_plain", True), watching([*watched, (t_cell_steps, "advance", MICRO_STEPS)], spent):
        yield


def _watch(work: Callable[..., Any], name: str, spent: Counter[str]) -> Callable[..., Any]:
    def watched(*arguments: Any, **options: Any) -> Any:
        started = perf_counter()
        result = work(*arguments, **options)
        spent[name] += perf_counter() - started  # type: ignore[assignment]
        return result

    return watched


def profile_case(effort: Effort) -> tuple[Simulation, list[Figure]]:
    """Run the case for some days; return it as it stands then, and the share of each process since day 0."""
    model, spent = Simulation(case(effort.cells), until_d=effort.days), Counter[str]()
    started = perf_counter()
    with timed(spent):
        while model.running:
            model.step()
    total = perf_counter() - started
    spent["all else"] = total - sum(spent.values())  # type: ignore[assignment]
    return model, [figure(GROUP, name, [100.0 * took / total], "%") for name, took in spent.most_common()]
