"""Row 18: T cells that follow their tumour hold it from either side; those that do not, and a relative supply, are seen to differ."""

from lesionlab.sim.verification.row_18_antigen_gate import checks


def test_every_check_passes_and_three_are_controls() -> None:
    found = checks(effort=0.2)
    assert [check for check in found if not check.passed] == []
    assert sum(check.is_control for check in found) == 3
    assert all(check.row == 18 for check in found)
