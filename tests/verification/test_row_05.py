"""Row 5: the case's volumes have their EQD2, exactly."""

from lesionlab.sim.verification.row_05_eqd2 import checks


def test_every_check_passes() -> None:
    found = checks(effort=1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
