"""Row 8: populations branch by the closed forms, direct and weight-controlled; a wrong rate is seen."""

from lesionlab.sim.verification.row_08_branching import checks


def test_every_check_passes() -> None:
    found = checks(effort=0.1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
