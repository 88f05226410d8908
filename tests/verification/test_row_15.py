"""Row 15: a large lesion divides as tissue with rarer vessels does, and without the law it does not."""

from lesionlab.sim.verification.row_15_size_to_perfusion import checks


def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks(effort=1.0)
    assert [check for check in found if not check.passed] == []
    assert sum(check.is_control for check in found) == 1
    assert all(check.row == 15 for check in found)
