"""Branching process: births and deaths, direct and under population control; Poisson tumour control.

Law: the linear birth-death process: mean, variance and extinction in closed form (Bailey 1964); with at most one event
a cell and step they are Galton and Watson's. Tumour control by radiation: TCP = exp(-N S) (Munro and Gilbert 1961).
Simulated: 4000 populations through the draws of `cell_fate`, at a total hazard of 0.02-0.03 a step (an hour's of a
cycling cell) against the closed form, and at ten times that against the discrete form, where the two differ;
300 sections of 300 cells that stand for 6000 through `cell_fate` and `population_control`, through weight control,
release and extinction; 1e6 clonogens in groups through `radiobiology`; clonogens of under-weighted sections among T
cells through `t_cell_motion` and `t_cell_killing`, n of a share s against n s plain ones. Judged: direct and mean 3
SE; the sd of the log number (of at least one cell) at most 0.15 above the direct one; eradication within 0.05 of the
closed form (three standard errors where fewer sections are taken); kills per clonogen within 3 SE and 10 % of the
plain ones'.
Negative controls: a death rate 10 % off; the closed form for large steps; sections without control; clonogens
that occupy T cells as if each stood for all its site.
"""

import math
from functools import partial

import numpy as np

from lesionlab.sim.state.codes import CellState
from lesionlab.sim.verification.branching import Moments, Rates, controlled, direct, in_continuous_time, with_one_event_a_step
from lesionlab.sim.verification.irradiation import irradiate, irradiated_disc
from lesionlab.sim.verification.judging import Check, Law, mean_and_error, variance_and_error
from lesionlab.sim.verification.lone_clonogens import kills_per_d

LAW = Law(8, "branching process")
POPULATIONS, PLACES, CONTROLLED, SHARED = 4000, 192, 300, 8
GROWING, SHRINKING = Rates(0.0148, 0.0116), Rates(0.0100, 0.0140)
COARSE = Rates(0.148, 0.116)
LESION, N_MIN, DECLINE = (300, 20.0), 300, Rates(0.005, 0.020)
SEEN = {"held": 153, "released": 334, "near eradication": 553}
RADIATION = (4, 4.0, math.exp(-4 * 0.25 * 4.0 * 1.4))
"""Fractions, Gy of each, share that survives without an oxygen effect."""


def _judge_direct(name: str, counts: np.ndarray, exact: Moments) -> list[Check]:
    gone = float((counts == 0).mean())
    error = math.sqrt(exact.extinction * (1.0 - exact.extinction) / len(counts))
    mean, mean_error = mean_and_error(counts)
    variance, variance_error = variance_and_error(counts)
    return [LAW.within(f"{name}: mean", mean, exact.mean, mean_error, "cells"),
            LAW.within(f"{name}: variance", variance, exact.variance, variance_error, "cells2"),
            LAW.within(f"{name}: extinct", gone, exact.extinction, error)]


def _direct(populations: int) -> list[Check]:
    layout, found = (populations, PLACES), []
    for name, rates in (("growing", GROWING), ("shrinking", SHRINKING)):
        counts = direct(4, rates, 240, layout)
        found += _judge_direct(f"direct, {name}, 240 steps", counts, in_continuous_time(4, rates, 240))
    wrong = in_continuous_time(4, Rates(SHRINKING.birth, 1.1 * SHRINKING.death), 240)
    found.append(LAW.within("direct, shrinking: mean, death rate 10 % off", *_mean_for(counts, wrong), "cells", is_control=True))
    counts = direct(4, COARSE, 36, layout)
    found += _judge_direct("direct, coarse steps", counts, with_one_event_a_step(4, COARSE, 36))
    closed = in_continuous_time(4, COARSE, 36)
    found.append(LAW.within("direct, coarse steps: mean by the closed form", *_mean_for(counts, closed), "cells", is_control=True))
    return found


def _mean_for(counts: np.ndarray, exact: Moments) -> tuple[float, float, float]:
    mean, error = mean_and_error(counts)
    return mean, exact.mean, error


def _spread_of_log(counts: np.ndarray) -> float:
    return float(np.log(np.maximum(counts, 1.0)).std())


