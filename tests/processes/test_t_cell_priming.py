"""T-cell priming: antigen by cause and with a delay, finite expansion, memory without antigen; pools rest at baseline."""

import numpy as np
import pytest

from lesionlab.sim.model import TumourModel
from lesionlab.sim.processes.t_cell_priming import STAGES, Parameters, hold_baseline, recalled_per_d, update
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.codes import Hazard
from lesionlab.sim.state.state import State
from tests.made_state import bare_tissue, changed, clock_at, remember, state_of

P = Parameters()
FORGETFUL = P._replace(memory_share=0.0)
BURN_IN = clock_at(0, burn_in_steps=10)


def resting_state(antigen_per_d: float = 1e10, p: Parameters = P, **systemic: float) -> State:
    """Return a state whose pools are in balance after a burn-in of 30 days with a constant flow of antigen."""
    state = state_of(bare_tissue(), antigen_ledger=30.0 * antigen_per_d, specific_blood=2e8, bystander_blood=8e8, **systemic)
    hold_baseline(state.systemic, p, 30.0)
    return state


def pass_days(state: State, days: float, antigen_per_d: float, p: Parameters = P) -> None:
    """Let cells die of radiation at a constant rate for some days."""
    for step in range(round(24 * days)):
        state.tissues[0].ledger[Hazard.RADIATION] += antigen_per_d / 24.0
        update(state, p, clock_at(step))


@pytest.mark.parametrize(("cause", "weight"), [
    (Hazard.RADIATION, 1.0), (Hazard.HYPOXIA, P.necrosis_weight), (Hazard.T_CELL, P.t_cell_weight), (Hazard.APOPTOSIS, P.apoptosis_weight),
    (Hazard.FAILED_DIVISION, P.apoptosis_weight), (Hazard.DIVISION, 0.0)])
def test_a_death_gives_antigen_by_its_cause_and_all_of_it_arrives_once(cause: Hazard, weight: float) -> None:
    state, arrived = state_of(bare_tissue(), bare_tissue(name="other")), 0.0
    for tissue in state.tissues:
        tissue.ledger[cause] = 500.0
    for step in range(60 * 24):
        update(state, P, clock_at(step, burn_in_steps=10**6))
        arrived += float(state.systemic.antigen[-1]) / 24.0
    assert arrived == pytest.approx(1000.0 * weight, rel=1e-3)


def test_antigen_arrives_after_its_delay_on_average() -> None:
    state, arrived = state_of(bare_tissue()), []
    state.tissues[0].ledger[Hazard.RADIATION] = 1000.0
    for step in range(60 * 24):
        update(state, P, clock_at(step, burn_in_steps=10**6))
        arrived.append(float(state.systemic.antigen[-1]))
    assert np.average(np.arange(len(arrived)) / 24.0, weights=arrived) == pytest.approx(P.delay_d, rel=0.03)


def test_pools_are_held_during_the_burn_in() -> None:
    state = resting_state()
    state.tissues[0].ledger[:] = 1e12
    before = remember(state)
    update(state, P, BURN_IN)
    assert changed(before, state) == {"antigen", "antigen_ledger"}


@pytest.mark.parametrize("p", [P, FORGETFUL])
def test_pools_and_memory_rest_at_their_baseline_while_the_antigen_does(p: Parameters) -> None:
    state = resting_state(p=p)
    memory = state.systemic.memory
    pass_days(state, 60.0, 1e10, p)
    assert state.systemic.specific_blood == pytest.approx(2e8, rel=0.005)
    assert state.systemic.bystander_blood == pytest.approx(8e8, rel=0.005)
    assert state.systemic.memory == pytest.approx(memory, rel=0.005)


def test_supply_and_recall_replace_what_dies_in_blood_and_what_leaves_for_the_lesions() -> None:
    systemic = resting_state(efflux_specific=3e6, efflux_bystander=5e6).systemic
    assert systemic.supply_specific + P.recall_per_d * systemic.memory == pytest.approx(2e8 / P.blood_lifespan_d + 3e6)
    assert systemic.supply_bystander == pytest.approx(8e8 / P.blood_lifespan_d + 5e6)
    # Memory at rest: what a constant supply leaves behind over the memory's life.
    assert systemic.memory == pytest.approx(P.memory_share * systemic.supply_specific * P.memory_lifespan_d)


