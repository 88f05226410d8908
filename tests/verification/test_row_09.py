"""Row 9: masses grow at their rate and contract compact and round; gaps and corners are seen."""

from lesionlab.sim.verification.row_09_growth import checks


def test_every_check_passes() -> None:
    found = checks(effort=0.1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
