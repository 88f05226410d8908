"""Several hits kill: the mean time to three hits with no two neighbours further apart than the memory.

Law: hits arrive at rate lambda, a hit later than tau after the last one counts as the first again. A hit is followed
in time with p = 1 - exp(-lambda tau), so E[hits] = 1 + (1 + p) / p^2 (two successes in a row) and, by Wald's
identity, E[T] = E[hits] / lambda. In micro-steps of length h the same walk is a Markov chain on (hits, micro-steps
since the last), whose mean is solved exactly here; it tends to the closed form as h tends to 0.
Simulated: tumour cells far apart, each with one T cell that never lets go, PD-1 blocked, through the process
`t_cell_killing` at its 6 minutes. Judged: mean time within 3 standard errors of the chain's mean at four rates; the
chain within 0.5 % of the closed form at 3.6 seconds. Negative control: a memory of 70 instead of 50 minutes.
"""

import math

import numpy as np

from lesionlab.sim.processes import t_cell_killing
from lesionlab.sim.state.clock import MICRO_STEP_MIN, Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.verification.judging import Check, Law, mean_and_error
from lesionlab.sim.verification.specimens import bare_tissue, place_t_cells, state_of

LAW = Law(7, "three hits in time")
RATES_PER_H = (0.6, 1.2, 2.4, 6.0)
MEMORY_MIN = 50.0
N_HITS = 3
SPACING = 3
PER_EDGE = 100
_NEVER = 1e12


def closed_form_h(rate_per_h: float, memory_min: float = MEMORY_MIN) -> float:
    """Return the mean hours to three hits in continuous time."""
    p = -math.expm1(-rate_per_h * memory_min / 60.0)
    return (1.0 + (1.0 + p) / p**2) / rate_per_h


def chain_h(rate_per_h: float, micro_step_min: float, memory_min: float = MEMORY_MIN) -> float:
    """Return the mean hours to three hits in micro-steps: the expected time to absorption of the Markov chain.

    States: no hit that counts, and (hits 1 or 2, micro-steps since the last hit) while it is remembered; a hit counts
    with the last one if fewer than `memory_min` minutes lie between them.
    """
    remembered = math.ceil(memory_min / micro_step_min - 1e-9) - 1
    hit = -math.expm1(-rate_per_h * micro_step_min / 60.0)
    # Backwards through each memory: mean = step + hit * (mean after a further hit) + (1 - hit) * (mean one step later),
    # with every mean written as constant + slope * (mean from no hit).
    constant_after, slope_after = 0.0, 0.0
    for _ in range(N_HITS - 1):
        constant, slope = 0.0, 1.0
        for _ in range(remembered):
            constant, slope = 1.0 + hit * constant_after + (1.0 - hit) * constant, hit * slope_after + (1.0 - hit) * slope
        constant_after, slope_after = constant, slope
    from_none = (1.0 + hit * constant_after) / (1.0 - hit * slope_after - (1.0 - hit))
    return from_none * micro_step_min / 60.0


def killing_times_h(rate_per_h: float, memory_min: float, effort: float) -> np.ndarray:
    """Return the hours until each tumour cell has been killed, through the model's process; float64 (cells,)."""
    edge = SPACING * max(round(PER_EDGE * effort**0.5), 10)
    tissue = bare_tissue((1, edge, edge))
    tissue.state[:, 1::SPACING, 1::SPACING] = CellState.PROLIFERATING
    sites = np.flatnonzero(tissue.state)
    place_t_cells(tissue, sites, is_engaged=True)
    state = state_of(tissue, seed=7, pd1_occupancy=1.0)
    p = t_cell_killing.Parameters(hit_rate_per_h=rate_per_h, engagement_min=_NEVER, n_hits=N_HITS, memory_min=memory_min)
    hits = tissue.hits.reshape(-1)
    times = np.zeros(len(sites))
    n_micro_steps = 0
    while not times.all():
        hour, micro_step = divmod(n_micro_steps, 60 // MICRO_STEP_MIN)
        t_cell_killing.update(state, p, Clock(hour, 1.0, 0, micro_step))
        n_micro_steps += 1
        times[(hits[sites] >= N_HITS) & (times == 0.0)] = n_micro_steps * MICRO_STEP_MIN / 60.0
    return times


def _judge(rate_per_h: float, memory_min: float, effort: float) -> Check:
    mean, error = mean_and_error(killing_times_h(rate_per_h, memory_min, effort))
    is_control = memory_min != MEMORY_MIN
    what = f"mean time at {rate_per_h:g} hits per h" + (f", memory {memory_min:g} min" if is_control else "")
    return LAW.within(what, mean, chain_h(rate_per_h, MICRO_STEP_MIN), error, "h", is_control)


def _limit(rate_per_h: float) -> list[Check]:
    """Judge the chain against the closed form as its micro-step shrinks; tabulate what the model's micro-step costs."""
    exact = closed_form_h(rate_per_h)
    errors = [abs(chain_h(rate_per_h, minutes) / exact - 1.0) for minutes in (MICRO_STEP_MIN, 0.6, 0.06)]
    is_tending = errors[2] <= 0.005 and errors[2] < errors[1] < errors[0]
    what = f"at {rate_per_h:g} hits per h"
    return [Check(*LAW, f"exact mean in steps of 3.6 s {what}", chain_h(rate_per_h, 0.06), exact, "0.5 %, falling", "h", is_tending),
            LAW.tabulated(f"exact mean in steps of {MICRO_STEP_MIN} min {what}", chain_h(rate_per_h, MICRO_STEP_MIN), exact, "h")]


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 simulates fewer cells."""
    found = [_judge(rate, MEMORY_MIN, effort) for rate in RATES_PER_H]
    for rate in RATES_PER_H:
        found += _limit(rate)
    found.append(_judge(1.2, 70.0, effort))
    return tuple(found)