def test_the_antigen_at_rest_is_the_mean_over_the_burn_in() -> None:
    """Ten days at 1e9 and ten at 3e9: the stages stand near 3e9 when the burn-in ends, and are set back to the mean."""
    state = state_of(bare_tissue(), specific_blood=2e8, bystander_blood=8e8)
    for step in range(480):
        state.tissues[0].ledger[Hazard.RADIATION] += (1e9 if step < 240 else 3e9) / 24.0
        update(state, P, clock_at(step, burn_in_steps=480))
    assert state.systemic.antigen[-1] > 2.8e9
    hold_baseline(state.systemic, P, 20.0)
    assert state.systemic.baseline_antigen == pytest.approx(2e9)
    assert state.systemic.antigen.tolist() == [state.systemic.baseline_antigen] * STAGES
    assert state.systemic.antigen_ledger == 0.0


@pytest.mark.parametrize(("dead", "days"), [(0.0, 0.0), (5e9, 0.0), (0.0, 30.0)])
def test_without_a_burn_in_or_deaths_in_it_the_antigen_at_rest_is_half_maximal(dead: float, days: float) -> None:
    systemic = state_of(bare_tissue(), antigen_ledger=dead).systemic
    hold_baseline(systemic, P, days)
    assert systemic.baseline_antigen == P.antigen_half_per_d


def test_the_model_holds_the_baseline_when_its_burn_in_ends(untreated: Scenario) -> None:
    systemic = TumourModel(untreated).state.systemic
    assert systemic.baseline_antigen not in (0.0, P.antigen_half_per_d)
    assert systemic.antigen.tolist() == [systemic.baseline_antigen] * STAGES
    assert systemic.supply_specific > 0.0 and systemic.memory > 0.0 and systemic.supply_bystander > 0.0


def test_expansion_is_finite_however_much_dies() -> None:
    """At most (A0 + A50) / A0 of the supply: doubled at a baseline of A50."""
    state = resting_state(P.antigen_half_per_d, FORGETFUL)
    pass_days(state, 90.0, 1e20, FORGETFUL)
    assert state.systemic.specific_blood == pytest.approx(4e8, rel=0.01)


def test_without_antigen_priming_ends_and_bystanders_stay() -> None:
    state = resting_state(p=FORGETFUL)
    pass_days(state, 120.0, 0.0, FORGETFUL)
    assert state.systemic.specific_blood < 0.01 * 2e8
    assert state.systemic.bystander_blood == pytest.approx(8e8, rel=0.005)


@pytest.mark.parametrize("dt_h", [1.0, 24.0])
def test_bystanders_never_pass_their_baseline_when_the_lesions_ask_for_less(dt_h: float) -> None:
    """The lesions took 4e7 a day before day 0 and take nothing now: the supply falls to what dies. Past it is only the step's error."""
    highest = 8e8 * (1.0 + 1.01 * dt_h / 24.0 / (2.0 * P.blood_lifespan_d**2))
    state = resting_state(efflux_bystander=4e7)
    state.systemic.efflux_bystander = 0.0
    for step in range(round(60 * 24 / dt_h)):
        update(state, P, clock_at(step, dt_h=dt_h))
        assert state.systemic.bystander_blood <= highest
    assert state.systemic.bystander_blood == pytest.approx(8e8, rel=0.005)


def test_lost_bystanders_come_back_no_faster_than_their_supply() -> None:
    state = resting_state()
    systemic, pools = state.systemic, [4e8]
    systemic.bystander_blood = pools[0]
    for step in range(120 * 24):
        update(state, P, clock_at(step))
        pools.append(systemic.bystander_blood)
    gained = np.diff(pools) * 24.0 + np.array(pools[:-1]) / P.blood_lifespan_d
    assert gained.max() <= systemic.supply_bystander * 1.003
    assert np.diff(pools).min() > -8e8 * 1e-6
    # Filled at a constant supply s: s tau (1 - exp(-t / tau)) + pool exp(-t / tau), and at rest in the end.
    assert pools[5 * 24] == pytest.approx(8e8 - 4e8 * np.exp(-5.0 / P.blood_lifespan_d), rel=0.005)
    assert pools[-1] == pytest.approx(8e8, rel=0.001)


def test_bystanders_fall_where_the_lesions_ask_for_more_than_the_supply() -> None:
    state = resting_state()
    state.systemic.efflux_bystander = 4e8
    supplied = state.systemic.supply_bystander / 24.0
    update(state, P, clock_at())
    assert state.systemic.bystander_blood - 8e8 == pytest.approx(supplied + 8e8 * np.expm1(-1.0 / 24.0 / P.blood_lifespan_d))


