"""Pharmacokinetics: levels, accumulation and half-lives of both drugs as published; a drug without doses never appears."""

import math

import numpy as np
import pytest

from lesionlab.sim.processes.pharmacokinetics import level_unit, update
from lesionlab.sim.state.state import DrugLevel, Orders, State
from lesionlab.sim.treatment.drug_library import library
from tests.made_state import changed, clock_at, remember, state_of

PARAMETERS = {name: drug.kinetics for name, drug in library().items()}


def one_drug(name: str) -> State:
    return state_of(drugs=[DrugLevel(name, "any")])


def levels(name: str, dose_mg: float, every_h: int, hours: int, doses: int = 10**6, kinetics: dict | None = None) -> np.ndarray:
    """Return the hourly levels of a drug given every few hours."""
    state, found = one_drug(name), []
    for hour in range(hours):
        is_dose = hour % every_h == 0 and hour // every_h < doses
        state.orders = Orders(doses=[(0, dose_mg)] if is_dose else [])
        update(state, kinetics or PARAMETERS, clock_at(hour))
        found.append(state.systemic.drugs[0].level)
    return np.array(found)


def half_life_h(series: np.ndarray, over_h: int) -> float:
    """Return the half-life over the last hours of a series."""
    return over_h * math.log(2.0) / math.log(series[-1 - over_h] / series[-1])


def test_anlotinib_12_mg_daily_comes_to_54_ng_per_ml() -> None:
    series = levels("anlotinib", 12.0, 24, 100 * 24)
    kinetics = PARAMETERS["anlotinib"]
    assert series[-24:].mean() == pytest.approx(54.0, rel=0.02)
    assert series[-24:].mean() == pytest.approx(1e6 * 12.0 / 1000.0 / (kinetics.clearance_l_per_h * 24.0), rel=1e-3)


def test_anlotinib_accumulates_9_6_fold() -> None:
    """From the first trough to the steady one: 1 / (1 - exp(-k 24 h))."""
    series = levels("anlotinib", 12.0, 24, 100 * 24)
    assert series[-1] / series[23] == pytest.approx(9.6, rel=0.02)


def test_the_half_life_of_anlotinib_is_150_h() -> None:
    assert half_life_h(levels("anlotinib", 12.0, 24, 40 * 24, doses=1), 240) == pytest.approx(150.0, rel=0.02)


@pytest.mark.parametrize(("clearance_ml_per_h", "mean_ug_per_ml"), [(9.5, 50.1), (14.9, 32.0)])
def test_toripalimab_240_mg_every_three_weeks_comes_to_its_steady_mean(clearance_ml_per_h: float, mean_ug_per_ml: float) -> None:
    held = PARAMETERS["toripalimab"].model_copy(update={
        "clearance_first_ml_per_h": clearance_ml_per_h, "clearance_steady_ml_per_h": clearance_ml_per_h})
    series = levels("toripalimab", 240.0, 21 * 24, 21 * 24 * 16, kinetics={"toripalimab": held})
    assert series[-21 * 24:].mean() == pytest.approx(mean_ug_per_ml, rel=0.02)


def test_the_half_life_of_toripalimab_lies_within_the_published_spread_first_and_late() -> None:
    """10 +- 1.5 d after the first dose, 18 +- 9.4 d after long exposure (sd between patients; see parameters of Li 2023)."""
    first = levels("toripalimab", 240.0, 10**6, 28 * 24)
    late = levels("toripalimab", 240.0, 21 * 24, 21 * 24 * 15, doses=12)
    assert abs(half_life_h(first, 21 * 24) / 24.0 - 10.0) < 1.5
    assert abs(half_life_h(late, 30 * 24) / 24.0 - 18.0) < 9.4


def test_the_clearance_falls_with_exposure() -> None:
    series = levels("toripalimab", 240.0, 21 * 24, 21 * 24 * 16)
    assert series[-21 * 24:].mean() == pytest.approx(50.1, rel=0.02)
    assert series[-1] > 1.5 * series[21 * 24 - 1]


def test_an_infusion_is_in_the_blood_at_once_and_a_tablet_is_not() -> None:
    infused = levels("toripalimab", 240.0, 24, 1)[0]
    assert infused == pytest.approx(240.0 / PARAMETERS["toripalimab"].central_volume_l, rel=0.03)
    swallowed = levels("anlotinib", 12.0, 10**6, 24)
    assert swallowed[0] < 0.6 * swallowed.max()
    assert 4 <= swallowed.argmax() <= 12


def test_half_steps_give_the_levels_of_whole_steps() -> None:
    state = one_drug("anlotinib")
    for step in range(96):
        state.orders = Orders(doses=[(0, 12.0)] if step == 0 else [])
        update(state, PARAMETERS, clock_at(step, dt_h=0.5))
    assert state.systemic.drugs[0].level == pytest.approx(levels("anlotinib", 12.0, 10**6, 48)[-1], rel=1e-9)


def test_the_relative_level_is_that_over_the_half_effect() -> None:
    state = state_of(drugs=[DrugLevel("toripalimab", "anti_pd1"), DrugLevel("anlotinib", "vegfr_tki")])
    state.orders = Orders(doses=[(0, 240.0), (1, 12.0)])
    update(state, PARAMETERS, clock_at())
    first, second = state.systemic.drugs
    assert first.relative_level == pytest.approx(first.level / PARAMETERS["toripalimab"].half_effect_ug_per_ml)
    assert second.relative_level == pytest.approx(second.level / PARAMETERS["anlotinib"].half_effect_ng_per_ml)
    assert [level_unit(PARAMETERS[drug.name]) for drug in (first, second)] == ["ug/mL", "ng/mL"]


def test_a_drug_that_is_never_given_never_appears() -> None:
    state = one_drug("toripalimab")
    before = remember(state)
    update(state, PARAMETERS, clock_at())
    assert changed(before, state) == set()
