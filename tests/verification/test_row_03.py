"""Diffusion: the model meets the exact answer, and the negative control does not."""

from lesionlab.sim.verification.row_03_diffusion import checks


def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks(1.0)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
    assert all(check.row == 3 for check in found)
