"""Row 13: vessels that need no VEGF outlive its blockade, and the old product is seen to be another law."""

from lesionlab.sim.verification.row_13_vessels_without_vegf import checks


def test_every_check_passes_and_two_are_controls() -> None:
    found = checks(effort=0.3)
    assert [check for check in found if not check.passed] == []
    assert sum(check.is_control for check in found) == 2
    assert all(check.row == 13 for check in found)
