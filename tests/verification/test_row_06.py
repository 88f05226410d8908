"""Motility: the model meets the exact answer, and the negative control does not."""

from lesionlab.sim.verification.row_06_motility import checks


def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks(0.1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
    assert all(check.row == 6 for check in found)