def test_a_share_of_the_primed_becomes_memory() -> None:
    state = resting_state()
    state.systemic.memory = 0.0
    pass_days(state, 30.0, 1e10)
    gained = P.memory_share * state.systemic.supply_specific * P.memory_lifespan_d * -np.expm1(-30.0 / P.memory_lifespan_d)
    assert state.systemic.memory == pytest.approx(gained, rel=0.01)


def test_memory_supplies_effectors_without_antigen() -> None:
    state = resting_state()
    state.systemic.memory, state.systemic.specific_blood = 1e8, 0.0
    state.systemic.antigen[:] = 0.0
    update(state, P, clock_at())
    assert state.systemic.specific_blood == pytest.approx(P.recall_per_d * 1e8 / 24.0)


ABSOLUTE = FORGETFUL._replace(supply_most_per_d=1e8)


def absolute_state(p: Parameters = ABSOLUTE, **systemic: float) -> State:
    return state_of(bare_tissue(), specific_blood=2e8, bystander_blood=8e8, is_supply_absolute=True, **systemic)


@pytest.mark.parametrize("antigen_per_d", [1e9, 1e11])
def test_absolute_supply_follows_antigen_and_nothing_else_of_day_0(antigen_per_d: float) -> None:
    """In blood rest S_max E(A) (1 - s_V) x 10 d, whatever the antigen was on day 0."""
    state = absolute_state(antigen_ledger=30.0 * 1e10, priming_left=0.5)
    hold_baseline(state.systemic, ABSOLUTE, 30.0)
    pass_days(state, 150.0, antigen_per_d, ABSOLUTE)
    assert state.systemic.specific_blood == pytest.approx(1e8 * antigen_per_d / (antigen_per_d + 1e10) * 0.5 * 10.0, rel=0.01)
    assert state.systemic.bystander_blood == pytest.approx(8e8, rel=0.005)


def test_absolute_recall_needs_antigen() -> None:
    state = absolute_state(memory=1e8)
    state.systemic.specific_blood, state.systemic.naive = 0.0, 0.0
    update(state, P, clock_at())
    assert state.systemic.specific_blood == 0.0
    state.systemic.antigen[:] = P.antigen_half_per_d
    assert recalled_per_d(state.systemic, P) == pytest.approx(P.recall_per_d * state.systemic.memory / 2.0)


def test_under_absolute_supply_the_pools_of_the_burn_in_run_under_the_law_of_later() -> None:
    """At constant antigen and a constant efflux the pool and memory that the burn-in ends with are those that stay."""
    p = P._replace(supply_most_per_d=1e8)
    state = absolute_state(p, efflux_specific=1e6)
    for step in range(150 * 24):
        state.tissues[0].ledger[Hazard.RADIATION] += 1e10 / 24.0
        update(state, p, clock_at(step, burn_in_steps=150 * 24))
    systemic = state.systemic
    assert systemic.memory == pytest.approx(0.1 * 400.0 * 1e8 / 2.0, rel=0.01)
    assert systemic.specific_blood == pytest.approx(10.0 * (1e8 / 2.0 + 0.02 * systemic.memory / 2.0 - 1e6), rel=0.01)
    memory, specific = systemic.memory, systemic.specific_blood
    hold_baseline(systemic, p, 150.0)
    assert (systemic.memory, systemic.specific_blood) == (memory, specific)
    state.tissues[0].ledger[:] = 0.0
    for step in range(30 * 24):
        state.tissues[0].ledger[Hazard.RADIATION] += 1e10 / 24.0
        update(state, p, clock_at(step))
        systemic.specific_blood -= 1e6 / 24.0
    assert systemic.memory == pytest.approx(memory, rel=0.01) and systemic.specific_blood == pytest.approx(specific, rel=0.01)


def test_lost_naive_cells_lower_priming_and_recover() -> None:
    state = resting_state(naive=0.5)
    pass_days(state, P.naive_recovery_d, 1e10)
    assert state.systemic.naive == pytest.approx(1.0 - 0.5 * np.exp(-1.0), rel=1e-3)
    half, full = resting_state(p=FORGETFUL, naive=0.5), resting_state(p=FORGETFUL)
    for one in (half, full):
        one.systemic.specific_blood = 0.0
        pass_days(one, 1.0 / 24.0, 1e10, FORGETFUL)
    assert half.systemic.specific_blood == pytest.approx(full.systemic.specific_blood / 2.0, rel=0.01)
