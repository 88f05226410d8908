"""Kinetics: steps are exact, so any split of the time gives the same, and a matrix exponential agrees."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

from lesionlab.sim.numerics.kinetics import absorption_step, decay_share, two_compartment_step


@pytest.mark.parametrize(("ka", "ke"), [(0.64, 0.0046), (0.01, 0.5)])
def test_absorption_is_the_matrix_exponential(ka: float, ke: float) -> None:
    expected = expm(np.array([[-ka, 0.0], [ka, -ke]]) * 7.0) @ [3.0, 1.0]
    assert absorption_step(3.0, 1.0, ka, ke, 7.0) == pytest.approx(expected, rel=1e-12)


def test_absorption_with_equal_rates_is_the_limit() -> None:
    depot, central = absorption_step(1.0, 0.0, 0.3, 0.3, 2.0)
    assert (depot, central) == pytest.approx((math.exp(-0.6), 0.6 * math.exp(-0.6)), rel=1e-6)


def test_two_compartments_are_the_matrix_exponential() -> None:
    k10, k12, k21 = 0.05, 0.3, 0.12
    expected = expm(np.array([[-k10 - k12, k21], [k12, -k21]]) * 4.0) @ [5.0, 2.0]
    assert two_compartment_step(5.0, 2.0, (k10, k12, k21), 4.0) == pytest.approx(expected, rel=1e-12)


def test_two_halves_of_a_step_are_the_whole() -> None:
    rates = (0.05, 0.3, 0.12)
    half = two_compartment_step(5.0, 2.0, rates, 2.0)
    assert two_compartment_step(*half, rates, 2.0) == pytest.approx(two_compartment_step(5.0, 2.0, rates, 4.0), rel=1e-12)
    half = absorption_step(5.0, 2.0, 0.6, 0.1, 2.0)
    assert absorption_step(*half, 0.6, 0.1, 2.0) == pytest.approx(absorption_step(5.0, 2.0, 0.6, 0.1, 4.0), rel=1e-12)


def test_without_elimination_nothing_is_lost() -> None:
    assert sum(two_compartment_step(5.0, 2.0, (0.0, 0.3, 0.12), 9.0)) == pytest.approx(7.0, rel=1e-12)


def test_a_hazard_becomes_a_share() -> None:
    assert decay_share(0.0, 5.0) == 0.0
    assert decay_share(math.log(2.0), 1.0) == pytest.approx(0.5)
    assert decay_share(1e-18, 1.0) == pytest.approx(1e-18)
