"""VEGF blockade: inhibition, normalisation and pruning follow the level; pruning needs more drug than normalisation."""

import pytest

from lesionlab.sim.processes.vegf_blockade import Parameters, update
from lesionlab.sim.state.state import DrugLevel, Systemic
from tests.made_state import changed, clock_at, remember, state_of

P = Parameters()


def effects(relative_level: float, drug_class: str = "vegfr_tki", p: Parameters = P) -> Systemic:
    state = state_of(drugs=[DrugLevel("drug", drug_class, relative_level=relative_level)])
    update(state, p, clock_at())
    return state.systemic


def test_each_effect_is_half_at_its_own_level() -> None:
    assert effects(1.0).vegfr_inhibition == pytest.approx(0.5)
    assert effects(P.normalisation_ratio).normalisation == pytest.approx(0.5)
    assert effects(P.normalisation_ratio * P.pruning_ratio).pruning == pytest.approx(0.5)


@pytest.mark.parametrize("level", [0.1, 1.0, 18.0])
def test_pruning_stays_below_normalisation_unless_their_potencies_are_equal(level: float) -> None:
    assert 0.0 < effects(level).pruning < effects(level).normalisation < effects(level).vegfr_inhibition < 1.0
    equal = effects(level, p=P._replace(pruning_ratio=1.0))
    assert equal.pruning == equal.normalisation


@pytest.mark.parametrize(("level", "drug_class"), [(0.0, "vegfr_tki"), (50.0, "anti_pd1")])
def test_without_the_drug_there_is_no_effect(level: float, drug_class: str) -> None:
    state = state_of(drugs=[DrugLevel("drug", drug_class, relative_level=level)])
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == set()
    assert (state.systemic.vegfr_inhibition, state.systemic.normalisation, state.systemic.pruning) == (0.0, 0.0, 0.0)
