"""Row 16: hypoxia rises from the rim to the core of neck and pelvis, and with an even density it rises too little."""

import pytest

from lesionlab.sim.verification.row_16_hypoxic_core import checks


@pytest.mark.slow
def test_every_check_passes_and_one_is_a_control() -> None:
    found = checks(effort=0.5)
    assert [check for check in found if not check.passed] == []
    assert sum(check.is_control for check in found) == 1
    assert all(check.row == 16 for check in found)
