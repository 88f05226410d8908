"""Survival: cells at a fixed pO2 survive fractions by the linear-quadratic law with the oxygen effect.

Law: S = exp(-n (alpha m d + (alpha / r) m^2 d^2)), m = (M p + K) / (M (p + K)), M = K = 3 (Alper and Howard-Flanders
1956; Wenzl and Wilkens 2011). At r = 10 Gy, 15 x 4 Gy and 35 x 2 Gy have the same effect: 60 (1 + 4/10) =
70 (1 + 2/10) = 84 Gy. Simulated: 1e6 cells in a disc, fractions through `radiobiology`, `cell_fate` and `cell_death`.
Judged: survivors within three binomial standard errors; the two regimens' log kill equal to 1e-6 (single precision),
their survivors equal within three standard errors, at an alpha (0.05) low enough to leave survivors.
Negative controls: the law with alpha 5 % too high; the law without the oxygen effect; 35 x 2 Gy against 14 x 4 Gy.
"""

import math
from itertools import product

from lesionlab.sim.verification.irradiation import irradiate, irradiated_disc, log_kill
from lesionlab.sim.verification.judging import Check, Law

LAW = Law(4, "LQ survival with the oxygen effect")
CELLS = 1_000_000
ALPHA, ALPHA_BETA, ENHANCEMENT, HALF = 0.25, 10.0, 3.0, 3.0
OXYGEN_MMHG = (0.5, 2.5, 10.0, 40.0)
REGIMENS = ((5, 2.0), (4, 3.0), (3, 4.0))
LOW_ALPHA = 0.05


def survival(fractions: int, dose_gy: float, oxygen_mmHg: float, alpha: float = ALPHA, enhancement: float = ENHANCEMENT) -> float:
    """Return the surviving share after some fractions."""
    m = (enhancement * oxygen_mmHg + HALF) / (enhancement * (oxygen_mmHg + HALF))
    effective = m * dose_gy
    return math.exp(-fractions * alpha * (effective + effective**2 / ALPHA_BETA))


def _judge(quantity: str, left: int, n: int, share: float, is_control: bool = False) -> Check:
    error = math.sqrt(share * (1.0 - share) / n)
    return LAW.within(quantity, left / n, share, error, is_control=is_control)


def _equal_regimens(n: int) -> list[Check]:
    """Compare 15 x 4 Gy with 35 x 2 Gy, by the law and by survivors."""
    options = {"alpha_per_gy": LOW_ALPHA, "oxygen_enhancement": 1.0, "oxygen_enhancement_beta": 1.0}
    disc = irradiated_disc(100)
    kills = [fractions * log_kill(disc, dose, **options) for fractions, dose in ((15, 4.0), (35, 2.0), (14, 4.0))]
    found = [LAW.close("log kill, 15 x 4 Gy", kills[0], 84.0 * LOW_ALPHA, 1e-6), LAW.close("log kill, 35 x 2 Gy", kills[1], kills[0], 1e-6),
             LAW.close("log kill, 14 x 4 Gy for 35 x 2 Gy", kills[2], kills[1], 1e-6, is_control=True)]
    share = math.exp(-84.0 * LOW_ALPHA)
    few = irradiate(irradiated_disc(n, seed=15), 15, 4.0, **options)
    many = irradiate(irradiated_disc(n, seed=35), 35, 2.0, **options)
    found.append(_judge("survival, 15 x 4 Gy", int(few[-1]), n, share))
    found.append(_judge("survival, 35 x 2 Gy", int(many[-1]), n, share))
    error = math.sqrt(2.0 * share * (1.0 - share) / n)
    found.append(LAW.within("survival, 35 x 2 Gy against 15 x 4 Gy", many[-1] / n, few[-1] / n, error))
    found.append(LAW.within("survival, 35 x 2 Gy against 14 x 4 Gy", many[-1] / n, few[-2] / n, error, is_control=True))
    return found


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer cells."""
    n = max(round(CELLS * effort), 10_000)
    found = []
    for seed, (oxygen, (fractions, dose)) in enumerate(product(OXYGEN_MMHG, REGIMENS), start=100):
        left = irradiate(irradiated_disc(n, oxygen, seed), fractions, dose)
        for given in sorted({1, fractions}):
            name = f"survival, {given} x {dose:g} Gy at {oxygen:g} mmHg"
            found.append(_judge(name, int(left[given - 1]), n, survival(given, dose, oxygen)))
    wrong = 1.05 if n >= 100_000 else 1.3
    for name, share in ((f"alpha {wrong:g}-fold", survival(3, 4.0, 40.0, wrong * ALPHA)),
                        ("no oxygen effect", survival(3, 4.0, 40.0, enhancement=1.0))):
        found.append(_judge(f"{name}, 3 x 4 Gy at 40 mmHg", int(left[2]), n, share, is_control=True))
    return tuple(found + _equal_regimens(n))
