"""Spheroid: the model meets the exact rim, and the negative control does not."""

import pytest

from lesionlab.sim.verification.row_02_spheroid import SURFACE, UPTAKE, D, checks, exact_rim_um


def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks()
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
    assert all(check.row == 2 for check in found)


def test_the_rim_has_the_limits_of_a_small_and_of_a_vast_spheroid() -> None:
    """No core below sqrt(6 D p / a); a plane's depth sqrt(2 D p / a) for a vast one."""
    largest_without_core = (6.0 * D * SURFACE / UPTAKE) ** 0.5
    assert exact_rim_um(0.99 * largest_without_core) == 0.99 * largest_without_core
    assert exact_rim_um(1e6) == pytest.approx((2.0 * D * SURFACE / UPTAKE) ** 0.5, rel=1e-3)
