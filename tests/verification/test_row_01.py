"""Krogh cylinder and vessels on 20 um sites: the model meets the exact answers, and the negative controls do not."""

import numpy as np
import pytest

from lesionlab.sim.verification.row_01_krogh import RADII_UM, WALL_UM, D, M, P, checks, michaelis_menten, zero_order


def test_every_check_passes_and_some_are_controls() -> None:
    found = checks()
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
    assert all(check.row == 1 for check in found)


@pytest.mark.parametrize("outer", RADII_UM)
def test_zero_order_takes_up_what_flows_in(outer: float) -> None:
    """The slope at the wall feeds exactly the tissue that still takes up, and nothing is negative."""
    r = np.linspace(WALL_UM, outer, 20001)
    p = zero_order(r, outer)
    fed = D * (p[0] - p[1]) / (r[1] - r[0]) * WALL_UM
    consuming = np.where(p > 0.0, M * r, 0.0).sum() * (r[1] - r[0])
    assert p[0] == pytest.approx(P) and p.min() >= 0.0
    assert fed == pytest.approx(consuming, rel=2e-3)


def test_saturating_uptake_leaves_more_than_zero_order() -> None:
    r = np.linspace(WALL_UM, 80.0, 50)
    assert (michaelis_menten(r, 80.0)[1:] > zero_order(r, 80.0)[1:]).all()
