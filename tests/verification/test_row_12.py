"""Row 12: endpoints do not depend on the step or the box; a changed rule is seen."""

from lesionlab.sim.verification.row_12_refinement import checks


def test_every_check_passes() -> None:
    found = checks(effort=0.1)
    assert [check for check in found if not check.passed] == []
    assert any(check.is_control for check in found)
