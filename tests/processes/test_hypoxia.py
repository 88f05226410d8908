"""Hypoxia: quiescence below its threshold, necrosis on a ramp between onset and full rate."""

import numpy as np
import pytest

from lesionlab.sim.processes.hypoxia import Parameters, update
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import DEAD, LIVING, changed, clock_at, freeze, remember, state_of, tissue_of_each_state

P = Parameters()


def starved(oxygen_mmHg: float, dt_h: float = 1.0) -> Tissue:
    tissue = tissue_of_each_state()
    tissue.oxygen.fill(oxygen_mmHg)
    freeze(tissue, "oxygen")
    update(state_of(tissue), P, clock_at(dt_h=dt_h))
    return tissue


@pytest.mark.parametrize(("oxygen_mmHg", "share"), [
    (0.0, 1.0), (P.full_mmHg, 1.0), ((P.full_mmHg + P.onset_mmHg) / 2.0, 0.5), (P.onset_mmHg, 0.0), (40.0, 0.0)])
@pytest.mark.parametrize("dt_h", [1.0, 3.0])
def test_necrosis_rises_from_its_onset_to_its_full_rate(oxygen_mmHg: float, share: float, dt_h: float) -> None:
    tissue = starved(oxygen_mmHg, dt_h)
    expected = [P.necrosis_per_h * share * dt_h if code in LIVING else 0.0 for code in CellState]
    assert tissue.hazard[Hazard.HYPOXIA, 0, 0] == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("oxygen_mmHg", "clonogen"), [
    (P.quiescent_mmHg - 0.1, CellState.QUIESCENT), (P.quiescent_mmHg + 0.1, CellState.PROLIFERATING)])
def test_clonogens_rest_below_the_threshold_and_cycle_above_it(oxygen_mmHg: float, clonogen: int) -> None:
    assert starved(oxygen_mmHg).state[0, 0].tolist() == [CellState.STROMA, clonogen, clonogen, CellState.DOOMED, *DEAD]


def test_the_radioresistant_at_5_mmHg_do_not_die_of_hypoxia() -> None:
    assert (starved(5.0).hazard == 0.0).all()


def test_well_supplied_tissue_is_left_alone() -> None:
    tissue = tissue_of_each_state()
    tissue.state[tissue.state == CellState.QUIESCENT] = CellState.PROLIFERATING
    tissue.oxygen.fill(40.0)
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == set()


def test_only_its_own_hazard_is_written() -> None:
    assert np.flatnonzero(starved(0.0).hazard.any(axis=(1, 2, 3))) == [Hazard.HYPOXIA]
