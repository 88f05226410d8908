"""Apoptosis: every living tumour cell has the basal hazard, nothing else has any."""

import numpy as np
import pytest

from lesionlab.sim.processes.apoptosis import Parameters, update
from lesionlab.sim.state.codes import CellState, Hazard
from tests.made_state import LIVING, changed, clock_at, freeze, remember, state_of, tissue_of_each_state

P = Parameters()


@pytest.mark.parametrize("dt_h", [0.5, 1.0, 24.0])
def test_each_living_cell_has_the_rate_times_the_step(dt_h: float) -> None:
    tissue = tissue_of_each_state()
    freeze(tissue, "state")
    update(state_of(tissue), P, clock_at(dt_h=dt_h))
    expected = [P.rate_per_d * dt_h / 24.0 if code in LIVING else 0.0 for code in CellState]
    assert tissue.hazard[Hazard.APOPTOSIS, 0, 0] == pytest.approx(expected, rel=1e-6)
    assert np.flatnonzero(tissue.hazard.any(axis=(1, 2, 3))) == [Hazard.APOPTOSIS]


def test_a_rate_of_nothing_changes_nothing() -> None:
    state = state_of(tissue_of_each_state())
    before = remember(state)
    update(state, P._replace(rate_per_d=0.0), clock_at())
    assert changed(before, state) == set()
