"""Row 14: VEGF silences and keeps out the share that it should, and a drug without couplings changes no byte."""

from lesionlab.sim.verification.row_14_vegf_suppression import checks


def test_every_check_passes_and_three_are_controls() -> None:
    found = checks(effort=0.3)
    assert [check for check in found if not check.passed] == []
    assert sum(check.is_control for check in found) == 3
    assert all(check.row == 14 for check in found)
