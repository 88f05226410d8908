"""Row 4: survival follows the linear-quadratic law with the oxygen effect, and a wrong law is seen."""

from lesionlab.sim.verification.row_04_survival import checks


def test_every_check_passes() -> None:
    found = checks(effort=0.2)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
