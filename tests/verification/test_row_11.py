"""Row 11: no synergy where nothing is coupled, synergy where oxygen couples two arms."""

from lesionlab.sim.verification.row_11_null_synergy import checks


def test_every_check_passes() -> None:
    found = checks(effort=1.0)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
