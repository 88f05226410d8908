"""Checkpoint blockade: occupancy is c / (1 + c) of the anti-PD-1 drugs together, of no others."""

import pytest

from lesionlab.sim.processes.checkpoint_blockade import Parameters, update
from lesionlab.sim.state.state import DrugLevel
from tests.made_state import changed, clock_at, remember, state_of


def drug(drug_class: str, relative_level: float) -> DrugLevel:
    return DrugLevel(f"{drug_class}_{relative_level}", drug_class, relative_level=relative_level)


@pytest.mark.parametrize(("relative_levels", "occupancy"), [((), 0.0), ((0.0,), 0.0), ((1.0,), 0.5), ((99.0,), 0.99), ((1.0, 2.0), 0.75)])
def test_occupancy_saturates_with_the_level(relative_levels: tuple[float, ...], occupancy: float) -> None:
    state = state_of(drugs=[drug("anti_pd1", level) for level in relative_levels])
    update(state, Parameters(), clock_at())
    assert state.systemic.pd1_occupancy == pytest.approx(occupancy)


def test_another_class_occupies_nothing() -> None:
    state = state_of(drugs=[drug("vegfr_tki", 50.0)])
    before = remember(state)
    update(state, Parameters(), clock_at())
    assert state.systemic.pd1_occupancy == 0.0
    assert changed(before, state) == set()
