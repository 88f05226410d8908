"""Null synergy: modalities that are not coupled show no interaction; oxygen, where it couples them, does.

Law: cells that live and die independently and grow without limits multiply the effects of two modalities, so Bliss's
interaction on the log number, ln N_ab - ln N_a - ln N_b + ln N_0, has mean 0 (Bliss 1939). Logs use max(N, 1).
Simulated: masses of 1500 clonogens without T cells, with fixed oxygen and free growth, through `radiobiology`, the cell
processes and `displacement`; a 2 x 2 factorial in 64 replicates, the four arms of a replicate with common random numbers.
Null: two fractions of 2 Gy without the oxygen effect, and an apoptosis raised by 0.3 per day.
Positive control: the oxygen effect on, six sites in ten at 1 mmHg, and a second arm that halves them; oxygen then acts
on radiation alone (division is made insensitive to it). Judged: the 95 % confidence interval of the mean
interaction contains 0 without coupling and excludes it, towards more kill, with the coupling. What two fractions would
give if no cell ever moved to a site of other oxygen is tabulated beside it.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import t as student

from lesionlab.sim.processes import apoptosis, cell_cycle, radiobiology
from lesionlab.sim.state.state import Fraction, Orders, State
from lesionlab.sim.verification.growth import PLENTY_MMHG, advance, clonogens, disc, parameters
from lesionlab.sim.verification.judging import Check, Law, mean_and_error

LAW = Law(11, "null synergy")
REPLICATES, CELLS, EDGE = 64, 1500, 81
DT_H, STEPS, FRACTION_STEPS = 2.0, 24, (0, 12)
DOSE_GY, EXTRA_APOPTOSIS_PER_D = 2.0, 0.3
LOW_MMHG, LOW_SHARE = 1.0, 0.6

Arm = Callable[[int, bool, bool], int]
"""(seed, is the first modality given, is the second) > clonogens at the end."""


def _run(state: State, given: dict[str, tuple], irradiation: radiobiology.Parameters | None) -> int:
    """Return the clonogens after two days, with two fractions if there is irradiation."""
    name = state.tissues[0].name
    for step in range(STEPS):
        is_due = irradiation is not None and step in FRACTION_STEPS
        state.orders = Orders(fractions=[Fraction(name, DOSE_GY, DOSE_GY, 0.5, 0.0)] if is_due else [])
        advance(state, given, step, DT_H, irradiation)
    return clonogens(state)


def uncoupled(seed: int, is_irradiated: bool, is_killed: bool) -> int:
    """Return the clonogens of an arm of the null experiment: radiation without oxygen effect, raised apoptosis."""
    rate = apoptosis.Parameters().rate_per_d + (EXTRA_APOPTOSIS_PER_D if is_killed else 0.0)
    irradiation = radiobiology.Parameters(oxygen_enhancement=1.0, oxygen_enhancement_beta=1.0) if is_irradiated else None
    return _run(disc(CELLS, EDGE, seed, PLENTY_MMHG), parameters(apoptosis=apoptosis.Parameters(rate_per_d=rate)), irradiation)


def coupled(seed: int, is_irradiated: bool, is_oxygenated: bool) -> int:
    """Return the clonogens of an arm of the positive control: radiation with the oxygen effect, hypoxia halved."""
    state = disc(CELLS, EDGE, seed, PLENTY_MMHG)
    share = LOW_SHARE / 2.0 if is_oxygenated else LOW_SHARE
    is_low = np.random.default_rng(seed).random(state.tissues[0].oxygen.shape) < share
    state.tissues[0].oxygen[is_low] = LOW_MMHG
    given = parameters(cell_cycle=cell_cycle.Parameters(oxygen_half_mmHg=1e-3))
    return _run(state, given, radiobiology.Parameters() if is_irradiated else None)


def interactions(arm: Arm, replicates: int) -> np.ndarray:
    """Return Bliss's interaction on the log number of clonogens, one value a replicate."""
    logs = np.array([[math.log(max(arm(seed, first, second), 1)) for first in (False, True) for second in (False, True)]
                     for seed in range(replicates)])
    found: np.ndarray = logs[:, 3] - logs[:, 2] - logs[:, 1] + logs[:, 0]
    return found


def exact_coupling() -> float:
    """Return the interaction in a mass whose cells keep their oxygen: log of the ratio of mean survivals of all fractions."""
    def survival(oxygen_mmHg: float) -> float:
        effective = DOSE_GY * (3.0 * oxygen_mmHg + 3.0) / (3.0 * (oxygen_mmHg + 3.0))
        return math.exp(-len(FRACTION_STEPS) * 0.25 * effective * (1.0 + effective / 10.0))

    low, high = survival(LOW_MMHG), survival(PLENTY_MMHG)
    return math.log((0.5 * LOW_SHARE * low + (1.0 - 0.5 * LOW_SHARE) * high) / (LOW_SHARE * low + (1.0 - LOW_SHARE) * high))


def _judge(name: str, values: np.ndarray, is_coupled: bool) -> Check:
    mean, error = mean_and_error(values)
    half_width = float(student.ppf(0.975, len(values) - 1)) * error
    rule = f"95 % interval +- {half_width:.2g} {'excludes' if is_coupled else 'contains'} 0"
    passed = mean < -half_width if is_coupled else abs(mean) <= half_width
    return Check(LAW.row, LAW.name, name, mean, 0.0, rule, "1", passed, is_coupled)


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer replicates."""
    replicates = max(round(REPLICATES * effort), 12)
    null, positive = interactions(uncoupled, replicates), interactions(coupled, replicates)
    return (_judge("interaction, nothing coupled", null, False), _judge("interaction, hypoxia halved", positive, True),
            LAW.tabulated("interaction, hypoxia halved, cells that keep their oxygen", float(positive.mean()), exact_coupling()))
