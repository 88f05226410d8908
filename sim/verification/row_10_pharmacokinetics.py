"""Pharmacokinetics: steady-state means, accumulation and half-lives of both drugs.

Law: at steady state the mean level is dose / (CL tau), whatever the compartments. One compartment: half-life ln 2 V / CL,
accumulation 1 / (1 - exp(-k tau)). Two compartments: the terminal half-life is ln 2 over the smaller root of
s^2 - (k10 + k12 + k21) s + k10 k21 (Gibaldi and Perrier 1982). The numbers 54 ng/mL, 9.6 and 150 h (anlotinib, 12 mg
daily) and 32.0 and 50.1 ug/mL (toripalimab, 240 mg every three weeks, CL held at 14.9 and at 9.5 mL/h) follow from the
published clearances and volumes. Simulated: `pharmacokinetics` with doses by the calendar, hour by hour; means by the
trapezoid rule. Judged: 2 %. Toripalimab's half-lives are quoted as 10 +- 1.5 d (first dose) and 18 +- 9.4 d (steady
state); its volumes are assumed, so the terminal half-life with each clearance held is judged against the quoted spread.
Negative control: a clearance 10 % off.
"""

import math

import numpy as np

from lesionlab.sim.processes.pharmacokinetics import OneCompartment, Pharmacokinetics, TwoCompartments, update
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import DrugLevel, Orders
from lesionlab.sim.treatment.drug_library import library
from lesionlab.sim.verification.judging import Check, Law
from lesionlab.sim.verification.specimens import bare_tissue, state_of

LAW = Law(10, "pharmacokinetics")
DAILY_H, THREE_WEEKS_H = 24, 504
QUOTED = {"first dose": (14.9, 32.0, 10.0, 1.5), "steady state": (9.5, 50.1, 18.0, 9.4)}
"""Toripalimab: clearance in mL/h, mean level in ug/mL, half-life and its spread in days."""


def levels(kinetics: Pharmacokinetics, dose_mg: float, interval_h: int, doses: int, washout_h: int = 0) -> np.ndarray:
    """Return the level before each hour of a course and of the washout after it, float64 (hours + 1,)."""
    state = state_of(bare_tissue((1, 1, 1)), seed=1)
    state.systemic.drugs.append(DrugLevel("made", "made"))
    hours = interval_h * doses + washout_h
    found = np.zeros(hours + 1)
    for hour in range(hours):
        is_dose = hour % interval_h == 0 and hour < interval_h * doses
        state.orders = Orders(doses=[(0, dose_mg)] if is_dose else [])
        update(state, {"made": kinetics}, Clock(hour, 1.0, 0))
        found[hour + 1] = state.systemic.drugs[0].level
    return found


def last_mean(course: np.ndarray, interval_h: int, jump: float = 0.0) -> float:
    """Return the mean over the last interval by the trapezoid rule; `jump` is what an infusion adds to the level at once."""
    last = course[-interval_h - 1 :].copy()
    last[0] += jump
    return float(np.trapezoid(last) / interval_h)


def half_life_h(washout: np.ndarray) -> float:
    """Return the half-life in hours of the last quarter of a washout."""
    late = washout[-len(washout) // 4 :]
    return math.log(2.0) * (len(late) - 1) / math.log(late[0] / late[-1])


def terminal_half_life_d(clearance_ml_per_h: float, kinetics: TwoCompartments) -> float:
    """Return the terminal half-life in days from the roots of the characteristic polynomial."""
    central, peripheral = 1000.0 * kinetics.central_volume_l, 1000.0 * kinetics.peripheral_volume_l
    k10, k12, k21 = clearance_ml_per_h / central, kinetics.exchange_ml_per_h / central, kinetics.exchange_ml_per_h / peripheral
    return float(math.log(2.0) / np.roots([1.0, -(k10 + k12 + k21), k10 * k21]).min() / 24.0)


def _anlotinib() -> list[Check]:
    kinetics = library()["anlotinib"].kinetics
    assert isinstance(kinetics, OneCompartment)
    doses = 90
    course = levels(kinetics, 12.0, DAILY_H, doses, washout_h=1200)
    steady = course[: DAILY_H * doses + 1]
    exact = 1.0 / -math.expm1(-kinetics.clearance_l_per_h / kinetics.volume_l * DAILY_H)
    slow = levels(kinetics.model_copy(update={"clearance_l_per_h": 1.1 * kinetics.clearance_l_per_h}), 12.0, DAILY_H, doses)
    return [
        LAW.close("anlotinib 12 mg daily, mean", last_mean(steady, DAILY_H), 54.0, 0.02, "ng/mL"),
        LAW.close("anlotinib, trough at day 90 over first trough", steady[-1] / steady[DAILY_H], 9.6, 0.02),
        LAW.close("anlotinib, the same against 1 / (1 - exp(-k tau))", steady[-1] / steady[DAILY_H], exact, 0.001),
        LAW.close("anlotinib half-life", half_life_h(course[-1200:]), 150.0, 0.02, "h"),
        LAW.close("anlotinib, mean with a clearance 10 % off", last_mean(slow, DAILY_H), 54.0, 0.02, "ng/mL", is_control=True),
    ]


def _toripalimab(label: str, clearance: float) -> list[Check]:
    known = library()["toripalimab"].kinetics
    assert isinstance(known, TwoCompartments)
    held = known.model_copy(update={"clearance_first_ml_per_h": clearance, "clearance_steady_ml_per_h": clearance})
    mean, doses = QUOTED[label][1], 12
    course = levels(held, 240.0, THREE_WEEKS_H, doses, washout_h=3000)
    steady = last_mean(course[: THREE_WEEKS_H * doses + 1], THREE_WEEKS_H, 240.0 / held.central_volume_l)
    measured = half_life_h(course[-3000:]) / 24.0
    name = f"toripalimab at {clearance:g} mL/h"
    if clearance != QUOTED[label][0]:
        return [LAW.close(f"{name}, mean", steady, mean, 0.02, "ug/mL", is_control=True)]
    return [LAW.close(f"{name}, mean", steady, mean, 0.02, "ug/mL"),
            LAW.close(f"{name}, terminal half-life against the roots", measured, terminal_half_life_d(clearance, held), 0.001, "d"),
            LAW.bounded(f"{name}, terminal half-life within the quoted spread", measured, *QUOTED[label][2:], "d")]


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; nothing is drawn, so effort changes nothing."""
    del effort
    found = _anlotinib()
    for label, (clearance, *_) in QUOTED.items():
        found += _toripalimab(label, clearance)
    return tuple(found + _toripalimab("first dose", 1.1 * QUOTED["first dose"][0]))
