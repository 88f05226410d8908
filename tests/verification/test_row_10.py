"""Row 10: drug levels, accumulation and half-lives; a wrong clearance is seen."""

from lesionlab.sim.verification.row_10_pharmacokinetics import checks


def test_every_check_passes() -> None:
    found = checks(effort=1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
