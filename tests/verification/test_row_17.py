"""Row 17: the inhibitor slows division by what its level says, and not at all where it is switched off."""

from lesionlab.sim.verification.row_17_direct_effect import checks


def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks()
    assert [check for check in found if not check.passed] == []
    assert sum(check.is_control for check in found) == 1
    assert all(check.row == 17 for check in found)
