"""Exact steps of linear kinetics: one compartment with absorption, two compartments; and saturation."""

import math

from lesionlab.sim.numerics.jit import kernel


def absorption_step(depot: float, central: float, k_absorption: float, k_elimination: float, dt: float) -> tuple[float, float]:
    """Advance depot > central > out by dt; amounts in any unit, rate constants in 1/unit of dt.

    Exact for k_absorption != k_elimination (Bateman); equal constants are separated by a relative 1e-9.
    """
    if abs(k_absorption - k_elimination) < 1e-9 * k_elimination:
        k_absorption = k_elimination * (1.0 + 1e-9)
    left = math.exp(-k_absorption * dt)
    kept = math.exp(-k_elimination * dt)
    arrived = depot * k_absorption * (kept - left) / (k_absorption - k_elimination)
    return depot * left, central * kept + arrived


def two_compartment_step(central: float, peripheral: float, rates: tuple[float, float, float], dt: float) -> tuple[float, float]:
    """Advance a two-compartment model by dt; rates = (elimination k10, k12, k21) in 1/unit of dt.

    Exact: the matrix exponential of the 2 x 2 system through its two real, distinct eigenvalues.
    """
    k10, k12, k21 = rates
    total = k10 + k12 + k21
    root = math.sqrt(total * total - 4.0 * k10 * k21)
    fast, slow = (total + root) / 2.0, (total - root) / 2.0
    e_fast, e_slow = math.exp(-fast * dt), math.exp(-slow * dt)
    # Sylvester's formula: exp(At) = [e_slow (A + fast I) - e_fast (A + slow I)] / (fast - slow)
    gain = (e_slow - e_fast) / (fast - slow)
    offset = (fast * e_slow - slow * e_fast) / (fast - slow)
    new_central = central * (offset - (k10 + k12) * gain) + peripheral * k21 * gain
    new_peripheral = central * k12 * gain + peripheral * (offset - k21 * gain)
    return new_central, new_peripheral


@kernel
def saturating(limit, half, level):
    """Return limit x level / (level + half): half of the limit where the level is `half`, which may be infinite."""
    return limit * level / (level + half)


@kernel
def decay_share(rate, dt):
    """Return 1 - exp(-rate dt): the probability or share of a hazard over one step."""
    return -math.expm1(-rate * dt)
