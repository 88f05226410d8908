"""Three hits: the model meets the exact answer, and the negative control does not."""

import math

from lesionlab.sim.verification.row_07_hits import chain_h, checks, closed_form_h


def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks(0.1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
    assert all(check.row == 7 for check in found)


def test_the_chain_is_the_closed_form_where_all_hits_are_remembered() -> None:
    """With an endless memory three hits take three waiting times; in steps, three geometric ones."""
    assert abs(closed_form_h(2.0, 1e6) - 1.5) < 1e-9
    hit = 1.0 - math.exp(-0.2)
    assert abs(chain_h(2.0, 6.0, 1e4) - 0.3 / hit) < 1e-9


def test_the_chain_is_the_walk_counted_by_hits() -> None:
    """Wald's identity in steps: gaps of one to eight steps of 6 minutes are within 50 minutes."""
    hit = 1.0 - math.exp(-0.12)
    p = 1.0 - (1.0 - hit) ** 8
    assert abs(chain_h(1.2, 6.0) / (0.1 * (1.0 + (1.0 + p) / p**2) / hit) - 1.0) < 1e-9