def _direct_spread(steps: int, replicates: int = 4000) -> float:
    """Return the sd of the log number of a whole lesion's branching process, drawn independently of the model."""
    random = np.random.default_rng(8)
    counts = np.full(replicates, int(LESION[0] * LESION[1]))
    total = DECLINE.birth + DECLINE.death
    q = -math.expm1(-total)
    for _ in range(steps):
        events = random.binomial(counts, q)
        births = random.binomial(events, DECLINE.birth / total)
        counts = counts + 2 * births - events
    return _spread_of_log(counts)


def _controlled(replicates: int) -> list[Check]:
    follow = partial(controlled, LESION, DECLINE)
    seen = tuple(SEEN.values())
    values = np.array([follow(N_MIN, seen, seed) for seed in range(replicates)]).T
    exact = [in_continuous_time(int(LESION[0] * LESION[1]), DECLINE, steps) for steps in seen]
    found = []
    for name, counts, moments in zip(SEEN, values, exact, strict=True):
        found.append(LAW.within(f"controlled, {name}: mean", *_mean_for(counts, moments), "cells"))
        spread = _direct_spread(SEEN[name])
        excess = _spread_of_log(counts) - spread
        found.append(Check(LAW.row, LAW.name, f"controlled, {name}: sd of log number", spread + excess, spread, "at most 0.15 above", "1",
                           excess <= 0.15))
    gone = float((values[-1] == 0).mean())
    bound = 0.05 if replicates >= CONTROLLED else 1.5 / replicates**0.5
    found.append(LAW.bounded("controlled, near eradication: eradicated", gone, exact[-1].extinction, bound))
    wrong = in_continuous_time(int(LESION[0] * LESION[1]), Rates(DECLINE.birth, 1.1 * DECLINE.death), seen[0])
    found.append(LAW.within("controlled, held: mean, death rate 10 % off", *_mean_for(values[0], wrong), "cells", is_control=True))
    rounded = np.array([follow(0, seen[1:2], seed)[0] for seed in range(max(replicates // 8, 40))])
    cured = float((rounded == 0).mean())
    found.append(LAW.bounded("no control, 40 cells expected: eradicated", cured, exact[1].extinction, 0.05, is_control=True))
    return found


def _tumour_control(n: int) -> list[Check]:
    fractions, dose, share = RADIATION
    state = irradiated_disc(n, seed=88)
    sites = np.flatnonzero(state.tissues[0].state == CellState.PROLIFERATING)
    irradiate(state, fractions, dose, alpha_per_gy=0.25, oxygen_enhancement=1.0, oxygen_enhancement_beta=1.0)
    is_left = state.tissues[0].state.reshape(-1)[sites] == CellState.PROLIFERATING
    found = []
    for size in (100, 200, 400):
        groups = is_left[: n // size * size].reshape(-1, size)
        expected = math.exp(-size * share)
        error = math.sqrt(expected * (1.0 - expected) / len(groups))
        cured = float((~groups.any(axis=1)).mean())
        found.append(LAW.within(f"tumour control, {size} clonogens, {fractions} x {dose:g} Gy", cured, expected, error))
    found.append(LAW.within("tumour control, 400 clonogens for 300", cured, math.exp(-300 * share), error, is_control=True))
    return found


def _shared(replicates: int) -> list[Check]:
    """Judge that n clonogens of weight s each are killed at the rate of n s plain ones."""
    found = []
    for n, share in ((2000, 1e-9), (300, 0.2), (300, 0.5), (2000, 0.2), (2000, 0.5), (2000, 1.0)):
        n_true = max(round(n * min(share, 0.5)), 10)
        cases = ((n, share, replicates), (n_true, 1.0, max(1200 // n_true, replicates)))
        (mean, error), (truth, truth_error) = (mean_and_error(np.array([kills_per_d(m, s, seed) for seed in range(repeats)]))
                                               for m, s, repeats in cases)
        bound = 3.0 * math.hypot(error, truth_error) + 0.1 * truth
        name = f"kills per clonogen and day, {n} of share {share:g} for {n_true} plain ones"
        found.append(LAW.bounded(name, mean, truth, bound, "1/d", is_control=share == 1.0))
    return found


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer populations, sections and clonogens."""
    return tuple(_direct(max(round(POPULATIONS * effort), 1000)) + _controlled(max(round(CONTROLLED * effort), 24))
                 + _tumour_control(max(round(1_000_000 * effort), 100_000)) + _shared(max(round(SHARED * effort), 4)))
