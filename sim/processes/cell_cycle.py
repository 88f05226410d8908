"""Cell cycle: living tumour cells divide at a rate gated by oxygen; some divisions fail; doomed cells die at mitosis.

    b = ln 2 / T_c x p^2 / (p^2 + K^2) / (1 + x C)
    clonogens: division (1 - p_fail) b, failed division (mother and daughters die) p_fail b
    doomed cells: abortive division (1 - p_mitosis) b, death by radiation p_mitosis b + k_doom

C is the total plasma concentration of VEGFR inhibitors in uM. Their direct effect on tumour cells is kept small. Anlotinib arrests
cells of this cancer in culture (Ruan 2019, PMC6215907), at concentrations believed to be far above the 0.13 uM in plasma. The
success of a treatment arm must not depend on this effect.

The cycle is memoryless (exponential): hazards then average exactly over a population, as the constant-number
control requires. The Hill gate near 4 mmHg keeps about 70 % of well-supplied tissue in cycle (Ki-67 70 % in the case).
With the ramp to 38 mmHg of other models, growth here would be 4-8 times too slow. Cell loss, not the cycle, determines net
growth: a doubling time of weeks with a 30 h cycle requires a total loss of 0.3-0.36 per day.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.threads import in_bands
from lesionlab.sim.numerics.window import all_rows, row_of
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import State

_FIRST, _DOOMED = np.uint8(CellState.PROLIFERATING), np.uint8(CellState.DOOMED)
_DIVISION, _FAILED, _RADIATION = int(Hazard.DIVISION), int(Hazard.FAILED_DIVISION), int(Hazard.RADIATION)


class Parameters(NamedTuple):
    """Proliferation and mitotic death."""

    cycle_time_h: Annotated[float, quantity("h", "cycle time of a cycling cell", 5.0, 1000.0, "literature",
        "anaplastic thyroid lines 24-45 h, to be checked",
        prior=(24.0, 48.0))] = 30.0
    oxygen_half_mmHg: Annotated[float, quantity("mmHg", "pO2 of half-maximal division", 0.1, 50.0, "assumed",
        "gives a growth fraction of about 0.7",
        prior=(2.0, 8.0))] = 4.0
    failed_division_share: Annotated[float, quantity("1", "share of divisions that end in the death of both daughters", 0.0, 1.0, "assumed",
        "free parameter; the default was chosen by hand so that an untreated mass doubles in 10 to 13 days (range 5-30 d)",
        prior=(0.0, 0.45))] = 0.3
    tki_inhibition_per_uM: Annotated[float, quantity(
        "1/uM", "direct effect of a VEGFR inhibitor on division: division x 1 / (1 + x C) (x)", 0.0, 1000.0,
        "assumed", "chosen by the screen of drawn patients against either drug alone, never against both (docs/anchors.md); "
        "the prior ends at 12 % less division at anlotinib's 0.133 uM; direction Ruan 2019, PMC6215907",
        prior=(0.0, 1.0))] = 0.97
    doomed_death_per_mitosis: Annotated[float, quantity("1", "probability that a doomed cell dies at a mitosis", 0.0, 1.0, "literature",
        "1-4 abortive divisions, to be checked",
        prior=(0.25, 1.0))] = 0.6
    doomed_lifetime_d: Annotated[float, quantity("d", "mean time to death of a doomed cell that does not divide", 0.5, 365.0, "assumed",
        "assumed",
        prior=(7.0, 30.0))] = 14.0


class StepRates(NamedTuple):
    """Rates over a step: division of a well-oxygenated cell; share of divisions that fail; death of a doomed cell at a mitosis (share)
    and between mitoses; pO2 of half-maximal division."""

    division: float
    failed_share: float
    death_at_mitosis: float
    death_between: float
    oxygen_half_mmHg: float


@kernel
def step_rates(p, inhibitor_uM, dt_h):
    """Return the rates over a step: division ln 2 / T_c x dt / (1 + x C), death between mitoses dt / lifetime."""
    division = math.log(2.0) / p.cycle_time_h * dt_h / (1.0 + p.tki_inhibition_per_uM * inhibitor_uM)
    return StepRates(division, p.failed_division_share, p.doomed_death_per_mitosis, dt_h / 24.0 / p.doomed_lifetime_d, p.oxygen_half_mmHg)


@kernel
def gated_division(rates, oxygen_mmHg):
    """Return the mitoses of a living cell in a step: b = division x p^2 / (p^2 + K^2)."""
    square = oxygen_mmHg * oxygen_mmHg
    return rates.division * square / (square + rates.oxygen_half_mmHg * rates.oxygen_half_mmHg)


@kernel
def division_hazard(rates, mitoses, is_doomed):
    """Return the hazard of division: (1 - p_fail) b of a clonogen, (1 - p_mitosis) b of a doomed cell."""
    return mitoses * (1.0 - (rates.death_at_mitosis if is_doomed else rates.failed_share))


@kernel
def failed_division_hazard(rates, mitoses, is_doomed):
    """Return the hazard of a division that kills mother and daughters: p_fail b of a clonogen, none of a doomed cell."""
    return 0.0 if is_doomed else mitoses * rates.failed_share


@kernel
def doomed_death_hazard(rates, mitoses):
    """Return a doomed cell's hazard of death by radiation: p_mitosis b + k_doom."""
    return mitoses * rates.death_at_mitosis + rates.death_between


@kernel
def _apply(rows, window, rates, state, oxygen, hazard):
    """Write hazard[DIVISION, FAILED_DIVISION, RADIATION], integrated over the step, in a span of a window's rows.

    Reads state, oxygen (mmHg). No draws.
    """
    x0, x1 = window.first_x, window.end_x
    mitoses = np.empty(x1 - x0)
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        codes, pressures = state[z, y][x0:x1], oxygen[z, y][x0:x1]
        dividing, failing, dying = hazard[_DIVISION, z, y][x0:x1], hazard[_FAILED, z, y][x0:x1], hazard[_RADIATION, z, y][x0:x1]
        # Values are selected without skipping sites, one array per loop: such loops vectorise.
        for x in range(len(codes)):
            mitoses[x] = gated_division(rates, pressures[x]) if (codes[x] >= _FIRST) & (codes[x] <= _DOOMED) else 0.0
        for x in range(len(codes)):
            dividing[x] = division_hazard(rates, mitoses[x], codes[x] == _DOOMED)
        for x in range(len(codes)):
            failing[x] = failed_division_hazard(rates, mitoses[x], codes[x] == _DOOMED)
        for x in range(len(codes)):
            dying[x] = np.float32(doomed_death_hazard(rates, mitoses[x])) if codes[x] == _DOOMED else dying[x]


@kernel
def act(p, now, numbers, state, oxygen, hazard):
    """Write the hazards of division and mitotic death in one lesion."""
    window = window_of(numbers)
    _apply(all_rows(window, len(state)), window, step_rates(p, now.inhibitor_uM, now.dt_h), state, oxygen, hazard)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Write the hazards of division and mitotic death in every lesion."""
    rates = step_rates(p, state.systemic.inhibitor_uM, clock.dt_h)
    for tissue in state.active:
        in_bands(tissue.state.shape, tissue.window, _apply, rates, tissue.state, tissue.oxygen, tissue.hazard)
